/* count.c -- which column is the largest, in which order columns follow, and how often each number
 * comes: steps without a slope, so what they give is constant. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rules.h"
#include "tensor/axis_kernels.h"

#include <inttypes.h>
#include <mneme/ops.h>
#include <stddef.h>

static mn_status argmax_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    const mn_shape x = mn_node_x_shape(node, 0);
    if (x.size[0] > 0 && x.size[1] == 0)
        return mn_fail(MN_BAD_SHAPE, "rows without columns have no largest");
    *out = MN_SHAPE(x.size[0]);
    return MN_OK;
}

static mn_status argmax_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_row_argmax(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

mn_var *mn_row_argmax(mn_var *x)
{
    static const mn_op argmax = {"row_argmax", 0, argmax_shape, argmax_forward, NULL};
    return mn_apply1(&argmax, x, NULL);
}

static mn_status ranks_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    *out = mn_node_x_shape(node, 0);
    return MN_OK;
}

static mn_status ranks_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_row_ranks(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

mn_var *mn_row_ranks(mn_var *x)
{
    static const mn_op ranks = {"row_ranks", 0, ranks_shape, ranks_forward, NULL};
    return mn_apply1(&ranks, x, NULL);
}

static mn_status histogram_shape(mn_node *node, mn_shape *out)
{
    const int64_t bins = *(const int64_t *)node->attributes;
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    if (bins < 1)
        return mn_fail(MN_BAD_VALUE, "%" PRId64 " bins, expected at least 1", bins);
    *out = MN_SHAPE(mn_node_x_shape(node, 0).size[0], bins);
    return MN_OK;
}

static mn_status histogram_forward(mn_node *node)
{
    const int64_t bins = *(const int64_t *)node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    float stray;
    return mn_kernel_histogram_rows(x.size[0], x.size[1], bins, mn_node_x(node, 0), mn_node_y(node),
                                    &stray)
               ? MN_OK
               : mn_fail(MN_BAD_VALUE, "%g, expected whole numbers from 0 to %" PRId64,
                         (double)stray, bins - 1);
}

mn_var *mn_histogram_rows(mn_var *x, int64_t bins)
{
    static const mn_op histogram = {"histogram_rows", sizeof bins, histogram_shape,
                                    histogram_forward, NULL};
    return mn_apply1(&histogram, x, &bins);
}
