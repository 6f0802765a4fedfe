/* softmax.c -- functions of whole rows of (B,K): softmax, its logarithm, and unit length.
 *
 * All three go back from their output alone. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/ops.h>
#include <stddef.h>

static mn_status matrix_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    return mn_shape_like_input(node, out);
}

/* --- softmax(x)_k = exp x_k / sum_j exp x_j --- */

static mn_status softmax_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_softmax(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status softmax_backward(mn_node *node) /* y (dy - <y, dy>) */
{
    const mn_shape x = mn_node_x_shape(node, 0);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_softmax_backward(x.size[0], x.size[1], mn_node_y(node), mn_node_dy(node), dx,
                                   add);
    return MN_OK;
}

static const mn_op op_softmax = {"softmax", 0, matrix_shape, softmax_forward, softmax_backward};

mn_var *mn_softmax(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_softmax, x, NULL));
}

/* --- log softmax ---------------------------------------------------------------------------------
 */

static mn_status log_softmax_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_log_softmax(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status log_softmax_backward(mn_node *node) /* dy - exp(y) sum dy */
{
    const mn_shape x = mn_node_x_shape(node, 0);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_log_softmax_backward(x.size[0], x.size[1], mn_node_y(node), mn_node_dy(node), dx,
                                       add);
    return MN_OK;
}

static const mn_op op_log_softmax = {"log_softmax", 0, matrix_shape, log_softmax_forward,
                                     log_softmax_backward};

mn_var *mn_log_softmax(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_log_softmax, x, NULL));
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
