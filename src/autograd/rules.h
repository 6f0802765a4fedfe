/* rules.h -- shape rules that many ops share. */
#ifndef MN_AUTOGRAD_RULES_H
#define MN_AUTOGRAD_RULES_H

#include "autograd/node.h"

/* The output is like input 0; inputs 0 and 1 are equal; input 0 has rows; input i is a matrix. */
mn_status mn_shape_like_input(mn_node *node, mn_shape *out);
mn_status mn_shape_of_equals(mn_node *node, mn_shape *out);
mn_status mn_check_rows(const mn_node *node);
/* Input 0 has an axis of that number. */
mn_status mn_check_axis(const mn_node *node, int axis);
mn_status mn_check_matrix(const mn_node *node, int i, const char *expected);

#endif
