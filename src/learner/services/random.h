/* random.h -- keys of random numbers that belong to the strategy whose hook is running. */
#ifndef MN_LEARNER_RANDOM_H
#define MN_LEARNER_RANDOM_H

#include <mneme/random.h>
#include <mneme/services.h>

/* Of the numbers of this kind called `name`, at this step. */
mn_key mn_learner_key(const mn_learner *learner, const char *kind, const char *name);

#endif
