/* backward.h -- the last sweep. */
#ifndef MN_AUTOGRAD_BACKWARD_H
#define MN_AUTOGRAD_BACKWARD_H

#include <mneme/autograd.h>

/* mn_backward(), and the last sweep through what the loss was made of: the memory of values and of
 * what ops saved serves the next results.  Only what was kept (mn_var_keep()) may be read, or used,
 * any more. */
mn_status mn_backward_done(mn_var *loss);

#endif
