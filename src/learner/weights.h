/* weights.h -- weights that come from elsewhere: a safetensors file as a run's beginning. */
#ifndef MN_LEARNER_WEIGHTS_H
#define MN_LEARNER_WEIGHTS_H

#include "store/handle.h"

#include <mneme/network.h>

/* Fills a network's parameters and statistics from a safetensors file that has this digest.
 * `head` false: the classifier is left as it is, whatever the file holds for it.  MN_BAD_SHAPE
 * names what is missing, extra or of another shape; MN_CORRUPT: another digest. */
mn_status mn_weights_load(mn_network *network, const char *path, const char *digest, bool head);

/* Keeps what mn_weights_load() filled in the run file, apart from the weights that training moves,
 * so that mn_reinitialise() finds them there after any resume; and puts them back. */
mn_status mn_weights_keep(mn_network *network, mn_runfile *file, bool head);
mn_status mn_weights_restore(mn_network *network, mn_runfile *file, bool head);

#endif
