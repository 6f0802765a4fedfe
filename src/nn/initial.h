/* initial.h -- the distributions that parameters start from. */
#ifndef MN_NN_INITIAL_H
#define MN_NN_INITIAL_H

#include <mneme/network.h>

/* Fills `value` from the distribution.  A weight is (O, I) or (O, I, kernel...); `fan_in` is the
 * number of inputs that one output sums over, asked for by name because a bias, (O), does not know
 * it.  The j-th number depends on (key, j) alone. */
mn_status mn_initial_fill(mn_tensor *value, mn_initial initial, int64_t fan_in, mn_key key);

/* Inputs of one output of a weight of that shape: I times the kernel; 1 for a vector. */
int64_t mn_initial_fan_in(mn_shape shape);

#endif
