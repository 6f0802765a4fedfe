/* warp.c -- styles, and the random changes of images that a generator is trained through.
 *
 * A change is drawn, not learned: gradients flow to the images alone. */
#include "autograd/apply.h"
#include "autograd/layout.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/sweep.h"
#include "tensor/image_kernels.h"

#include <inttypes.h>
#include <mneme/image_ops.h>
#include <stddef.h>

static mn_status check_images(const mn_node *node)
{
    char text[64];
    const mn_shape x = mn_node_x_shape(node, 0);
    return x.rank == 4 ? MN_OK
                       : mn_fail(MN_BAD_SHAPE, "%s, expected (B,C,H,W)", mn_shape_text(x, text));
}

static mn_status check_operand(const mn_node *node, int i, const char *what, mn_shape expected)
{
    char found[64], wanted[64];
    if (node->inputs[i] == NULL)
        return mn_fail(MN_BAD_VALUE, "the %s is absent", what);
    const mn_shape shape = mn_node_x_shape(node, i);
    return mn_shape_equal(shape, expected)
               ? MN_OK
               : mn_fail(MN_BAD_SHAPE, "the %s is %s, expected %s", what,
                         mn_shape_text(shape, found), mn_shape_text(expected, wanted));
}

/* --- scale x + shift of each channel of each image --- */

enum { X, SCALE, SHIFT };

static mn_status channel_affine_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(check_images(node));
    *out = mn_node_x_shape(node, X);
    MN_TRY(check_operand(node, SCALE, "scale", MN_SHAPE(out->size[0], out->size[1])));
    MN_TRY(check_operand(node, SHIFT, "shift", MN_SHAPE(out->size[0], out->size[1])));
    node->output.value.layout = node->inputs[X]->value.layout;
    return MN_OK;
}

static mn_status channel_affine_forward(mn_node *node)
{
    if (mn_node_y_count(node) == 0)
        return MN_OK;
    return mn_channel_affine_forward(&node->inputs[X]->value, mn_node_x(node, SCALE),
                                     mn_node_x(node, SHIFT), &node->output.value);
}

static mn_status channel_affine_backward(mn_node *node)
{
    mn_channel_gradients out = {0};
    out.dx = mn_node_sink(node, X, &out.add);
    out.dscale = mn_node_sink(node, SCALE, &out.add_scale);
    out.dshift = mn_node_sink(node, SHIFT, &out.add_shift);
    if (mn_node_y_count(node) == 0)
        return MN_OK;
    return mn_channel_affine_backward(&node->inputs[X]->value, mn_node_x(node, SCALE),
                                      &node->output.gradient, &out);
}

static const mn_op op_channel_affine = {"channel_affine", 0, channel_affine_shape,
                                        channel_affine_forward, channel_affine_backward};

mn_var *mn_channel_affine(mn_var *x, mn_var *scale, mn_var *shift)
{
    if (x != NULL && !mn_channels_known(&x->value))
        x = mn_in_layout(x, NULL);
    return mn_apply_laid_out(&op_channel_affine,
                             (mn_var *[]){x, mn_in_layout(scale, NULL), mn_in_layout(shift, NULL)},
                             3, NULL);
}

/* --- changes of plain images --- */

static mn_images_shape images_of(const mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, X);
    return (mn_images_shape){x.size[0], x.size[1], x.size[2], x.size[3]};
}

/* One change an image, or one for all of them. */
static mn_status check_changes(const mn_node *node, const char *what, mn_shape expected)
{
    if (node->inputs[1] != NULL && mn_rows_of(node->inputs[1]) == 1)
        expected.size[0] = 1;
    return check_operand(node, 1, what, expected);
}

static mn_status warp_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(check_images(node));
    *out = mn_node_x_shape(node, X);
    return check_changes(node, "map", MN_SHAPE(out->size[0], 2, 3));
}

static mn_warping warping_of(const mn_node *node)
{
    return (mn_warping){images_of(node), mn_node_x(node, 1), mn_rows_of(node->inputs[1]) == 1,
                        *(const bool *)node->attributes};
}

static mn_status warp_forward(mn_node *node)
{
    const mn_warping w = warping_of(node);
    mn_kernel_warp(&w, mn_node_x(node, X), mn_node_y(node));
    return MN_OK;
}

static mn_status warp_backward(mn_node *node)
{
    const mn_warping w = warping_of(node);
    bool add;
    float *dx = mn_node_sink(node, X, &add);
    if (dx != NULL)
        mn_kernel_warp_backward(&w, mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_warp = {"warp", sizeof(bool), warp_shape, warp_forward, warp_backward};
static const mn_op op_warp_zeros = {"warp_zeros", sizeof(bool), warp_shape, warp_forward,
                                    warp_backward};

mn_var *mn_warp(mn_var *x, mn_var *maps)
{
    return mn_apply2(&op_warp, x, maps, &(bool){false});
}

mn_var *mn_warp_zeros(mn_var *x, mn_var *maps)
{
    return mn_apply2(&op_warp_zeros, x, maps, &(bool){true});
}

static mn_status mix_channels_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(check_images(node));
    *out = mn_node_x_shape(node, X);
    return check_operand(node, 1, "mix", MN_SHAPE(out->size[0], out->size[1], out->size[1] + 1));
}

static mn_status mix_channels_forward(mn_node *node)
{
    const mn_images_shape s = images_of(node);
    mn_kernel_mix_channels(&s, mn_node_x(node, 1), mn_node_x(node, X), mn_node_y(node));
    return MN_OK;
}

static mn_status mix_channels_backward(mn_node *node)
{
    const mn_images_shape s = images_of(node);
    bool add;
    float *dx = mn_node_sink(node, X, &add);
    if (dx != NULL)
        mn_kernel_mix_channels_backward(&s, mn_node_x(node, 1), mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_mix_channels = {"mix_channels", 0, mix_channels_shape, mix_channels_forward,
                                      mix_channels_backward};

mn_var *mn_mix_channels(mn_var *x, mn_var *mixes)
{
    return mn_apply2(&op_mix_channels, x, mixes, NULL);
}
