/* weights.h -- weights that come from elsewhere: a safetensors file into a network. */
#ifndef MN_NN_WEIGHTS_H
#define MN_NN_WEIGHTS_H

#include <mneme/network.h>

/* Fills a network's parameters and statistics from a safetensors file that has this digest.
 * `head` false: the classifier is left as it is, whatever the file holds for it.  MN_BAD_SHAPE
 * names what is missing, extra or of another shape; MN_CORRUPT: another digest. */
mn_status mn_weights_load(mn_network *network, const char *path, const char *digest, bool head);

#endif
