/* math.c -- elementwise arithmetic: sums, products, and functions of one number.
 *
 * Sums share one pair of functions, functions of one number another; what differs stands in the
 * attributes. */
#include "autograd/apply.h"
#include "autograd/layout.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/sweep.h"

#include <mneme/image_ops.h>
#include <mneme/ops.h>

/* --- z = a x + b y -----------------------------------------------------------------------------
 */

typedef struct sum_attributes {
    float a, b;
} sum_attributes;

static mn_status sum_forward(mn_node *node)
{
    const sum_attributes *s = node->attributes;
    mn_kernel_sum_of(mn_node_y_stored_count(node), s->a, mn_node_x(node, 0), s->b,
                     mn_node_x(node, 1), mn_node_y(node));
    return MN_OK;
}

static mn_status sum_backward(mn_node *node)
{
    const sum_attributes *s = node->attributes;
    const float factor[] = {s->a, s->b};
    for (int i = 0; i < 2; i++) {
        bool add;
        float *dx = mn_node_sink(node, i, &add);
        if (dx != NULL)
            mn_kernel_axpby(mn_node_y_stored_count(node), factor[i], mn_node_dy(node), add ? 1 : 0,
                            dx);
    }
    return MN_OK;
}

#define SUM_OP(id)                                                                                 \
    static const mn_op op_##id = {#id, sizeof(sum_attributes), mn_laid_out_of_equals, sum_forward, \
                                  sum_backward}
SUM_OP(add);
SUM_OP(sub);
SUM_OP(axpby);

mn_var *mn_add(mn_var *x, mn_var *y)
{
    return mn_rows_apart(mn_apply2_laid_out(&op_add, x, y, &(sum_attributes){1, 1}));
}

mn_var *mn_sub(mn_var *x, mn_var *y)
{
    return mn_rows_apart(mn_apply2_laid_out(&op_sub, x, y, &(sum_attributes){1, -1}));
}

mn_var *mn_axpby(double a, mn_var *x, double b, mn_var *y)
{
    return mn_rows_apart(
        mn_apply2_laid_out(&op_axpby, x, y, &(sum_attributes){(float)a, (float)b}));
}

/* --- z = max(0, x + y): one pass over memory where two ops make three --- */

static mn_status add_relu_forward(mn_node *node)
{
    mn_kernel_add_relu(mn_node_y_stored_count(node), mn_node_x(node, 0), mn_node_x(node, 1),
                       mn_node_y(node));
    return MN_OK;
}

static mn_status add_relu_backward(mn_node *node)
{
    const float *z = mn_node_y(node);
    for (int i = 0; i < 2; i++) {
        bool add;
        float *dx = mn_node_sink(node, i, &add);
        if (dx != NULL)
            mn_kernel_map_backward(MN_FUNCTION_RELU, mn_node_y_stored_count(node), 0, 0, z, z,
                                   mn_node_dy(node), dx, add);
    }
    return MN_OK;
}

static const mn_op op_add_relu = {"add_relu", 0, mn_laid_out_of_equals, add_relu_forward,
                                  add_relu_backward};

mn_var *mn_add_relu(mn_var *x, mn_var *y)
{
    return mn_rows_apart(mn_apply2_laid_out(&op_add_relu, x, y, NULL));
}

/* --- z = x y -----------------------------------------------------------------------------------
 */

static mn_status mul_forward(mn_node *node)
{
    mn_kernel_mul(mn_node_y_stored_count(node), mn_node_x(node, 0), mn_node_x(node, 1),
                  mn_node_y(node));
    return MN_OK;
}

static mn_status mul_backward(mn_node *node)
{
    for (int i = 0; i < 2; i++) {
        bool add;
        float *dx = mn_node_sink(node, i, &add);
        if (dx != NULL)
            mn_kernel_mul_add(mn_node_y_stored_count(node), 1, mn_node_dy(node),
                              mn_node_x(node, 1 - i), dx, add);
    }
    return MN_OK;
}

static const mn_op op_mul = {"mul", 0, mn_laid_out_of_equals, mul_forward, mul_backward};

mn_var *mn_mul(mn_var *x, mn_var *y)
{
    return mn_rows_apart_in_matrix(mn_apply2_laid_out(&op_mul, x, y, NULL));
}

/* --- y = f(x), f in MN_FUNCTION_MAP -------------------------------------------------------------
 */

typedef struct map_attributes {
    mn_function function;
    float a, b;
} map_attributes;

static mn_status map_forward(mn_node *node)
{
    const map_attributes *m = node->attributes;
    mn_kernel_map(m->function, mn_node_y_stored_count(node), m->a, m->b, mn_node_x(node, 0),
                  mn_node_y(node));
    return MN_OK;
}

static mn_status map_backward(mn_node *node)
{
    const map_attributes *m = node->attributes;
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_map_backward(m->function, mn_node_y_stored_count(node), m->a, m->b,
                               mn_node_x(node, 0), mn_node_y(node), mn_node_dy(node), dx, add);
    return MN_OK;
}

#define MAP_OP(id)                                                                                 \
    static const mn_op op_##id = {#id, sizeof(map_attributes), mn_laid_out_like_input,             \
                                  map_forward, map_backward}
MAP_OP(scale);
MAP_OP(shift);
MAP_OP(relu);
MAP_OP(leaky_relu);
MAP_OP(square);
MAP_OP(sqrt);
MAP_OP(exp);
MAP_OP(log);
MAP_OP(clamp);
MAP_OP(threshold);
MAP_OP(hinge);
MAP_OP(sigmoid);
MAP_OP(softplus);
MAP_OP(abs);
MAP_OP(gelu);
MAP_OP(gelu_tanh);

static mn_var *map(const mn_op *op, mn_var *x, mn_function function, double a, double b)
{
    return mn_rows_apart_in_matrix(
        mn_apply1(op, x, &(map_attributes){function, (float)a, (float)b}));
}

/* For functions that map 0 to 0: what pads a layout stays zero. */
static mn_var *map_laid_out(const mn_op *op, mn_var *x, mn_function function, double a, double b)
{
    return mn_rows_apart_in_matrix(
        mn_apply1_laid_out(op, mn_in_f32(x), &(map_attributes){function, (float)a, (float)b}));
}

mn_var *mn_scale(mn_var *x, double a)
{
    return mn_rows_apart(map_laid_out(&op_scale, x, MN_FUNCTION_SCALE, a, 0));
}

mn_var *mn_shift(mn_var *x, double a)
{
    return mn_rows_apart(map(&op_shift, x, MN_FUNCTION_SHIFT, a, 0));
}

mn_var *mn_relu(mn_var *x)
{
    return map_laid_out(&op_relu, x, MN_FUNCTION_RELU, 0, 0);
}

mn_var *mn_leaky_relu(mn_var *x, double slope)
{
    return map_laid_out(&op_leaky_relu, x, MN_FUNCTION_LEAKY_RELU, slope, 0);
}

mn_var *mn_square(mn_var *x)
{
    return map_laid_out(&op_square, x, MN_FUNCTION_SQUARE, 0, 0);
}

mn_var *mn_sqrt(mn_var *x)
{
    return map_laid_out(&op_sqrt, x, MN_FUNCTION_SQRT, 0, 0);
}

mn_var *mn_exp(mn_var *x)
{
    return map(&op_exp, x, MN_FUNCTION_EXP, 0, 0);
}

mn_var *mn_log(mn_var *x)
{
    return map(&op_log, x, MN_FUNCTION_LOG, 0, 0);
}

mn_var *mn_clamp(mn_var *x, double low, double high)
{
    return low <= 0 && high >= 0 ? map_laid_out(&op_clamp, x, MN_FUNCTION_CLAMP, low, high)
                                 : map(&op_clamp, x, MN_FUNCTION_CLAMP, low, high);
}

mn_var *mn_threshold(mn_var *x, double least)
{
    return map(&op_threshold, x, MN_FUNCTION_THRESHOLD, least, 0);
}

mn_var *mn_hinge(mn_var *x, double margin)
{
    return map(&op_hinge, x, MN_FUNCTION_HINGE, margin, 0);
}

mn_var *mn_sigmoid(mn_var *x)
{
    return map(&op_sigmoid, x, MN_FUNCTION_SIGMOID, 0, 0);
}

mn_var *mn_softplus(mn_var *x)
{
    return map(&op_softplus, x, MN_FUNCTION_SOFTPLUS, 0, 0);
}

mn_var *mn_abs(mn_var *x)
{
    return map_laid_out(&op_abs, x, MN_FUNCTION_ABS, 0, 0);
}

mn_var *mn_gelu(mn_var *x)
{
    return map_laid_out(&op_gelu, x, MN_FUNCTION_GELU, 0, 0);
}

mn_var *mn_gelu_tanh(mn_var *x)
{
    return map_laid_out(&op_gelu_tanh, x, MN_FUNCTION_GELU_TANH, 0, 0);
}
