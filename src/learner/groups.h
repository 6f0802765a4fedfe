/* groups.h -- whether groups of parameters are of parameters that there are. */
#ifndef MN_LEARNER_GROUPS_H
#define MN_LEARNER_GROUPS_H

#include <mneme/keep.h>

/* MN_BAD_OPTION where an optimiser has a group that matches nothing it moves, nor what moves with
 * it. */
mn_status mn_learner_check_groups(const mn_learner *learner);

#endif
