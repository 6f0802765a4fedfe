/* memory.h -- memory that lives until the reset of its tape, or less. */
#ifndef MN_AUTOGRAD_MEMORY_H
#define MN_AUTOGRAD_MEMORY_H

#include <mneme/autograd.h>

/* `bytes` of uninitialised memory until the reset; NULL: the tape carries MN_NO_MEMORY. */
void *mn_tape_take(mn_tape *tape, size_t bytes);
/* Returns the memory of a value or gradient that is no longer read, for reuse in this step. */
void mn_tape_give(mn_tape *tape, mn_tensor *tensor);

/* The values of x outlive mn_backward_done() and mn_release().  Where x is a view,
 * what it looks into is kept, too, constants included. */
void mn_var_keep(mn_var *x);

#endif
