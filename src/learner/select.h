/* select.h -- the end of a task for buffer policies that choose from all of its data. */
#ifndef MN_LEARNER_SELECT_H
#define MN_LEARNER_SELECT_H

#include <mneme/services.h>

/* Hands the task's images, features and logits to the policy; nothing for other policies. */
mn_status mn_learner_select(mn_learner *learner);

#endif
