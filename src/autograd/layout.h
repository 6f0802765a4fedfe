/* layout.h -- values where another op wants them. */
#ifndef MN_AUTOGRAD_LAYOUT_H
#define MN_AUTOGRAD_LAYOUT_H

#include "autograd/node.h"

/* The same values in that layout (NULL: plain), by an op where they lie otherwise. */
mn_var *mn_in_layout(mn_var *x, const mn_layout *layout);
mn_var *mn_in_f32(mn_var *x); /* where x lies, but for the type of its elements */
/* For elementwise ops that map 0 to 0, whose output lies as their inputs do; and their rules. */
mn_status mn_laid_out_like_input(mn_node *node, mn_shape *out);
mn_status mn_laid_out_of_equals(mn_node *node, mn_shape *out);
mn_var *mn_apply2_laid_out(const mn_op *op, mn_var *x, mn_var *y, const void *attributes);

#endif
