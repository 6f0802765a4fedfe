/* image_norm.c -- normalisation of each channel of images: by statistics of the batch (Ioffe and
 * Szegedy 2015) or of each image (Ulyanov et al. 2016).
 *
 * The normalised images are not stored: the backward makes them again from the input, which is kept
 * anyway.  A ReLU behind can be done in the same pass over memory. */
#include "autograd/apply.h"
#include "autograd/layout.h"
#include "autograd/node.h"
#include "autograd/sweep.h"
#include "tensor/image_kernels.h"

#include <inttypes.h>
#include <mneme/image_ops.h>
#include <mneme/ops.h>
#include <stddef.h>

typedef struct normalised {
    mn_tensor *running_mean, *running_variance; /* (C) or NULL: none are kept */
    mn_norm_mode mode;
    bool each_image, relu;
    double momentum, epsilon;
} normalised;

enum { X, SCALE, SHIFT, RESIDUAL };
enum { MEAN, VARIANCE, INVERSE }; /* saved: (C) or (B,C) each */

static mn_status check_channels(const char *what, mn_shape found, int64_t channels)
{
    char text[64];
    if (!mn_shape_equal(found, MN_SHAPE(channels)))
        return mn_fail(MN_BAD_SHAPE, "the %s is %s, expected (%" PRId64 ")", what,
                       mn_shape_text(found, text), channels);
    return MN_OK;
}

static mn_status check_running(const normalised *b, int64_t channels)
{
    if ((b->running_mean == NULL) != (b->running_variance == NULL) ||
        (b->running_mean == NULL && b->mode == MN_NORM_RUNNING))
        return mn_fail(MN_BAD_VALUE, "running statistics are missing");
    if (b->running_mean == NULL)
        return MN_OK;
    MN_TRY(check_channels("running mean", b->running_mean->shape, channels));
    return check_channels("running variance", b->running_variance->shape, channels);
}

static mn_status norm_shape(mn_node *node, mn_shape *out)
{
    const normalised *b = node->attributes;
    char text[64];
    *out = mn_node_x_shape(node, X);
    if (out->rank != 4)
        return mn_fail(MN_BAD_SHAPE, "%s, expected (B,C,H,W)", mn_shape_text(*out, text));
    const int64_t channels = out->size[1], pixels = out->size[2] * out->size[3];
    if (node->inputs[SCALE] != NULL)
        MN_TRY(check_channels("scale", mn_node_x_shape(node, SCALE), channels));
    if (node->inputs[SHIFT] != NULL)
        MN_TRY(check_channels("shift", mn_node_x_shape(node, SHIFT), channels));
    if (node->n > RESIDUAL && node->inputs[RESIDUAL] == NULL)
        return mn_fail(MN_BAD_VALUE, "the residual is absent");
    if (node->n > RESIDUAL && !mn_shape_equal(*out, mn_node_x_shape(node, RESIDUAL)))
        return mn_shapes_differ(*out, mn_node_x_shape(node, RESIDUAL));
    MN_TRY(check_running(b, channels));
    if ((b->each_image ? pixels : out->size[0] * pixels) == 1 && b->mode != MN_NORM_RUNNING)
        return mn_fail(MN_BAD_VALUE, "a channel of 1 pixel has no variance");
    if (!(b->epsilon > 0))
        return mn_fail(MN_BAD_VALUE, "epsilon is %g, expected above 0", b->epsilon);
    node->output.value.layout = node->inputs[X]->value.layout;
    return MN_OK;
}

/* Of the statistics: one a channel, or one an image and channel. */
static int64_t statistic_count(const mn_node *node)
{
    const normalised *b = node->attributes;
    const mn_shape x = mn_node_x_shape(node, X);
    return b->each_image ? x.size[0] * x.size[1] : x.size[1];
}

static mn_channel_norm norm_of(const mn_node *node, const float *mean, const float *inverse)
{
    const normalised *b = node->attributes;
    return (mn_channel_norm){.each_image = b->each_image,
                             .relu = b->relu,
                             .constant = b->mode == MN_NORM_RUNNING,
                             .mean = mean,
                             .inverse = inverse,
                             .scale = mn_node_x(node, SCALE),
                             .shift = mn_node_x(node, SHIFT)};
}

static void move_running(const normalised *b, mn_shape x, const float *mean, const float *variance)
{
    const int64_t channels = x.size[1], count = x.size[0] * x.size[2] * x.size[3];
    const double unbiased = (double)count / (double)(count - 1);
    mn_kernel_running(channels, b->momentum, 1, mean, mn_tensor_floats(b->running_mean));
    mn_kernel_running(channels, b->momentum, unbiased, variance,
                      mn_tensor_floats(b->running_variance));
}

static mn_status norm_forward(mn_node *node)
{
    const normalised *b = node->attributes;
    const int64_t count = statistic_count(node);
    float *mean = mn_saved_memory(node, MEAN, MN_F32, count);
    float *variance = mn_saved_memory(node, VARIANCE, MN_F32, count);
    float *inverse = mn_saved_memory(node, INVERSE, MN_F32, count);
    if (mean == NULL || variance == NULL || inverse == NULL)
        return MN_NO_MEMORY;
    if (mn_node_y_count(node) == 0)
        return MN_OK;
    if (b->mode == MN_NORM_RUNNING) {
        mn_kernel_axpby(count, 1, mn_tensor_floats(b->running_mean), 0, mean);
        mn_kernel_axpby(count, 1, mn_tensor_floats(b->running_variance), 0, variance);
    } else {
        MN_TRY(mn_channel_moments(&node->inputs[X]->value, b->each_image, mean, variance));
    }
    if (b->mode == MN_NORM_BATCH && b->running_mean != NULL)
        move_running(b, mn_node_x_shape(node, X), mean, variance);
    mn_channel_inverse(count, (float)b->epsilon, variance, inverse);
    const mn_channel_norm norm = norm_of(node, mean, inverse);
    return mn_channel_norm_forward(&norm, &node->inputs[X]->value,
                                   node->n > RESIDUAL ? &node->inputs[RESIDUAL]->value : NULL,
                                   &node->output.value);
}

static mn_status norm_backward(mn_node *node)
{
    const int64_t count = statistic_count(node);
    const float *mean = mn_saved_memory(node, MEAN, MN_F32, count);
    const float *inverse = mn_saved_memory(node, INVERSE, MN_F32, count);
    if (mn_node_y_count(node) == 0) {
        for (int i = X; i < node->n; i++)
            if (node->inputs[i] != NULL)
                mn_node_input_gradient(node, i);
        return MN_OK;
    }
    mn_channel_gradients out = {0};
    if (node->n > RESIDUAL)
        out.dresidual = mn_node_sink(node, RESIDUAL, &out.add_residual);
    out.dx = mn_node_sink(node, X, &out.add);
    out.dscale = mn_node_sink(node, SCALE, &out.add_scale);
    out.dshift = mn_node_sink(node, SHIFT, &out.add_shift);
    const mn_channel_norm norm = norm_of(node, mean, inverse);
    return mn_channel_norm_backward(&norm, &node->inputs[X]->value, &node->output.value,
                                    &node->output.gradient, &out);
}

#define NORM_OP(id)                                                                                \
    static const mn_op op_##id = {#id, sizeof(normalised), norm_shape, norm_forward, norm_backward}
NORM_OP(batch_norm_2d);
NORM_OP(batch_norm_relu_2d);
NORM_OP(batch_norm_add_relu_2d);
NORM_OP(instance_norm_2d);

static mn_var *apply(const mn_op *op, mn_var *x, mn_var *scale, mn_var *shift,
                     const normalised *attributes)
{
    if (x != NULL && !mn_channels_known(&x->value))
        x = mn_in_layout(x, NULL);
    return mn_apply_laid_out(op, (mn_var *[]){x, scale, shift}, 3, attributes);
}

mn_var *mn_batch_norm_2d(mn_var *x, mn_var *scale, mn_var *shift, mn_tensor *running_mean,
                         mn_tensor *running_variance, mn_norm_mode mode, double momentum,
                         double epsilon)
{
    return apply(
        &op_batch_norm_2d, x, scale, shift,
        &(normalised){running_mean, running_variance, mode, false, false, momentum, epsilon});
}

mn_var *mn_batch_norm_relu_2d(mn_var *x, mn_var *scale, mn_var *shift, mn_tensor *running_mean,
                              mn_tensor *running_variance, mn_norm_mode mode, double momentum,
                              double epsilon)
{
    return apply(
        &op_batch_norm_relu_2d, x, scale, shift,
        &(normalised){running_mean, running_variance, mode, false, true, momentum, epsilon});
}

mn_var *mn_batch_norm_add_relu_2d(mn_var *x, mn_var *scale, mn_var *shift, mn_var *residual,
                                  mn_tensor *running_mean, mn_tensor *running_variance,
                                  mn_norm_mode mode, double momentum, double epsilon)
{
    if (x != NULL && !mn_channels_known(&x->value))
        x = mn_in_layout(x, NULL);
    if (x != NULL && residual != NULL && mn_shape_equal(x->value.shape, residual->value.shape))
        residual = mn_in_layout(residual, x->value.layout);
    return mn_apply_laid_out(
        &op_batch_norm_add_relu_2d, (mn_var *[]){x, scale, shift, residual}, 4,
        &(normalised){running_mean, running_variance, mode, false, true, momentum, epsilon});
}

mn_var *mn_instance_norm_2d(mn_var *x, mn_var *scale, mn_var *shift, double epsilon)
{
    return apply(&op_instance_norm_2d, x, scale, shift,
                 &(normalised){NULL, NULL, MN_NORM_BATCH, true, false, 0, epsilon});
}

/* A group of channels is one channel of a taller image. */
mn_var *mn_group_norm_2d(mn_var *x, int64_t groups, mn_var *scale, mn_var *shift, double epsilon)
{
    mn_tape *tape = mn_tape_of(x);
    const mn_shape shape = mn_shape_of(x);
    char text[64];
    if (mn_tape_status(tape) != MN_OK)
        return x;
    if (shape.rank != 4 || groups < 1 || shape.size[1] % groups != 0)
        return mn_tape_refuse(
            tape, "group_norm_2d",
            mn_fail(MN_BAD_SHAPE,
                    "%s in %lld groups, expected (B,C,H,W) with C a multiple of the groups",
                    mn_shape_text(shape, text), (long long)groups));
    const int64_t channels = shape.size[1], tall = channels / groups * shape.size[2];
    mn_var *grouped = mn_reshape(x, MN_SHAPE(shape.size[0], groups, tall, shape.size[3]));
    mn_var *y = mn_reshape(mn_instance_norm_2d(grouped, NULL, NULL, epsilon), shape);
    if (scale != NULL)
        y = mn_broadcast_mul(y, mn_reshape(scale, MN_SHAPE(channels, 1, 1)));
    return shift != NULL ? mn_broadcast_add(y, mn_reshape(shift, MN_SHAPE(channels, 1, 1))) : y;
}
