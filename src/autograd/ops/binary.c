/* binary.c -- each logit on its own against a target between 0 and 1: a mean over all elements.
 *
 * The gradient of the targets is -x / n, so that a teacher may be trained through them. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/losses.h>
#include <stddef.h>

static mn_status binary_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_shape_of_equals(node, out));
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status binary_forward(mn_node *node)
{
    const int64_t count = mn_node_x_count(node, 0);
    const double sum =
        mn_kernel_binary_cross_entropy(count, mn_node_x(node, 0), mn_node_x(node, 1));
    mn_kernel_fill(1, count > 0 ? (float)(sum / (double)count) : 0, mn_node_y(node));
    return MN_OK;
}

static mn_status binary_backward(mn_node *node) /* (s(x) - t) / n dloss and -x / n dloss */
{
    const int64_t count = mn_node_x_count(node, 0);
    const float factor = count > 0 ? mn_node_dy_item(node) / (float)count : 0;
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_binary_cross_entropy_backward(count, factor, mn_node_x(node, 0),
                                                mn_node_x(node, 1), dx, add);
    float *dtarget = mn_node_sink(node, 1, &add);
    if (dtarget != NULL)
        mn_kernel_axpby(count, -factor, mn_node_x(node, 0), add ? 1 : 0, dtarget);
    return MN_OK;
}

static const mn_op op_binary_cross_entropy = {"binary_cross_entropy", 0, binary_shape,
                                              binary_forward, binary_backward};

mn_var *mn_binary_cross_entropy(mn_var *logits, mn_var *targets)
{
    return mn_apply2(&op_binary_cross_entropy, logits, targets, NULL);
}
