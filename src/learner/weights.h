/* weights.h -- a run's beginning, kept for strategies that begin again. */
#ifndef MN_LEARNER_WEIGHTS_H
#define MN_LEARNER_WEIGHTS_H

#include "store/handle.h"

#include <mneme/network.h>

/* Keeps what mn_weights_load() filled in the run file, apart from the weights that training moves,
 * so that mn_reinitialise() finds them there after any resume; and puts them back.  `head` false:
 * all but the classifier. */
mn_status mn_weights_keep(mn_network *network, mn_runfile *file, bool head);
mn_status mn_weights_restore(mn_network *network, mn_runfile *file, bool head);

#endif
