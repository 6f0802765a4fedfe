/* early_stopping.h -- a look at images that are held out of training, the best weights so far, and the
 * end of a phase before its time.
 *
 *     static mn_status after_epoch(mn_learner *learner)
 *     {
 *         const state *s = mn_state(learner);
 *         mn_validation now;
 *         MN_TRY(mn_validate(learner, &now));
 *         MN_TRY(mn_best_offer(s->best, -now.loss));
 *         return mn_best_waited(s->best) < 5 ? MN_OK : mn_end_phase(learner);
 *     }
 *     ... before_task: mn_best_forget(s->best);   after_task: mn_best_restore(s->best);
 *
 * The schedule `plateau` does the like for strategies that do not.
 */
#ifndef MNEME_EARLY_STOPPING_H
#define MNEME_EARLY_STOPPING_H

#include <mneme/keep.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- validation ------------------------------------------------------------------------------- */
typedef struct mn_validation {
    int64_t images;
    double accuracy; /* in per cent, among all classes seen */
    double loss;     /* mean cross-entropy of the scores among these */
} mn_validation;
/* In open: MN_BAD_OPTION, with what to set, unless the run has validation images beside its test
 * images (train.validation, train.validation_beside). */
MN_API mn_status mn_check_validation(const mn_learner *learner);
/* What the base's scores are worth on the current task's validation images, which no batch shows but
 * those of MN_FROM_VALIDATION.  Between steps: in before_task, after_epoch and after_task;
 * MN_OUT_OF_ORDER elsewhere.  Batches that the hook has drawn before it are gone. */
MN_API mn_status mn_validate(mn_learner *learner, mn_validation *validation);

/* --- the best weights ------------------------------------------------------------------------- */
typedef struct mn_best mn_best; /* owned by the learner */
/* In open: room for a copy of the network's weights and statistics, kept with the run. */
MN_API mn_status mn_add_best(mn_learner *learner, const char *name, mn_network *network,
                             mn_best **best);
/* Copies the network if `value` is above all that were offered since mn_best_forget(). */
MN_API mn_status mn_best_offer(mn_best *best, double value);
MN_API int64_t mn_best_waited(const mn_best *best); /* offers since the best one; 0: it was the last */
/* Copies the best weights back; nothing where nothing was offered. */
MN_API mn_status mn_best_restore(mn_best *best);
MN_API void mn_best_forget(mn_best *best);

/* --- the end of a phase ----------------------------------------------------------------------- */
/* The phase under way ends with this step, whatever its length: in loss, gradients, after_step and
 * after_epoch, or in visit.  MN_OUT_OF_ORDER elsewhere. */
MN_API mn_status mn_end_phase(mn_learner *learner);

#ifdef __cplusplus
}
#endif
#endif
