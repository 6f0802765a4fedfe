/* softmax.c -- functions of whole rows: softmax and its logarithm over the last axis of any shape,
 * and the unit length of the rows of (B,K).
 *
 * All three go back from their output alone. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"
#include "tensor/axis_kernels.h"

#include <mneme/ops.h>
#include <stddef.h>

static mn_status matrix_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    return mn_shape_like_input(node, out);
}

static mn_status last_axis_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_rows(node));
    return mn_shape_like_input(node, out);
}

static int64_t last_axis(const mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    return x.size[x.rank - 1];
}

static int64_t rows_of(const mn_node *node)
{
    mn_shape x = mn_node_x_shape(node, 0);
    x.size[x.rank - 1] = 1;
    return mn_shape_count(x);
}

/* A single axis is one row: its elements meet. */
static mn_var *apply_to_rows(const mn_op *op, mn_var *x)
{
    mn_var *y = mn_apply1(op, x, NULL);
    return y != NULL && mn_shape_of(y).rank > 1 ? mn_rows_apart(y) : y;
}

/* --- softmax(x)_k = exp x_k / sum_j exp x_j --- */

static mn_status softmax_forward(mn_node *node)
{
    mn_kernel_softmax(rows_of(node), last_axis(node), mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status softmax_backward(mn_node *node) /* y (dy - <y, dy>) */
{
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_softmax_backward(rows_of(node), last_axis(node), mn_node_y(node),
                                   mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_softmax = {"softmax", 0, last_axis_shape, softmax_forward, softmax_backward};

mn_var *mn_softmax(mn_var *x)
{
    return apply_to_rows(&op_softmax, x);
}

/* --- log softmax ---------------------------------------------------------------------------------
 */

static mn_status log_softmax_forward(mn_node *node)
{
    mn_kernel_log_softmax(rows_of(node), last_axis(node), mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status log_softmax_backward(mn_node *node) /* dy - exp(y) sum dy */
{
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_log_softmax_backward(rows_of(node), last_axis(node), mn_node_y(node),
                                       mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_log_softmax = {"log_softmax", 0, last_axis_shape, log_softmax_forward,
                                     log_softmax_backward};

mn_var *mn_log_softmax(mn_var *x)
{
    return apply_to_rows(&op_log_softmax, x);
}

/* --- x / max(|x|_2, 1e-12) --- */

enum { NORMS }; /* saved: (B) */

static mn_status row_normalise_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    float *norms = mn_saved_memory(node, NORMS, MN_F32, x.size[0]);
    if (norms == NULL)
        return MN_NO_MEMORY;
    mn_kernel_row_normalise(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node), norms);
    return MN_OK;
}

static mn_status row_normalise_backward(mn_node *node) /* (dy - y <y, dy>) / |x| */
{
    const mn_shape x = mn_node_x_shape(node, 0);
    const float *norms = mn_saved_memory(node, NORMS, MN_F32, x.size[0]);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_row_normalise_backward(x.size[0], x.size[1], mn_node_y(node), norms,
                                         mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_row_normalise = {"row_normalise", 0, matrix_shape, row_normalise_forward,
                                       row_normalise_backward};

mn_var *mn_row_normalise(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_row_normalise, x, NULL));
}

/* --- |x|_2 of each row of any shape --- */

static mn_status row_norm_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_rows(node));
    *out = MN_SHAPE(mn_node_x_shape(node, 0).size[0]);
    return MN_OK;
}

static mn_status row_norm_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_row_norms(x.size[0], mn_row_count(x), mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status row_norm_backward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_row_norms_backward(x.size[0], mn_row_count(x), mn_node_x(node, 0),
                                     mn_node_y(node), mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_row_norm = {"row_norm", 0, row_norm_shape, row_norm_forward,
                                  row_norm_backward};

mn_var *mn_row_norm(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_row_norm, x, NULL));
}
