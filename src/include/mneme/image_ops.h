/* image_ops.h -- differentiable operations on images (B, C, H, W).
 *
 * Between them, images lie in layouts of the device's choice; every other operation and mn_host()
 * get plain rows.  An empty batch gives an empty batch.  Names and rules are PyTorch's.
 */
#ifndef MNEME_IMAGE_OPS_H
#define MNEME_IMAGE_OPS_H

#include <mneme/ops.h>

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
/* max(0, of the same + residual), the end of a residual block (He et al. 2016). */
MN_API mn_var *mn_batch_norm_add_relu_2d(mn_var *x, mn_var *scale, mn_var *shift,
                                         mn_var *residual, mn_tensor *running_mean,
                                         mn_tensor *running_variance, mn_norm_mode mode,
                                         double momentum, double epsilon);
/* Statistics of each channel of each image (Ulyanov et al. 2016); scale, shift (C) or NULL. */
MN_API mn_var *mn_instance_norm_2d(mn_var *x, mn_var *scale, mn_var *shift, double epsilon);
/* Statistics of each of `groups` groups of neighbouring channels of each image (Wu and He 2018);
 * scale, shift (C) or NULL. */
MN_API mn_var *mn_group_norm_2d(mn_var *x, int64_t groups, mn_var *scale, mn_var *shift,
                                double epsilon);

MN_API mn_var *mn_add_relu(mn_var *x, mn_var *y); /* max(0, x + y), of any shape: a block's end */

/* Windows of size x size; `padding` is at most half of it.  The mean counts padding as zeros. */
MN_API mn_var *mn_max_pool_2d(mn_var *x, int64_t size, int64_t stride, int64_t padding);
MN_API mn_var *mn_average_pool_2d(mn_var *x, int64_t size, int64_t stride, int64_t padding);
MN_API mn_var *mn_global_average_pool(mn_var *x); /* (B,C,H,W) -> (B,C) */

/* Bilinear, to (B,C,height,width): the centres of the corner pixels stay where they are, or, without
 * `align_corners`, the edges of the image do. */
MN_API mn_var *mn_upsample_bilinear(mn_var *x, int64_t height, int64_t width, bool align_corners);

/* To (B,C,height,width): each new pixel is the old one that its upper left corner lies in. */
MN_API mn_var *mn_upsample_nearest(mn_var *x, int64_t height, int64_t width);

/* scale x + shift, of each channel of each image; scale and shift (B,C): a style (Karras et al.). */
MN_API mn_var *mn_channel_affine(mn_var *x, mn_var *scale, mn_var *shift);

/* --- random changes of images through which a gradient flows to the images ------------------------ */
/* Each image seen through an affine map of its own, maps (B,2,3): the pixel at (u, v) is that of x
 * at map (u, v, 1), both from -1 to 1 between the image's edges as in PyTorch's affine_grid() and
 * grid_sample(); bilinear, and reflected at the edges.  No gradient flows to the maps. */
MN_API mn_var *mn_warp(mn_var *x, mn_var *maps);
/* Each pixel's channels c replaced by M c + m; mixes (B, C, C + 1) holds M and, as its last column,
 * m, of each image.  No gradient flows to them. */
MN_API mn_var *mn_mix_channels(mn_var *x, mn_var *mixes);

#ifdef __cplusplus
}
#endif
#endif
