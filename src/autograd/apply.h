/* apply.h -- an op on inputs as they lie. */
#ifndef MN_AUTOGRAD_APPLY_H
#define MN_AUTOGRAD_APPLY_H

#include <mneme/autograd.h>

/* For an op that works on the inputs' own layouts.  Its shape rule may write the output's layout to
 * node->output.value.layout; a gradient always has the layout of its value. */
mn_var *mn_apply_laid_out(const mn_op *op, mn_var *const *inputs, int n, const void *attributes);
mn_var *mn_apply1_laid_out(const mn_op *op, mn_var *x, const void *attributes);

#endif
