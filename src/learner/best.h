/* best.h -- the best weights so far, for whoever is no strategy. */
#ifndef MN_LEARNER_BEST_H
#define MN_LEARNER_BEST_H

#include <mneme/early_stopping.h>

mn_status mn_learner_add_best(mn_learner *learner, const char *owner, const char *name,
                              mn_network *network, mn_best **best);
/* From here on mn_best_waited() counts from 0; the best value stays. */
void mn_best_wait_anew(mn_best *best);

#endif
