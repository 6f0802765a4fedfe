/* reduce.c -- sums, means and maxima, over everything and over rows. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/ops.h>
#include <stddef.h>

/* --- sum, mean -> scalar --- */

static mn_status scalar_shape(mn_node *node, mn_shape *out)
{
    (void)node;
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status sum_forward(mn_node *node)
{
    mn_kernel_fill(1, (float)mn_kernel_sum(mn_node_x_count(node, 0), mn_node_x(node, 0)),
                   mn_node_y(node));
    return MN_OK;
}

/* Every element gets the same. */
static void spread(mn_node *node, float gradient)
{
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL && add)
        mn_kernel_map(MN_FUNCTION_SHIFT, mn_node_x_count(node, 0), gradient, 0, dx, dx);
    else if (dx != NULL)
        mn_kernel_fill(mn_node_x_count(node, 0), gradient, dx);
}

static mn_status sum_backward(mn_node *node)
{
    spread(node, mn_node_dy_item(node));
    return MN_OK;
}

static mn_status mean_forward(mn_node *node)
{
    const int64_t count = mn_node_x_count(node, 0);
    const double sum = mn_kernel_sum(count, mn_node_x(node, 0));
    mn_kernel_fill(1, count > 0 ? (float)(sum / (double)count) : 0, mn_node_y(node));
    return MN_OK;
}

static mn_status mean_backward(mn_node *node)
{
    const double gradient = (double)mn_node_dy_item(node);
    spread(node,
           (float)(gradient / (double)mn_node_x_count(node, 0))); /* of no element when empty */
    return MN_OK;
}

static const mn_op op_sum = {"sum", 0, scalar_shape, sum_forward, sum_backward};
static const mn_op op_mean = {"mean", 0, scalar_shape, mean_forward, mean_backward};

mn_var *mn_sum(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_sum, x, NULL));
}

mn_var *mn_mean(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_mean, x, NULL));
}

/* --- (B,K) -> (B) --- */

static mn_status row_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    *out = MN_SHAPE(mn_node_x_shape(node, 0).size[0]);
    return MN_OK;
}

static mn_status row_sum_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_row_sums(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status row_sum_backward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_row_sums_backward(x.size[0], x.size[1], mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_row_sum = {"row_sum", 0, row_shape, row_sum_forward, row_sum_backward};

mn_var *mn_row_sum(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_row_sum, x, NULL));
}

enum { WHERE }; /* saved: the columns of what was chosen */

static mn_status row_max_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(row_shape(node, out));
    const mn_shape x = mn_node_x_shape(node, 0);
    if (x.size[0] > 0 && x.size[1] == 0)
        return mn_fail(MN_BAD_SHAPE, "rows without columns have no largest");
    return MN_OK;
}

static mn_status row_max_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    int32_t *where = mn_saved_memory(node, WHERE, MN_I32, x.size[0]);
    if (where == NULL)
        return MN_NO_MEMORY;
    mn_kernel_row_max(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node), where);
    return MN_OK;
}

static mn_status row_max_backward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    const int32_t *where = mn_saved_memory(node, WHERE, MN_I32, x.size[0]);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_row_max_backward(x.size[0], x.size[1], where, mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_row_max = {"row_max", 0, row_max_shape, row_max_forward, row_max_backward};

mn_var *mn_row_max(mn_var *x)
{
    return mn_rows_apart(mn_apply1(&op_row_max, x, NULL));
}

/* --- the k largest of each row --- */

static mn_status row_top_shape(mn_node *node, mn_shape *out)
{
    const int64_t k = *(const int64_t *)node->attributes;
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    const mn_shape x = mn_node_x_shape(node, 0);
    if (k < 1 || k > x.size[1])
        return mn_fail(MN_BAD_VALUE, "the %lld largest of %lld columns", (long long)k,
                       (long long)x.size[1]);
    *out = MN_SHAPE(x.size[0], k);
    return MN_OK;
}

static mn_status row_top_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    int32_t *where = mn_saved_memory(node, WHERE, MN_I32, mn_node_y_count(node));
    if (where == NULL)
        return MN_NO_MEMORY;
    mn_kernel_row_top(x.size[0], x.size[1], node->output.value.shape.size[1], mn_node_x(node, 0),
                      mn_node_y(node), where);
    return MN_OK;
}

static mn_status row_top_backward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    const int32_t *where = mn_saved_memory(node, WHERE, MN_I32, mn_node_y_count(node));
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_row_top_backward(x.size[0], x.size[1], node->output.value.shape.size[1], where,
                                   mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_row_top = {"row_top", sizeof(int64_t), row_top_shape, row_top_forward,
                                 row_top_backward};

mn_var *mn_row_top(mn_var *x, int64_t k)
{
    return mn_rows_apart(mn_apply1(&op_row_top, x, &k));
}
