/* step.c -- one step: updates on a tape, and the hooks around them. */
#include "run/step.h"
#include "learner/scores.h"
#include "learner/terms.h"
#include "nn/network.h"
#include "nn/optimiser.h"
#include "store/records.h"

#include <math.h>

static mn_status build_loss(mn_learner *learner, int member, const mn_update *update,
                            const mn_batch *batch)
{
    mn_tape_scope(learner->tape, learner->member[member].strategy->name);
    /* Earlier updates of the step have moved the weights that their forwards were made with. */
    const int earlier = learner->published_before;
    mn_learner_enter(learner, member, "loss");
    MN_TRY(mn_learner_leave(learner, update->loss(learner, learner->tape, batch)));
    const mn_out *published[MN_MOST_PUBLISHED];
    const int count = learner->published_count - earlier;
    learner->group = 0; /* an add-on's terms may be made of any forward: they go with the first */
    for (int i = 0; i < count; i++)
        published[i] = &learner->published[earlier + i];
    for (int i = 1; i < learner->members && member == 0; i++) {
        const mn_strategy *addon = learner->member[i].strategy;
        if (addon->term == NULL)
            continue;
        mn_tape_scope(learner->tape, addon->name);
        mn_learner_enter(learner, i, "term");
        MN_TRY(mn_learner_leave(learner, addon->term(learner, learner->tape, published, count)));
    }
    mn_tape_scope(learner->tape, NULL);
    return MN_OK;
}

/* The i-th of the optimisers that make a step together: a leader and those that follow it. */
static mn_owned_optimiser *stepping_with(mn_learner *learner, const mn_owned_optimiser *leader,
                                         int i)
{
    for (int j = 0; j < learner->optimisers; j++) {
        mn_owned_optimiser *optimiser = &learner->optimiser[j];
        if (optimiser == leader ||
            (optimiser->leader >= 0 && &learner->optimiser[optimiser->leader] == leader))
            if (i-- == 0)
                return optimiser;
    }
    return NULL;
}

static mn_status clip_gradients(mn_learner *learner, const mn_owned_optimiser *leader, double most)
{
    const mn_owned_optimiser *optimiser;
    double squares = 0;
    if (most <= 0)
        return MN_OK;
    for (int i = 0; (optimiser = stepping_with(learner, leader, i)) != NULL; i++)
        MN_TRY(mn_optimiser_forget_frozen(optimiser->optimiser));
    for (int i = 0; (optimiser = stepping_with(learner, leader, i)) != NULL; i++)
        squares += pow(mn_tensor_norm(mn_network_gradients(optimiser->network)), 2);
    const double norm = sqrt(squares);
    for (int i = 0; norm > most && (optimiser = stepping_with(learner, leader, i)) != NULL; i++) {
        mn_tensor *gradients = mn_network_gradients(optimiser->network);
        MN_TRY(mn_tensor_axpby(gradients, 0, gradients, (float)(most / norm)));
    }
    return MN_OK;
}

static mn_status log_terms(const mn_learner *learner, const char *phase, const char *update,
                           double loss)
{
    const mn_scalar_place place = {learner->cursor.step, learner->cursor.task, phase, update};
    for (int i = 0; i < learner->terms; i++)
        MN_TRY(mn_runfile_add_scalar(learner->file, &place, learner->term[i].name,
                                     learner->term[i].item));
    MN_TRY(mn_runfile_add_scalar(learner->file, &place, "loss", loss));
    return mn_runfile_add_scalar(learner->file, &place, "lr", learner->learning_rate);
}

static mn_status update_once(mn_learner *learner, const mn_phase_step *step,
                             const mn_update *update, mn_losses *losses, mn_run_profile *profile)
{
    mn_owned_optimiser *owned = mn_learner_optimiser(learner, step->member, update->optimiser);
    if (owned == NULL)
        return MN_NOT_FOUND;
    mn_learner_begin_terms(learner);
    learner->learning_rate = owned->learning_rate * step->factor;
    const mn_owned_optimiser *optimiser;
    for (int i = 0; (optimiser = stepping_with(learner, owned, i)) != NULL; i++)
        mn_network_forget_gradients(optimiser->network);
    MN_TRY(build_loss(learner, step->member, update, step->batch));
    if (learner->terms == 0 && losses->updates > 0) /* an update of this step has had some */
        return MN_OK;
    MN_TRY(mn_learner_backward(learner, &losses->loss));
    for (int i = 0; (optimiser = stepping_with(learner, owned, i)) != NULL; i++)
        MN_TRY(mn_network_complete_gradients(optimiser->network));
    if (losses->updates < MN_MOST_UPDATES_SHOWN) {
        losses->update[losses->updates].name = update->name;
        losses->update[losses->updates++].loss = losses->loss;
    }
    if (learner->cursor.step % learner->settings->log_every == 0)
        MN_TRY(log_terms(learner, step->phase->name, update->name, losses->loss));
    MN_TRY(mn_learner_call(learner, MN_GRADIENTS));
    MN_TRY(clip_gradients(learner, owned, learner->settings->clip));
    mn_run_profile_mark(profile, "draws and hooks");
    for (int i = 0; (optimiser = stepping_with(learner, owned, i)) != NULL; i++)
        MN_TRY(mn_optimiser_step(optimiser->optimiser, learner->learning_rate));
    mn_run_profile_mark(profile, "optimiser");
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, int member, const mn_batch *batch)
{
    const mn_out *out = learner->published_count > 0 ? &learner->published[0] : NULL;
    MN_TRY(mn_learner_refresh_scores(learner));
    for (int i = member == 0 ? 0 : 1; i < learner->members; i++) {
        const mn_strategy *strategy = learner->member[i].strategy;
        if (strategy->after_step == NULL)
            continue;
        mn_learner_enter(learner, i, "after_step");
        const mn_status status =
            mn_learner_leave(learner, strategy->after_step(learner, batch, out));
        if (status != MN_OK)
            return mn_fail_in(status, "%s: after_step", strategy->name);
    }
    return MN_OK;
}

/* A phase that trains nothing shows its batches to the strategy.  Its length is none that the
 * schedule was made for, so the rate is the configured one. */
static mn_status visit_batch(mn_learner *learner, const mn_phase_step *step)
{
    learner->learning_rate = learner->optimiser[0].learning_rate;
    mn_learner_enter(learner, step->member, "visit");
    return mn_learner_leave(learner, step->phase->visit(learner, learner->tape, step->batch));
}

mn_status mn_make_step(mn_learner *learner, const mn_phase_step *step, mn_losses *losses,
                       mn_run_profile *profile)
{
    const mn_phase *phase = step->phase;
    if (phase->visit != NULL)
        return visit_batch(learner, step);
    const mn_update usual[] = {
        {.name = "train", .loss = learner->member[step->member].strategy->loss}, {.name = NULL}};
    const mn_update *update = phase->updates != NULL ? phase->updates : usual;
    losses->updates = 0;
    learner->training = step->member;
    for (int i = 0; update[i].name != NULL; i++) {
        learner->update = i;
        if (update[i].every <= 1 || learner->cursor.phase_step % update[i].every == 0)
            MN_TRY(update_once(learner, step, &update[i], losses, profile));
    }
    learner->update = 0;
    return after_step(learner, step->member, step->batch);
}
