/* conv.c -- convolution (cross-correlation) of images, in the tape's precision.
 *
 * The weight lies plain in its network's slab, where optimisers, snapshots and files want it.  Each
 * direction reads it in a layout of its own, made once a step however often the network runs: some
 * 2 % of a step, for which weights, gradients and moments need know nothing of layouts. */
#include "autograd/apply.h"
#include "autograd/layout.h"
#include "autograd/prepared.h"
#include "autograd/sweep.h"
#include "autograd/tape.h"
#include "tensor/image_kernels.h"

#include <inttypes.h>
#include <mneme/image_ops.h>
#include <stddef.h>

enum { X, WEIGHT, BIAS };

/* The plan is that for the layout in which the images came, before they were brought to the one
 * that the plan asks for: planned again from there, it might ask for a third. */
typedef struct convolved {
    mn_conv_geometry geometry;
    const mn_layout *given;
    mn_dtype precision;
} convolved;

static mn_status check_geometry(const mn_conv_geometry *g)
{
    if (g->stride < 1 || g->padding < 0 || g->groups < 1)
        return mn_fail(MN_BAD_VALUE,
                       "stride %" PRId64 ", padding %" PRId64 ", %" PRId64
                       " groups; expected at least 1, 0 and 1",
                       g->stride, g->padding, g->groups);
    return MN_OK;
}

static mn_status check_shapes(mn_shape x, mn_shape weight, const mn_conv_geometry *g)
{
    char a[64], b[64];
    if (x.rank != 4 || weight.rank != 4)
        return mn_fail(MN_BAD_SHAPE,
                       "x %s and weight %s, expected (B,C,H,W) and (O,C,height,width)",
                       mn_shape_text(x, a), mn_shape_text(weight, b));
    if (x.size[1] % g->groups != 0 || weight.size[0] % g->groups != 0 ||
        weight.size[1] != x.size[1] / g->groups)
        return mn_fail(MN_BAD_SHAPE,
                       "x %s and weight %s in %" PRId64 " groups: channels do not agree",
                       mn_shape_text(x, a), mn_shape_text(weight, b), g->groups);
    for (int axis = 2; axis < 4; axis++)
        if (weight.size[axis] < 1 || weight.size[axis] > x.size[axis] + 2 * g->padding)
            return mn_fail(MN_BAD_SHAPE, "a kernel %s is larger than images %s, padding %" PRId64,
                           mn_shape_text(weight, b), mn_shape_text(x, a), g->padding);
    return weight.size[0] > 0 && x.size[1] > 0
               ? MN_OK
               : mn_fail(MN_BAD_SHAPE, "x %s and weight %s have no channels", mn_shape_text(x, a),
                         mn_shape_text(weight, b));
}

static mn_status plan_of(const mn_node *node, mn_conv **conv)
{
    const convolved *c = node->attributes;
    return mn_conv_plan(mn_node_x_shape(node, X), c->given, mn_node_x_shape(node, WEIGHT),
                        c->geometry, node->inputs[BIAS] != NULL, c->precision, conv);
}

static mn_status conv2d_shape(mn_node *node, mn_shape *out)
{
    const mn_conv_geometry *g = &((const convolved *)node->attributes)->geometry;
    char text[64];
    if (node->inputs[WEIGHT] == NULL)
        return mn_fail(MN_BAD_VALUE, "the weight is absent");
    const mn_shape x = mn_node_x_shape(node, X), weight = mn_node_x_shape(node, WEIGHT);
    MN_TRY(check_geometry(g));
    MN_TRY(check_shapes(x, weight, g));
    if (node->inputs[BIAS] != NULL &&
        !mn_shape_equal(mn_node_x_shape(node, BIAS), MN_SHAPE(weight.size[0])))
        return mn_fail(MN_BAD_SHAPE, "the bias is %s, expected (%" PRId64 ")",
                       mn_shape_text(mn_node_x_shape(node, BIAS), text), weight.size[0]);
    *out = MN_SHAPE(x.size[0], weight.size[0],
                    (x.size[2] + 2 * g->padding - weight.size[2]) / g->stride + 1,
                    (x.size[3] + 2 * g->padding - weight.size[3]) / g->stride + 1);
    node->operations = 2.0 * (double)(mn_shape_count(*out) * mn_row_count(weight));
    if (x.size[0] == 0)
        return MN_OK;
    mn_conv *conv;
    MN_TRY(plan_of(node, &conv));
    node->output.value.layout = mn_conv_output(conv);
    return MN_OK;
}

/* The weight as that direction reads it; NULL when memory ran out. */
static mn_status ready_weight(mn_node *node, mn_conv *conv, mn_conv_direction direction,
                              const void **ready)
{
    const float *weight = mn_node_x(node, WEIGHT);
    const mn_layout *layout;
    bool fresh;
    *ready = weight;
    MN_TRY(mn_conv_weight(conv, direction, &layout));
    if (layout == NULL)
        return MN_OK;
    void *memory = mn_tape_prepared(node->output.tape, weight, layout, &fresh);
    *ready = memory;
    if (memory == NULL)
        return MN_NO_MEMORY;
    return fresh ? mn_conv_weight_ready(conv, direction, weight, memory) : MN_OK;
}

static mn_status conv2d_forward(mn_node *node)
{
    mn_conv *conv;
    const void *weight;
    if (mn_node_y_count(node) == 0)
        return MN_OK;
    MN_TRY(plan_of(node, &conv));
    MN_TRY(ready_weight(node, conv, MN_CONV_FORWARD, &weight));
    return mn_conv_forward(conv, mn_node_x(node, X), weight, mn_node_x(node, BIAS),
                           mn_node_y(node));
}

/* An empty batch adds nothing; gradients that nobody has written yet become zeros. */
static mn_status backward_of_nothing(mn_node *node)
{
    for (int i = X; i <= BIAS; i++)
        if (node->inputs[i] != NULL)
            mn_node_input_gradient(node, i);
    return MN_OK;
}

static mn_status conv2d_backward(mn_node *node)
{
    mn_conv *conv;
    bool add = false, add_weight = false, add_bias = false;
    if (mn_node_y_count(node) == 0)
        return backward_of_nothing(node);
    MN_TRY(plan_of(node, &conv));
    const float *dy = mn_node_dy(node);
    float *dx = mn_node_sink(node, X, &add);
    if (dx != NULL) {
        const void *weight;
        MN_TRY(ready_weight(node, conv, MN_CONV_BACKWARD, &weight));
        MN_TRY(mn_conv_backward_data(conv, dy, weight, dx, add));
    }
    float *dweight = mn_node_sink(node, WEIGHT, &add_weight);
    float *dbias = node->inputs[BIAS] != NULL ? mn_node_sink(node, BIAS, &add_bias) : NULL;
    if (dweight == NULL && dbias == NULL)
        return MN_OK;
    return mn_conv_backward_weights(conv, mn_node_x(node, X), dy, dweight, add_weight, dbias,
                                    add_bias);
}

static const mn_op op_conv2d = {"conv2d", sizeof(convolved), conv2d_shape, conv2d_forward,
                                conv2d_backward};

/* x where the convolution wants it.  Mistakes are left to the shape rule. */
static mn_var *arranged(mn_var *x, const mn_var *weight, const mn_var *bias, const convolved *c)
{
    const mn_conv_geometry *g = &c->geometry;
    mn_conv *conv;
    if (x == NULL || weight == NULL || mn_tape_status(x->tape) != MN_OK ||
        check_geometry(g) != MN_OK || check_shapes(x->value.shape, weight->value.shape, g) != MN_OK)
        return x;
    if (x->value.shape.size[0] == 0)
        return mn_in_layout(x, NULL);
    if (mn_conv_plan(x->value.shape, x->value.layout, weight->value.shape, *g, bias != NULL,
                     c->precision, &conv) != MN_OK)
        return x;
    return mn_in_layout(x, mn_conv_input(conv));
}

mn_var *mn_conv2d(mn_var *x, mn_var *weight, mn_var *bias, int64_t stride, int64_t padding,
                  int64_t groups)
{
    convolved c = {.geometry = {stride, padding, groups}};
    if (x != NULL) {
        c.given = x->value.layout;
        c.precision = x->tape->precision;
    }
    weight = mn_in_layout(weight, NULL);
    bias = mn_in_layout(bias, NULL);
    x = arranged(x, weight, bias, &c);
    return mn_apply_laid_out(&op_conv2d, (mn_var *[]){x, weight, bias}, 3, &c);
}
