/* network.h -- a network's gradients, begun anew without being cleared.
 *
 * Clearing writes every gradient once and adding to zeros reads it again: a tenth of a small
 * network's step.  A sweep's first contribution to what was forgotten is written instead.
 */
#ifndef MN_NN_NETWORK_H
#define MN_NN_NETWORK_H

#include "nn/sight.h"

#include <mneme/network.h>

/* mn_network_new(), or mn_network_new_of() where there is a type, of a network that sees less than
 * it is shown.  Its spec says what it is shown; the functions of its type alone are told what is
 * left of that, and mn_network_seen(). */
mn_status mn_network_new_seeing(const mn_network_type *type, const void *options,
                                const mn_network_spec *spec, mn_sight sight, mn_key key,
                                mn_network **network);
mn_sight mn_network_sight(const mn_network *network);
mn_shape mn_network_seen(const mn_network *network);

/* From here on the gradients stand for zeros; until they are complete, backward alone may look. */
void mn_network_forget_gradients(mn_network *network);
/* Writes the zeros of those that no backward has reached. */
mn_status mn_network_complete_gradients(mn_network *network);

/* The key of this forward's next random layer, one for each; false where the forward has none. */
bool mn_network_draw(mn_network *network, mn_key *key);

#endif
