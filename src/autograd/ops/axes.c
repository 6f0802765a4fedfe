/* axes.c -- axes in another order, one value along many, and sums along one.
 *
 * All of them are the same walk: a small array beside a large one, repeated along some of its axes
 * (tensor/axis_kernels.h). */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"
#include "tensor/axis_kernels.h"

#include <mneme/ops.h>
#include <stddef.h>

/* The steps of a plain array of that shape. */
static void plain_steps(mn_shape shape, int64_t step[MN_MAX_RANK])
{
    int64_t count = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        step[i] = count;
        count *= shape.size[i];
    }
}

/* --- permute --- */

typedef struct order {
    int axis[MN_MAX_RANK]; /* axis i of the output is this one of the input */
} order;

static mn_status permute_shape(mn_node *node, mn_shape *out)
{
    const order *o = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    bool taken[MN_MAX_RANK] = {false};
    *out = x;
    for (int i = 0; i < x.rank; i++) {
        MN_TRY(mn_check_axis(node, o->axis[i]));
        if (taken[o->axis[i]])
            return mn_fail(MN_BAD_SHAPE, "axis %d is named twice", o->axis[i]);
        taken[o->axis[i]] = true;
        out->size[i] = x.size[o->axis[i]];
    }
    return MN_OK;
}

static mn_status permute_forward(mn_node *node)
{
    const order *o = node->attributes;
    int64_t from[MN_MAX_RANK], step[MN_MAX_RANK];
    plain_steps(mn_node_x_shape(node, 0), from);
    for (int i = 0; i < mn_node_x_shape(node, 0).rank; i++)
        step[i] = from[o->axis[i]];
    const mn_spread s = mn_spread_of(node->output.value.shape, step);
    mn_kernel_spread_add(&s, 1, NULL, mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status permute_backward(mn_node *node)
{
    const order *o = node->attributes;
    int64_t from[MN_MAX_RANK], step[MN_MAX_RANK];
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx == NULL)
        return MN_OK;
    plain_steps(node->output.value.shape, from);
    for (int i = 0; i < mn_node_x_shape(node, 0).rank; i++)
        step[o->axis[i]] = from[i];
    const mn_spread s = mn_spread_of(mn_node_x_shape(node, 0), step);
    mn_kernel_spread_add(&s, 1, add ? dx : NULL, mn_node_dy(node), dx);
    return MN_OK;
}

static const mn_op op_permute = {"permute", sizeof(order), permute_shape, permute_forward,
                                 permute_backward};

mn_var *mn_permute(mn_var *x, const int *axes)
{
    order o = {{0}};
    for (int i = 0; x != NULL && i < mn_shape_of(x).rank; i++)
        o.axis[i] = axes[i];
    mn_var *y = mn_apply1(&op_permute, x, &o);
    return o.axis[0] == 0 ? mn_rows_apart_in_matrix(y) : y;
}

/* --- y along the axes of x: x + y and x y --- */

/* Axes of y count from the last; where it has none, or size 1, it is repeated. */
static mn_spread spread_over(const mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0), y = mn_node_x_shape(node, 1);
    int64_t plain[MN_MAX_RANK], step[MN_MAX_RANK] = {0};
    plain_steps(y, plain);
    for (int i = 0; i < y.rank; i++)
        step[x.rank - y.rank + i] = y.size[i] == 1 ? 0 : plain[i];
    return mn_spread_of(x, step);
}

static mn_status broadcast_shape(mn_node *node, mn_shape *out)
{
    char text[2][64];
    if (node->inputs[1] == NULL)
        return mn_fail(MN_BAD_VALUE, "operand 2 is absent");
    const mn_shape x = mn_node_x_shape(node, 0), y = mn_node_x_shape(node, 1);
    bool fits = y.rank <= x.rank;
    for (int i = 0; i < y.rank && fits; i++)
        fits = y.size[i] == 1 || y.size[i] == x.size[x.rank - y.rank + i];
    if (!fits)
        return mn_fail(MN_BAD_SHAPE, "%s along %s, expected for each axis its size or 1",
                       mn_shape_text(y, text[0]), mn_shape_text(x, text[1]));
    *out = x;
    return MN_OK;
}

static mn_status broadcast_add_forward(mn_node *node)
{
    const mn_spread s = spread_over(node);
    mn_kernel_spread_add(&s, 1, mn_node_x(node, 0), mn_node_x(node, 1), mn_node_y(node));
    return MN_OK;
}

static mn_status broadcast_add_backward(mn_node *node)
{
    const mn_spread s = spread_over(node);
    bool add;
    float *dy = mn_node_sink(node, 1, &add);
    if (dy != NULL)
        mn_kernel_spread_sums(&s, 1, mn_node_dy(node), NULL, dy, add);
    if (mn_node_hand_over(node, 0)) /* what is summed above is gone from here on */
        return MN_OK;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_axpby(mn_node_y_count(node), 1, mn_node_dy(node), add ? 1 : 0, dx);
    return MN_OK;
}

static const mn_op op_broadcast_add = {"broadcast_add", 0, broadcast_shape, broadcast_add_forward,
                                       broadcast_add_backward};

mn_var *mn_broadcast_add(mn_var *x, mn_var *y)
{
    return mn_apply2(&op_broadcast_add, x, y, NULL);
}

static mn_status broadcast_mul_forward(mn_node *node)
{
    const mn_spread s = spread_over(node);
    mn_kernel_spread_mul(&s, 1, mn_node_x(node, 0), mn_node_x(node, 1), mn_node_y(node), false);
    return MN_OK;
}

static mn_status broadcast_mul_backward(mn_node *node)
{
    const mn_spread s = spread_over(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_spread_mul(&s, 1, mn_node_dy(node), mn_node_x(node, 1), dx, add);
    float *dy = mn_node_sink(node, 1, &add);
    if (dy != NULL)
        mn_kernel_spread_sums(&s, 1, mn_node_dy(node), mn_node_x(node, 0), dy, add);
    return MN_OK;
}

static const mn_op op_broadcast_mul = {"broadcast_mul", 0, broadcast_shape, broadcast_mul_forward,
                                       broadcast_mul_backward};

mn_var *mn_broadcast_mul(mn_var *x, mn_var *y)
{
    return mn_apply2(&op_broadcast_mul, x, y, NULL);
}

/* --- sum, mean and variance along one axis, which is gone afterwards --- */

typedef struct along {
    int axis;
    bool unbiased; /* of a variance */
} along;

enum { MEANS, CENTRED }; /* saved by the variance: like y, and like x */

static mn_status along_shape(mn_node *node, mn_shape *out)
{
    const along *a = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    MN_TRY(mn_check_axis(node, a->axis));
    *out = x;
    out->rank--;
    for (int i = a->axis; i < out->rank; i++)
        out->size[i] = x.size[i + 1];
    return MN_OK;
}

static mn_status mean_along_shape(mn_node *node, mn_shape *out)
{
    const along *a = node->attributes;
    MN_TRY(along_shape(node, out));
    const int64_t size = mn_node_x_shape(node, 0).size[a->axis], least = a->unbiased ? 2 : 1;
    if (size < least)
        return mn_fail(MN_BAD_SHAPE, "%lld along axis %d, expected at least %lld", (long long)size,
                       a->axis, (long long)least);
    return MN_OK;
}

static mn_spread spread_along(const mn_node *node)
{
    const along *a = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    int64_t plain[MN_MAX_RANK], step[MN_MAX_RANK] = {0};
    plain_steps(node->output.value.shape, plain);
    for (int i = 0; i < x.rank; i++)
        step[i] = i == a->axis ? 0 : plain[i - (i > a->axis ? 1 : 0)];
    return mn_spread_of(x, step);
}

static double size_along(const mn_node *node)
{
    const along *a = node->attributes;
    return (double)(mn_node_x_shape(node, 0).size[a->axis] - (a->unbiased ? 1 : 0));
}

static mn_status sum_along_forward(mn_node *node)
{
    const mn_spread s = spread_along(node);
    mn_kernel_spread_sums(&s, 1, mn_node_x(node, 0), NULL, mn_node_y(node), false);
    return MN_OK;
}

static mn_status mean_along_forward(mn_node *node)
{
    const mn_spread s = spread_along(node);
    mn_kernel_spread_sums(&s, (float)(1 / size_along(node)), mn_node_x(node, 0), NULL,
                          mn_node_y(node), false);
    return MN_OK;
}

static mn_status hand_on(mn_node *node, double factor)
{
    const mn_spread s = spread_along(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_spread_add(&s, (float)factor, add ? dx : NULL, mn_node_dy(node), dx);
    return MN_OK;
}

static mn_status sum_along_backward(mn_node *node)
{
    return hand_on(node, 1);
}

static mn_status mean_along_backward(mn_node *node)
{
    return hand_on(node, 1 / size_along(node));
}

static mn_status variance_forward(mn_node *node)
{
    const along *a = node->attributes;
    const mn_spread s = spread_along(node);
    const double size = (double)mn_node_x_shape(node, 0).size[a->axis];
    float *means = mn_saved_memory(node, MEANS, MN_F32, mn_node_y_count(node));
    float *centred = mn_saved_memory(node, CENTRED, MN_F32, mn_node_x_count(node, 0));
    if (means == NULL || centred == NULL)
        return MN_NO_MEMORY;
    mn_kernel_spread_sums(&s, (float)(1 / size), mn_node_x(node, 0), NULL, means, false);
    mn_kernel_spread_add(&s, -1, mn_node_x(node, 0), means, centred);
    mn_kernel_spread_sums(&s, (float)(1 / size_along(node)), centred, centred, mn_node_y(node),
                          false);
    return MN_OK;
}

static mn_status variance_backward(mn_node *node) /* 2 (x - mean) dy / n */
{
    const mn_spread s = spread_along(node);
    const float *centred = mn_saved_memory(node, CENTRED, MN_F32, mn_node_x_count(node, 0));
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_spread_mul(&s, (float)(2 / size_along(node)), centred, mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_sum_axis = {"sum_axis", sizeof(along), along_shape, sum_along_forward,
                                  sum_along_backward};
static const mn_op op_mean_axis = {"mean_axis", sizeof(along), mean_along_shape, mean_along_forward,
                                   mean_along_backward};
static const mn_op op_variance_axis = {"variance_axis", sizeof(along), mean_along_shape,
                                       variance_forward, variance_backward};

static mn_var *apply_along(const mn_op *op, mn_var *x, int axis, bool unbiased)
{
    mn_var *y = mn_apply1(op, x, &(along){axis, unbiased});
    return axis > 0 ? mn_rows_apart_in_matrix(y) : y;
}

mn_var *mn_sum_axis(mn_var *x, int axis)
{
    return apply_along(&op_sum_axis, x, axis, false);
}

mn_var *mn_mean_axis(mn_var *x, int axis)
{
    return apply_along(&op_mean_axis, x, axis, false);
}

mn_var *mn_variance_axis(mn_var *x, int axis, bool unbiased)
{
    return apply_along(&op_variance_axis, x, axis, unbiased);
}
