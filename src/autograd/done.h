/* done.h -- an end to the life of a value, before that of its tape. */
#ifndef MN_AUTOGRAD_DONE_H
#define MN_AUTOGRAD_DONE_H

#include <mneme/autograd.h>

/* Nobody reads the result of an op any more: where no gradient flows through it, its memory serves
 * the next results.  The op is no view, and none was made of its result. */
void mn_var_done(mn_var *result);

/* mn_backward(), and the last sweep through what the loss was made of: the memory of values and of
 * what ops saved serves the next results.  Only what was kept may be read, or used, any more. */
mn_status mn_backward_done(mn_var *loss);
/* The values stay readable through such a sweep. */
void mn_var_keep(mn_var *x);

#endif
