/* evaluate.h -- counting right answers on test or validation data. */
#ifndef MN_RUN_EVALUATE_H
#define MN_RUN_EVALUATE_H

#include "store/handle.h"

#include <mneme/services.h>
#include <mneme/stream.h>

/* All tasks 0..last; raw counts go to the file. */
mn_status mn_evaluate(mn_learner *learner, mn_runfile *file, int64_t after_task, int64_t last,
                      bool outputs);
/* The task after `after_task`, before it is learned: forward transfer is made of these. */
mn_status mn_evaluate_next(mn_learner *learner, mn_runfile *file, int64_t after_task);

/* A batch as a strategy sees it in an evaluation: `unknown` (batch->count) is -1 everywhere. */
mn_batch mn_evaluation_batch(const mn_learner *learner, const mn_batch *batch,
                             const int32_t *unknown);
typedef struct mn_tally {
    int64_t seen, within, total; /* right among the seen classes, right within the task */
} mn_tally;
/* Adds an image of `label` in `task` with those scores (classes). */
void mn_tally_add(mn_tally *tally, const float *scores, int64_t label, mn_task_info task,
                  int64_t seen);

#endif
