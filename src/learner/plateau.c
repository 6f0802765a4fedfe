/* plateau.c -- the learning rate falls by `factor` after `patience` epochs without a lower
 * validation loss, and a phase ends where it has fallen below `least`.
 *
 * As PyTorch's ReduceLROnPlateau without a threshold, but anew in each phase.  With `restore` it
 * goes on from the best weights, as the code of Serra et al. (HAT, 2018) and those after it. */
#include "learner/plateau.h"
#include "learner/best.h"
#include "learner/keep.h"
#include "learner/learner.h"
#include "learner/scoring.h"

static const mn_schedule_settings *settings_of(const mn_learner *learner)
{
    return learner->experiment->section[MN_SECTION_SCHEDULE].values;
}

mn_status mn_plateau_open(mn_learner *learner)
{
    if (learner->schedule.kind != MN_PLATEAU)
        return MN_OK;
    MN_TRY(mn_learner_keep_real(learner, "run", "plateau/factor", &learner->plateau.factor));
    *learner->plateau.factor = 1;
    return mn_learner_add_best(learner, "run", "plateau", mn_learner_network(learner),
                               &learner->plateau.best);
}

void mn_plateau_begin(mn_learner *learner)
{
    if (learner->plateau.best == NULL)
        return;
    *learner->plateau.factor = 1;
    mn_best_forget(learner->plateau.best);
}

double mn_plateau_factor(const mn_learner *learner)
{
    return learner->plateau.best != NULL ? *learner->plateau.factor : 1;
}

static mn_status fall(mn_learner *learner)
{
    const mn_schedule_settings *settings = settings_of(learner);
    mn_best *best = learner->plateau.best;
    *learner->plateau.factor *= settings->factor;
    if (settings->restore)
        MN_TRY(mn_best_restore(best));
    mn_best_wait_anew(best);
    learner->phase_ends = *learner->plateau.factor < settings->least;
    return MN_OK;
}

mn_status mn_plateau_epoch(mn_learner *learner)
{
    mn_validation now;
    mn_best *best = learner->plateau.best;
    if (best == NULL)
        return MN_OK;
    MN_TRY(mn_learner_validate(learner, &now));
    MN_TRY(mn_best_offer(best, -now.loss));
    return mn_best_waited(best) >= settings_of(learner)->patience ? fall(learner) : MN_OK;
}

mn_status mn_plateau_end(mn_learner *learner)
{
    return learner->plateau.best != NULL && settings_of(learner)->restore
               ? mn_best_restore(learner->plateau.best)
               : MN_OK;
}
