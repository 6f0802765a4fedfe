/* rows.h -- what mn_backward_squares() and mn_backward_products() may pass through. */
#ifndef MN_AUTOGRAD_ROWS_H
#define MN_AUTOGRAD_ROWS_H

#include <mneme/autograd.h>

/* Row i of y comes from row i of its op's inputs alone.  Each marks y and returns it. */
mn_var *mn_rows_apart(mn_var *y);
mn_var *mn_rows_apart_in_matrix(mn_var *y); /* a scalar would mix the rows summed in it */
mn_var *mn_rows_apart_with(mn_var *y, mn_status (*squares)(mn_node *node),
                           mn_status (*products)(mn_node *node));
/* Where the i-th input's squares are added; NULL when nobody wants them. */
float *mn_node_squares_sink(mn_node *node, int i);
/* Adds the products of every two of the rows d (B,columns) that are, row by row, the gradient of
 * the i-th input; with x (B,width) not NULL, that of a weight, d_i x_i^T.  Nothing when nobody
 * wants them.  `slot`: of mn_node_saved(), and the one after it. */
mn_status mn_node_add_products(mn_node *node, int i, int64_t columns, const float *d, int64_t width,
                               const float *x, int slot);

#endif
