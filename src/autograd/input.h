/* input.h -- a value of which no op is the maker. */
#ifndef MN_AUTOGRAD_INPUT_H
#define MN_AUTOGRAD_INPUT_H

#include <mneme/autograd.h>

/* A constant on the tape, of undefined contents when `data` is NULL; NULL when memory ran out. */
mn_var *mn_tape_var(mn_tape *tape, mn_shape shape, void *data);

#endif
