/* scoring.h -- what the base answers about images that it is not told the labels of. */
#ifndef MN_LEARNER_SCORING_H
#define MN_LEARNER_SCORING_H

#include <mneme/services.h>
#include <mneme/stream.h>

/* The images that are evaluated as test images are: the test set, unless a part of the training
 * images was put in its place. */
mn_part mn_evaluated_part(const mn_learner *learner);
/* Whether a part of the training images is evaluated beside the test images. */
bool mn_validates(const mn_learner *learner);

typedef struct mn_tally {
    int64_t seen, within, total; /* right among the seen classes, right within the task */
} mn_tally;
/* Adds an image of `label` in `task` with those scores (classes). */
void mn_tally_add(mn_tally *tally, const float *scores, int64_t label, mn_task_info task,
                  int64_t seen);

/* A batch as a strategy sees it in an evaluation: `unknown` (batch->count) is -1 everywhere. */
mn_batch mn_evaluation_batch(const mn_learner *learner, const mn_batch *batch,
                             const int32_t *unknown);
/* What whoever classifies does before it is asked.  Called once before any number of questions
 * between which nothing is trained or remembered. */
mn_status mn_learner_before_scores(mn_learner *learner);
/* What the run answers (an add-on that classifies, else the base) about `count` images, at most
 * eval_batch, that the stream does not have: pixels (count, image) of the type of batches, scores
 * (count, classes of the stream). */
mn_status mn_learner_answer(mn_learner *learner, const uint8_t *pixels, int64_t count,
                            float *scores);
/* Counts right answers about a part of a task's images, in their stored order.  outputs: (images,
 * classes), as many as the part has; NULL: not wanted.  The tape does not record meanwhile, and
 * what was on it is gone. */
mn_status mn_learner_score(mn_learner *learner, mn_part part, int64_t on_task, int64_t seen,
                           mn_tally *count, float *outputs);
/* The current task's validation images, outside of any step.  There must be some. */
mn_status mn_learner_validate(mn_learner *learner, mn_validation *validation);

#endif
