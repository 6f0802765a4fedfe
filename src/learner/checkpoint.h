/* checkpoint.h -- what of a learner is in the run file. */
#ifndef MN_LEARNER_CHECKPOINT_H
#define MN_LEARNER_CHECKPOINT_H

#include "store/handle.h"

#include <mneme/services.h>

/* Writes everything that must survive, inside the caller's transaction. */
mn_status mn_learner_save(mn_learner *learner, mn_runfile *file);
/* Reads it over a learner that was built from the same configuration. */
mn_status mn_learner_load(mn_learner *learner, mn_runfile *file);

#endif
