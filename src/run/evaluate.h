/* evaluate.h -- counting right answers on test images, and on validation images beside them. */
#ifndef MN_RUN_EVALUATE_H
#define MN_RUN_EVALUATE_H

#include "store/handle.h"

#include <mneme/services.h>

/* All tasks 0..last; raw counts go to the file. */
mn_status mn_evaluate(mn_learner *learner, mn_runfile *file, int64_t after_task, int64_t last,
                      bool outputs);
/* The task after `after_task`, before it is learned: forward transfer is made of these. */
mn_status mn_evaluate_next(mn_learner *learner, mn_runfile *file, int64_t after_task);

#endif
