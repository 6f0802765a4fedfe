/* grad_cases_images.c -- gradient cases of the ops on images, in every layout that our loops know.
 *
 * Sizes are odd, channels no multiples of a vector, batches of one and of none among them. */
#include "tests/autograd/grad.h"

#include "autograd/layout.h"
#include "tensor/cpu/layout.h"
#include <mneme/image_ops.h>
#include <mneme/losses.h>

/* clang-format off */
#define S(...) {(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}}
/* clang-format on */

#define BUILD(name, expression)                                                                    \
    static mn_var *build_##name(mn_var *const *x)                                                  \
    {                                                                                              \
        return expression;                                                                         \
    }

static mn_var *laid_out(mn_var *x, dnnl_format_tag_t tag)
{
    const mn_layout *layout;
    const mn_status status = mn_layout_with_tag(mn_shape_of(x), MN_F32, tag, &layout);
    return status == MN_OK ? mn_in_layout(x, mn_layout_opaque(layout))
                           : mn_tape_refuse(mn_tape_of(x), "laid_out", status);
}

static mn_var *last(mn_var *x)
{
    return laid_out(x, dnnl_nhwc);
}

static mn_var *blocked(mn_var *x)
{
    return laid_out(x, dnnl_nChw16c);
}

BUILD(reorder_last, last(x[0]))
BUILD(reorder_blocked, blocked(x[0]))
BUILD(reorder_plain, mn_in_layout(blocked(x[0]), NULL))
BUILD(reorder_between, last(blocked(x[0])))

BUILD(conv, mn_conv2d(x[0], x[1], x[2], 1, 1, 1))
BUILD(conv_strided, mn_conv2d(x[0], x[1], x[2], 2, 1, 1))
BUILD(conv_grouped, mn_conv2d(x[0], x[1], x[2], 1, 1, 2))
BUILD(conv_bare, mn_conv2d(x[0], x[1], NULL, 1, 0, 1))
BUILD(conv_strided_bare, mn_conv2d(x[0], x[1], NULL, 2, 0, 1))
BUILD(conv_last, mn_conv2d(last(x[0]), x[1], x[2], 1, 1, 1))
BUILD(conv_blocked, mn_conv2d(blocked(x[0]), x[1], x[2], 2, 1, 1))

static mn_tensor *running(int i, int64_t channels)
{
    static float numbers[2][32];
    static mn_tensor tensors[2]; /* outlive the tape */
    for (int64_t k = 0; k < 32; k++) {
        numbers[0][k] = 0.1f * (float)(k % 7) - 0.2f;
        numbers[1][k] = 0.5f + 0.2f * (float)(k % 5);
    }
    mn_tensor_place(&tensors[i], MN_F32, MN_SHAPE(channels), numbers[i]);
    return &tensors[i];
}

static mn_var *normalised(mn_var *x, mn_var *scale, mn_var *shift, mn_norm_mode mode)
{
    const int64_t channels = mn_shape_of(x).size[1];
    return mn_batch_norm_2d(x, scale, shift, running(0, channels), running(1, channels), mode, 0.1,
                            1e-2);
}
BUILD(norm, normalised(x[0], x[1], x[2], MN_NORM_BATCH))
BUILD(norm_last, normalised(last(x[0]), x[1], x[2], MN_NORM_BATCH))
BUILD(norm_blocked, normalised(blocked(x[0]), x[1], x[2], MN_NORM_BATCH_FROZEN))
BUILD(norm_bare, normalised(x[0], NULL, NULL, MN_NORM_BATCH_FROZEN))
BUILD(norm_running, normalised(last(x[0]), x[1], x[2], MN_NORM_RUNNING))
BUILD(norm_running_blocked, normalised(blocked(x[0]), x[1], x[2], MN_NORM_RUNNING))
BUILD(instance, mn_instance_norm_2d(x[0], x[1], x[2], 1e-2))
BUILD(instance_last, mn_instance_norm_2d(last(x[0]), x[1], x[2], 1e-2))
BUILD(instance_blocked, mn_instance_norm_2d(blocked(x[0]), x[1], x[2], 1e-2))
BUILD(grouped_scaled, mn_group_norm_2d(x[0], 2, x[1], NULL, 1e-2))
BUILD(grouped_shifted, mn_group_norm_2d(x[0], 2, NULL, x[1], 1e-2))
BUILD(grouped_blocked, mn_group_norm_2d(blocked(x[0]), 2, x[1], NULL, 1e-2))
BUILD(instance_bare, mn_instance_norm_2d(x[0], NULL, NULL, 1e-2))

/* x moved up and down by turns, and a small shift: no output comes near the kink. */
static mn_var *rectified(mn_var *x, mn_var *scale, mn_var *shift, mn_norm_mode mode)
{
    const mn_shape shape = mn_shape_of(x);
    float moves[GRAD_ELEMENTS];
    for (int64_t i = 0; i < mn_shape_count(shape); i++)
        moves[i] = i % 3 == 0 ? 1 : -1;
    mn_var *moved = mn_add(x, mn_input(mn_tape_of(x), shape, moves, false));
    return mn_batch_norm_relu_2d(moved, scale, mn_shift(shift, -0.65), NULL, NULL, mode, 0.1, 1e-2);
}
/* One sign or the other by turns, far from the kink. */
static mn_var *add_relu(mn_var *x, mn_var *y)
{
    const mn_shape shape = mn_shape_of(x);
    float moves[GRAD_ELEMENTS];
    for (int64_t i = 0; i < mn_shape_count(shape); i++)
        moves[i] = i % 3 == 0 ? 3 : -3;
    return mn_add_relu(mn_add(x, mn_input(mn_tape_of(x), shape, moves, false)), y);
}
BUILD(add_relu, add_relu(x[0], x[1]))
BUILD(add_relu_blocked, add_relu(blocked(x[0]), x[1]))
/* The same with a residual, which does the moving. */
static mn_var *ended(mn_var *x, mn_var *scale, mn_var *shift, mn_var *residual, mn_norm_mode mode)
{
    const mn_shape shape = mn_shape_of(x);
    float moves[GRAD_ELEMENTS];
    for (int64_t i = 0; i < mn_shape_count(shape); i++)
        moves[i] = i % 3 == 0 ? 6 : -6;
    residual = mn_add(residual, mn_input(mn_tape_of(x), shape, moves, false));
    mn_tensor *mean = NULL, *variance = NULL;
    if (mode == MN_NORM_RUNNING) {
        mean = running(0, shape.size[1]);
        variance = running(1, shape.size[1]);
    }
    return mn_batch_norm_add_relu_2d(x, scale, shift, residual, mean, variance, mode, 0.1, 1e-2);
}
BUILD(ended_norm, ended(x[0], x[1], x[2], x[3], MN_NORM_BATCH))
BUILD(ended_norm_last, ended(last(x[0]), x[1], x[2], x[3], MN_NORM_BATCH))
BUILD(ended_norm_blocked, ended(blocked(x[0]), x[1], x[2], last(x[3]), MN_NORM_BATCH_FROZEN))
BUILD(ended_norm_running, ended(x[0], x[1], x[2], blocked(x[3]), MN_NORM_RUNNING))
BUILD(ended_norm_twice, ended(x[0], x[1], x[2], x[0], MN_NORM_BATCH))
BUILD(relu_norm, rectified(x[0], x[1], x[2], MN_NORM_BATCH))
BUILD(relu_norm_last, rectified(last(x[0]), x[1], x[2], MN_NORM_BATCH))
BUILD(relu_norm_blocked, rectified(blocked(x[0]), x[1], x[2], MN_NORM_BATCH))

BUILD(max_pool, mn_max_pool_2d(x[0], 2, 2, 0))
BUILD(max_pool_last, mn_max_pool_2d(last(x[0]), 3, 2, 1))
BUILD(max_pool_blocked, mn_max_pool_2d(blocked(x[0]), 2, 1, 0))
BUILD(average_pool, mn_average_pool_2d(x[0], 2, 2, 0))
BUILD(average_pool_last, mn_average_pool_2d(last(x[0]), 3, 2, 1))
BUILD(average_pool_blocked, mn_average_pool_2d(blocked(x[0]), 3, 1, 1))
BUILD(global_pool, mn_global_average_pool(x[0]))
BUILD(global_pool_last, mn_global_average_pool(last(x[0])))
BUILD(global_pool_blocked, mn_global_average_pool(blocked(x[0])))
BUILD(upsample_corners, mn_upsample_bilinear(x[0], 7, 5, true))
BUILD(upsample_edges, mn_upsample_bilinear(x[0], 7, 5, false))
BUILD(upsample_nearest, mn_upsample_nearest(x[0], 7, 5))
BUILD(upsample_laid_out, mn_upsample_bilinear(blocked(x[0]), 4, 9, false))

BUILD(affine, mn_channel_affine(x[0], x[1], x[2]))
BUILD(affine_last, mn_channel_affine(last(x[0]), x[1], x[2]))
BUILD(affine_blocked, mn_channel_affine(blocked(x[0]), x[1], x[2]))

/* Turned, stretched, moved and partly outside. */
static mn_var *maps_of(mn_var *x)
{
    static const float maps[] = {0.9f, 0.4f, 0.1f, -0.3f, 1.2f, -0.7f, 1, 0, 0,
                                 0,    1,    0,    -1.4f, 0.2f, 2.3f,  0, 1, 0.2f};
    return mn_input(mn_tape_of(x), MN_SHAPE(mn_rows_of(x), 2, 3), maps, false);
}
static mn_var *mixes_of(mn_var *x)
{
    const int64_t channels = mn_shape_of(x).size[1];
    float mixes[GRAD_ELEMENTS];
    for (int i = 0; i < GRAD_ELEMENTS; i++)
        mixes[i] = 0.3f * (float)(i % 7) - 0.8f;
    return mn_input(mn_tape_of(x), MN_SHAPE(mn_rows_of(x), channels, channels + 1), mixes, false);
}
BUILD(warp, mn_warp(x[0], maps_of(x[0])))
BUILD(warp_blocked, mn_warp(blocked(x[0]), maps_of(x[0])))
BUILD(warp_shared, mn_warp(x[0], mn_rows(maps_of(x[0]), 0, 1)))
BUILD(warp_zeros, mn_warp_zeros(x[0], maps_of(x[0])))
BUILD(warp_zeros_shared, mn_warp_zeros(last(x[0]), mn_rows(maps_of(x[0]), 0, 1)))

static const int64_t places[] = {1, -2, -1, 3, 0, 9, -4, 0};

BUILD(shift_images, mn_shift_images(x[0], places, mn_rows_of(x[0])))
BUILD(shift_images_alike, mn_shift_images(blocked(x[0]), places, 1))
BUILD(cutout, mn_cutout(x[0], places, mn_rows_of(x[0]), 3))
BUILD(cutout_alike, mn_cutout(last(x[0]), places + 4, 1, 2))
BUILD(mix, mn_mix_channels(x[0], mixes_of(x[0])))
BUILD(mix_last, mn_mix_channels(last(x[0]), mixes_of(x[0])))

BUILD(add_last, mn_add(last(x[0]), last(x[1])))
BUILD(add_mixed, mn_add(x[0], blocked(x[1])))
BUILD(add_two_layouts, mn_add(last(x[0]), blocked(x[1])))
BUILD(mul_blocked, mn_mul(blocked(x[0]), x[1]))
BUILD(axpby_blocked, mn_axpby(0.5, blocked(x[0]), 2, blocked(x[1])))
BUILD(sub_last, mn_sub(last(x[0]), x[1]))
BUILD(relu_last, mn_relu(last(x[0])))
BUILD(relu_blocked, mn_relu(blocked(x[0])))
BUILD(leaky_blocked, mn_leaky_relu(blocked(x[0]), 0.2))
BUILD(scale_blocked, mn_scale(blocked(x[0]), -1.5))
BUILD(square_blocked, mn_square(blocked(x[0])))
BUILD(exp_blocked, mn_exp(blocked(x[0])))
BUILD(reshape_blocked, mn_reshape(blocked(x[0]), MN_SHAPE(2, 90)))
BUILD(mse_two_layouts, mn_mse(last(x[0]), blocked(x[1])))

/* clang-format off */
#define CASE(op, build, n, least, most, ...)                                                       \
    {#op, build_##build, n, {__VA_ARGS__}, least, most, 0, {0}, false}
#define ONE(op, build, ...)   CASE(op, build, 1, -1, 1, __VA_ARGS__)
#define TWO(op, build, ...)   CASE(op, build, 2, -1, 1, __VA_ARGS__)
#define THREE(op, build, ...) CASE(op, build, 3, -1, 1, __VA_ARGS__)
#define KINKED(op, build, ...) {#op, build_##build, 1, {__VA_ARGS__}, -1, 1, 1, {0, 0}, false}
#define DISTINCT(op, build, ...) {#op, build_##build, 1, {__VA_ARGS__}, -40, 40, 0, {0}, true}
/* clang-format on */

const grad_case grad_cases_images[] = {
    ONE(reorder, reorder_last, S(2, 5, 3, 4)),
    ONE(reorder, reorder_blocked, S(1, 19, 3, 2)),
    ONE(reorder, reorder_plain, S(3, 20, 2, 3)),
    ONE(reorder, reorder_between, S(2, 3, 5, 5)),
    ONE(reorder, reorder_last, S(0, 5, 3, 4)),

    THREE(conv2d, conv, S(2, 3, 5, 5), S(4, 3, 3, 3), S(4)),
    THREE(conv2d, conv, S(1, 1, 7, 5), S(16, 1, 3, 3), S(16)),
    THREE(conv2d, conv, S(1, 20, 3, 4), S(5, 20, 3, 3), S(5)),
    THREE(conv2d, conv_strided, S(2, 5, 7, 5), S(17, 5, 3, 3), S(17)),
    THREE(conv2d, conv_strided, S(3, 3, 6, 6), S(16, 3, 3, 3), S(16)),
    THREE(conv2d, conv_grouped, S(2, 4, 5, 3), S(6, 2, 3, 3), S(6)),
    TWO(conv2d, conv_bare, S(2, 17, 3, 3), S(9, 17, 1, 1)),
    TWO(conv2d, conv_bare, S(1, 2, 4, 4), S(3, 2, 2, 3)),
    TWO(conv2d, conv_strided_bare, S(2, 20, 4, 4), S(40, 20, 1, 1)),
    TWO(conv2d, conv_bare, S(2, 16, 4, 4), S(32, 16, 1, 1)),
    THREE(conv2d, conv_last, S(2, 20, 5, 4), S(5, 20, 3, 3), S(5)),
    THREE(conv2d, conv_blocked, S(2, 32, 4, 3), S(3, 32, 3, 3), S(3)),
    THREE(conv2d, conv, S(0, 3, 5, 5), S(4, 3, 3, 3), S(4)),

    THREE(batch_norm_2d, norm, S(3, 2, 3, 3), S(2), S(2)),
    THREE(batch_norm_2d, norm_last, S(2, 5, 3, 4), S(5), S(5)),
    THREE(batch_norm_2d, norm_last, S(2, 20, 2, 3), S(20), S(20)),
    THREE(batch_norm_2d, norm_blocked, S(3, 19, 2, 2), S(19), S(19)),
    THREE(batch_norm_2d, norm_running, S(1, 7, 3, 2), S(7), S(7)),
    THREE(batch_norm_2d, norm_running_blocked, S(2, 17, 1, 3), S(17), S(17)),
    ONE(batch_norm_2d, norm_bare, S(1, 3, 4, 3)),
    THREE(batch_norm_2d, norm, S(0, 2, 3, 3), S(2), S(2)),

    CASE(batch_norm_relu_2d, relu_norm, 3, 0.5, 0.8, S(3, 2, 3, 3), S(2), S(2)),
    CASE(batch_norm_relu_2d, relu_norm_last, 3, 0.5, 0.8, S(2, 5, 3, 4), S(5), S(5)),
    CASE(batch_norm_relu_2d, relu_norm_blocked, 3, 0.5, 0.8, S(2, 17, 3, 3), S(17), S(17)),
    CASE(batch_norm_relu_2d, relu_norm, 3, 0.5, 0.8, S(1, 1, 5, 4), S(1), S(1)),

    CASE(batch_norm_add_relu_2d, ended_norm, 4, 0.5, 0.8, S(3, 2, 3, 3), S(2), S(2), S(3, 2, 3, 3)),
    CASE(batch_norm_add_relu_2d, ended_norm_last, 4, 0.5, 0.8, S(2, 5, 3, 4), S(5), S(5),
         S(2, 5, 3, 4)),
    CASE(batch_norm_add_relu_2d, ended_norm_blocked, 4, 0.5, 0.8, S(2, 17, 3, 3), S(17), S(17),
         S(2, 17, 3, 3)),
    CASE(batch_norm_add_relu_2d, ended_norm_running, 4, 0.5, 0.8, S(2, 3, 3, 2), S(3), S(3),
         S(2, 3, 3, 2)),
    CASE(batch_norm_add_relu_2d, ended_norm_twice, 3, 0.5, 0.8, S(2, 4, 3, 3), S(4), S(4)),

    THREE(instance_norm_2d, instance, S(3, 2, 3, 3), S(2), S(2)),
    THREE(instance_norm_2d, instance_last, S(2, 5, 3, 4), S(5), S(5)),
    THREE(instance_norm_2d, instance_blocked, S(2, 17, 2, 3), S(17), S(17)),
    ONE(instance_norm_2d, instance_bare, S(1, 3, 4, 3)),
    TWO(broadcast_mul, grouped_scaled, S(2, 4, 3, 2), S(4)),
    TWO(broadcast_add, grouped_shifted, S(2, 4, 3, 2), S(4)),
    TWO(broadcast_mul, grouped_blocked, S(2, 18, 2, 2), S(18)),

    DISTINCT(max_pool_2d, max_pool, S(2, 3, 5, 4)),
    DISTINCT(max_pool_2d, max_pool_last, S(1, 5, 5, 7)),
    DISTINCT(max_pool_2d, max_pool_blocked, S(2, 17, 3, 3)),
    DISTINCT(max_pool_2d, max_pool, S(0, 3, 4, 4)),
    ONE(average_pool_2d, average_pool, S(2, 3, 5, 4)),
    ONE(average_pool_2d, average_pool_last, S(1, 5, 5, 7)),
    ONE(average_pool_2d, average_pool_blocked, S(2, 17, 3, 3)),
    ONE(global_average_pool, global_pool, S(2, 3, 5, 4)),
    ONE(global_average_pool, global_pool_last, S(3, 20, 3, 3)),
    ONE(global_average_pool, global_pool_blocked, S(1, 17, 3, 5)),
    ONE(global_average_pool, global_pool, S(0, 3, 4, 4)),
    ONE(upsample_bilinear, upsample_corners, S(2, 3, 3, 2)),
    ONE(upsample_bilinear, upsample_corners, S(1, 2, 1, 5)),
    ONE(upsample_bilinear, upsample_edges, S(2, 3, 3, 2)),
    ONE(upsample_bilinear, upsample_edges, S(1, 1, 9, 7)),
    ONE(upsample_bilinear, upsample_laid_out, S(1, 17, 2, 3)),
    ONE(upsample_nearest, upsample_nearest, S(2, 3, 3, 2)),
    ONE(upsample_nearest, upsample_nearest, S(1, 1, 9, 7)),
    ONE(upsample_nearest, upsample_nearest, S(0, 2, 3, 3)),

    THREE(channel_affine, affine, S(2, 3, 3, 4), S(2, 3), S(2, 3)),
    THREE(channel_affine, affine_last, S(2, 5, 3, 4), S(2, 5), S(2, 5)),
    THREE(channel_affine, affine_blocked, S(2, 17, 2, 3), S(2, 17), S(2, 17)),
    THREE(channel_affine, affine, S(0, 3, 3, 4), S(0, 3), S(0, 3)),
    ONE(warp, warp, S(3, 2, 5, 4)),
    ONE(warp, warp, S(1, 1, 7, 7)),
    ONE(warp, warp_blocked, S(2, 17, 3, 2)),
    ONE(warp, warp, S(0, 2, 5, 4)),
    ONE(warp, warp_shared, S(3, 2, 4, 5)),
    ONE(warp_zeros, warp_zeros, S(3, 2, 5, 4)),
    ONE(warp_zeros, warp_zeros_shared, S(2, 3, 4, 6)),
    ONE(warp_zeros, warp_zeros, S(0, 2, 5, 4)),
    ONE(shift_images, shift_images, S(4, 2, 5, 4)),
    ONE(shift_images, shift_images_alike, S(3, 5, 3, 4)),
    ONE(shift_images, shift_images, S(0, 1, 2, 2)),
    ONE(cutout, cutout, S(4, 2, 5, 4)),
    ONE(cutout, cutout_alike, S(3, 3, 6, 11)),
    ONE(cutout, cutout, S(0, 1, 2, 2)),
    ONE(mix_channels, mix, S(2, 3, 3, 4)),
    ONE(mix_channels, mix, S(3, 1, 2, 5)),
    ONE(mix_channels, mix_last, S(1, 4, 3, 3)),

    TWO(add_relu, add_relu, S(3, 5), S(3, 5)),
    TWO(add_relu, add_relu, S(0, 2), S(0, 2)),
    TWO(add_relu, add_relu_blocked, S(2, 5, 3, 3), S(2, 5, 3, 3)),
    TWO(add, add_last, S(2, 5, 3, 3), S(2, 5, 3, 3)),
    TWO(add, add_mixed, S(2, 5, 3, 3), S(2, 5, 3, 3)),
    TWO(add, add_two_layouts, S(1, 18, 3, 3), S(1, 18, 3, 3)),
    TWO(mul, mul_blocked, S(2, 5, 3, 3), S(2, 5, 3, 3)),
    TWO(axpby, axpby_blocked, S(2, 5, 3, 3), S(2, 5, 3, 3)),
    TWO(sub, sub_last, S(2, 5, 3, 3), S(2, 5, 3, 3)),
    KINKED(relu, relu_last, S(2, 5, 3, 3)),
    KINKED(relu, relu_blocked, S(2, 5, 3, 3)),
    KINKED(leaky_relu, leaky_blocked, S(2, 5, 3, 3)),
    ONE(scale, scale_blocked, S(2, 5, 3, 3)),
    ONE(square, square_blocked, S(2, 5, 3, 3)),
    ONE(exp, exp_blocked, S(2, 5, 3, 3)),
    ONE(reshape, reshape_blocked, S(2, 10, 3, 3)),
    TWO(mse, mse_two_layouts, S(2, 5, 3, 3), S(2, 5, 3, 3)),
};

const int grad_case_images_count = sizeof grad_cases_images / sizeof grad_cases_images[0];
