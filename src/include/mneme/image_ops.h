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

/* --- changes of images through which a gradient flows to the images -------------------------------- */
/* What is drawn at random is drawn for each image, or, as the only row, for all of them: a batch and
 * one beside it that must be changed alike. */

/* Each image seen through an affine map of its own, maps (B,2,3) or (1,2,3): the pixel at (u, v) is
 * that of x at map (u, v, 1), both from -1 to 1 between the image's edges as in PyTorch's affine_grid()
 * and grid_sample(); bilinear, and reflected at the edges.  No gradient flows to the maps. */
MN_API mn_var *mn_warp(mn_var *x, mn_var *maps);
MN_API mn_var *mn_warp_zeros(mn_var *x, mn_var *maps); /* the same with zeros beyond the edges */
/* Each pixel's channels c replaced by M c + m; mixes (B, C, C + 1) holds M and, as its last column,
 * m, of each image.  No gradient flows to them. */
MN_API mn_var *mn_mix_channels(mn_var *x, mn_var *mixes);
/* Colours; amount and factor are (B) or (1), and a gradient flows to them, too. */
MN_API mn_var *mn_brightness(mn_var *x, mn_var *amount); /* x + amount */
/* factor (x - mean) + mean, with the mean of each pixel's channels, or that of the whole image. */
MN_API mn_var *mn_saturation(mn_var *x, mn_var *factor);
MN_API mn_var *mn_contrast(mn_var *x, mn_var *factor);
/* Moved down and across by whole pixels, `by` (count,2) with a count of B or 1; zeros come in. */
MN_API mn_var *mn_shift_images(mn_var *x, const int64_t *by, int64_t count);
/* Zeros in a square of that side, whose upper left corner (row, column), of `corners` (count,2), may
 * lie outside (DeVries and Taylor 2017). */
MN_API mn_var *mn_cutout(mn_var *x, const int64_t *corners, int64_t count, int64_t side);
/* (x - mean) / deviation of each channel, (C) each: what mn_transform does to pixels from 0 to 1,
 * for images that a network made. */
MN_API mn_var *mn_normalise_images(mn_var *x, const float *mean, const float *deviation);

#ifdef __cplusplus
}
#endif
#endif
