/* draw.h -- random numbers of a strategy's own.
 *
 * They are looked up by strategy, `name` and step: a resumed run finds the same ones, and no other
 * strategy, draw or logger moves them.  Where a step has several updates, a strategy that adds to
 * another's phase is called in each, and finds others in each.
 */
#ifndef MNEME_DRAW_H
#define MNEME_DRAW_H

#include <mneme/data.h>
#include <mneme/keep.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The key of the calling strategy's own numbers of that name, at this step. */
MN_API mn_key mn_strategy_key(const mn_learner *learner, const char *name);
/* Standard normal numbers, keyed by strategy, `name` and step; and uniform ones on [0, 1). */
MN_API mn_var *mn_noise(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape);
MN_API mn_var *mn_uniform(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape);
/* Standard normal numbers keyed by strategy and `name` alone: the same ones at every step. */
MN_API mn_var *mn_fixed_noise(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape);

/* Whole numbers on {0, ..., bound - 1}, uniformly and with replacement: (count), valid until the step
 * ends; bound >= 1.  NULL after a failure. */
MN_API const int64_t *mn_draw_int(mn_learner *learner, const char *name, int64_t bound,
                                  int64_t count);
/* Negatives: for each row of the batch `wanted` labelled training images of the current task that
 * are of another class, by their places in the data set (mn_batch.indices): (B, wanted), valid until
 * the step ends.  Without replacement, or, where there are fewer, none more than once more often than
 * another.  Of a row without a label: of all classes.  NULL after a failure; MN_BAD_VALUE where the
 * task has no image of another class. */
MN_API const int64_t *mn_draw_other_classes(mn_learner *learner, const char *name,
                                            const mn_batch *batch, int64_t wanted);

/* min(wanted, all) of the current task's training images, labelled or not, un-augmented. */
MN_API const mn_batch *mn_draw_images(mn_learner *learner, const char *name, int64_t wanted);

#ifdef __cplusplus
}
#endif
#endif
