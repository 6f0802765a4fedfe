/* random.h -- keys of random numbers that belong to the strategy whose hook is running. */
#ifndef MN_LEARNER_RANDOM_H
#define MN_LEARNER_RANDOM_H

#include <mneme/random.h>
#include <mneme/services.h>

/* Of the numbers of this kind called `name`, at this step. */
mn_key mn_learner_key(const mn_learner *learner, const char *kind, const char *name);
/* The same for a draw of rows, narrowed by a task or 0.  A second one with its name and task in a
 * step would bring the same rows, which nobody means who writes it twice: it is refused. */
mn_key mn_learner_draw_key(mn_learner *learner, const char *kind, const char *name, int64_t task);

#endif
