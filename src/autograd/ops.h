/* ops.h -- the names of all built-in ops, so that a test can demand a gradient case of each. */
#ifndef MN_AUTOGRAD_OPS_H
#define MN_AUTOGRAD_OPS_H

/* clang-format off */
#define MN_OPS(X)                                                                                  \
    X(add) X(sub) X(mul) X(scale) X(shift) X(axpby) X(matmul) X(linear) X(relu) X(leaky_relu)      \
    X(square) X(sqrt) X(exp) X(log) X(clamp) X(threshold) X(hinge) X(sigmoid) X(sum) X(mean)       \
    X(row_sum) X(row_max) X(row_top) X(softmax) X(log_softmax) X(row_normalise) X(apart)           \
    X(reshape) X(transpose) X(rows) X(columns) X(concat_rows) X(concat_columns) X(softplus)        \
    X(abs) X(channel_affine) X(warp) X(mix_channels) X(gather_rows) X(rows_where)                  \
    X(mask_columns) X(binary_cross_entropy) X(cross_entropy) X(cross_entropy_columns) X(mse)       \
    X(kl) X(batch_norm) X(reorder) X(add_relu) X(conv2d) X(batch_norm_2d) X(batch_norm_relu_2d)    \
    X(batch_norm_add_relu_2d) X(instance_norm_2d) X(max_pool_2d) X(average_pool_2d)                \
    X(global_average_pool) X(upsample_bilinear) X(permute) X(broadcast_add) X(broadcast_mul)       \
    X(sum_axis) X(mean_axis) X(variance_axis) X(slice) X(concat) X(batched_matmul) X(gelu)         \
    X(gelu_tanh) X(mask_elements) X(layer_norm) X(row_norm) X(upsample_nearest)        \
    X(warp_zeros) X(shift_images) X(cutout)
/* clang-format on */

#endif
