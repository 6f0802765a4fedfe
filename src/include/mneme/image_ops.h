/* image_ops.h -- differentiable operations on images (B, C, H, W).
 *
 * Between them, images lie in layouts of the device's choice; every other operation and mn_host()
 * get plain rows.  An empty batch gives an empty batch.  Names and rules are PyTorch's.
 */
#ifndef MNEME_IMAGE_OPS_H
#define MNEME_IMAGE_OPS_H

#include <mneme/autograd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* x (B,C,H,W), weight (O, C / groups, height, width), bias (O) or NULL -> (B,O,H',W'), with
 * H' = (H + 2 padding - height) / stride + 1, rounded down. */
MN_API mn_var *mn_conv2d(mn_var *x, mn_var *weight, mn_var *bias, int64_t stride, int64_t padding,
                         int64_t groups);

/* Statistics of each channel; scale, shift, running mean and variance (C), as in mn_batch_norm(). */
MN_API mn_var *mn_batch_norm_2d(mn_var *x, mn_var *scale, mn_var *shift, mn_tensor *running_mean,
                                mn_tensor *running_variance, mn_norm_mode mode, double momentum,
                                double epsilon);
/* max(0, of the same) without storing what is below. */
MN_API mn_var *mn_batch_norm_relu_2d(mn_var *x, mn_var *scale, mn_var *shift,
                                     mn_tensor *running_mean, mn_tensor *running_variance,
                                     mn_norm_mode mode, double momentum, double epsilon);
/* Statistics of each channel of each image (Ulyanov et al. 2016); scale, shift (C) or NULL. */
MN_API mn_var *mn_instance_norm_2d(mn_var *x, mn_var *scale, mn_var *shift, double epsilon);

MN_API mn_var *mn_add_relu(mn_var *x, mn_var *y); /* max(0, x + y), of any shape: a block's end */

/* Windows of size x size; `padding` is at most half of it.  The mean counts padding as zeros. */
MN_API mn_var *mn_max_pool_2d(mn_var *x, int64_t size, int64_t stride, int64_t padding);
MN_API mn_var *mn_average_pool_2d(mn_var *x, int64_t size, int64_t stride, int64_t padding);
MN_API mn_var *mn_global_average_pool(mn_var *x); /* (B,C,H,W) -> (B,C) */

/* Bilinear, to (B,C,height,width): the centres of the corner pixels stay where they are, or, without
 * `align_corners`, the edges of the image do. */
MN_API mn_var *mn_upsample_bilinear(mn_var *x, int64_t height, int64_t width, bool align_corners);

#ifdef __cplusplus
}
#endif
#endif
