/* distance.c -- how far rows lie apart, where rounding is no distance.
 *
 * The gradient of |x - y| is the direction of x - y, however short that is, and at 0 there is none.
 * Two forwards of one network on one row differ by rounding alone, whose direction depends on the
 * processor and on the batch; the gradient would make a whole step of it.  So a distance that
 * rounding can put between equal rows counts as 0, and its gradient as 0: the shortest of the
 * subgradients there, and what PyTorch gives where the distance is exactly 0. */
#include "autograd/apply.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/ops.h>

/* Of the length of y.  Floats round at 6e-8; the layers of a network add that up. */
static const double rounding = 1e-5;

static mn_status apart_forward(mn_node *node)
{
    mn_kernel_threshold_by(mn_node_x_count(node, 0), mn_node_x(node, 0), mn_node_x(node, 1),
                           mn_node_y(node));
    return MN_OK;
}

static mn_status apart_backward(mn_node *node)
{
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_threshold_by_backward(mn_node_x_count(node, 0), mn_node_x(node, 0),
                                        mn_node_x(node, 1), mn_node_dy(node), dx, add);
    return MN_OK;
}

/* x < least ? 0 : x; `least` is a constant */
static const mn_op op_apart = {"apart", 0, mn_shape_of_equals, apart_forward, apart_backward};

static mn_var *length(mn_var *x)
{
    return mn_sqrt(mn_row_sum(mn_square(x)));
}

mn_var *mn_row_distance(mn_var *x, mn_var *y)
{
    mn_var *least = mn_scale(length(mn_detach(y)), rounding);
    return mn_rows_apart(mn_apply2(&op_apart, length(mn_sub(x, y)), least, NULL));
}
