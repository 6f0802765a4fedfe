/* image_kernels.h -- the kernels a device provides for images (B, C, H, W).
 *
 * Images lie in layouts of the device's choice: a convolution chooses, and what it chose flows
 * through normalisation, pooling and sums.  Unlike the flat kernels these may fail, where the
 * device's library refuses.  Parameters and their gradients are plain. */
#ifndef MN_TENSOR_IMAGE_KERNELS_H
#define MN_TENSOR_IMAGE_KERNELS_H

#include "tensor/layout_kernels.h"

/* --- convolution --- */
typedef struct mn_conv_geometry {
    int64_t stride, padding, groups; /* the same down and across */
} mn_conv_geometry;

typedef struct mn_conv mn_conv; /* a convolution planned for shapes and layouts; kept for good */

/* For images that come in the layout `given`, and a weight (O, C / groups, H, W), to be computed in
 * f32 or bf16.  What bf16 would do slowly stays f32: the layouts of input and output say which it
 * is.  Weights, biases and their gradients are f32 in any case. */
mn_status mn_conv_plan(mn_shape x, const mn_layout *given, mn_shape weight,
                       mn_conv_geometry geometry, bool bias, mn_dtype dtype, mn_conv **conv);
/* The layouts that the input must be brought to, and that the output has; NULL: plain. */
const mn_layout *mn_conv_input(const mn_conv *conv);
const mn_layout *mn_conv_output(const mn_conv *conv);

/* The weight as one of the two directions reads it: in a layout, which is made by the function
 * below, or plain (NULL) as it is. */
typedef enum mn_conv_direction { MN_CONV_FORWARD, MN_CONV_BACKWARD } mn_conv_direction;
mn_status mn_conv_weight(mn_conv *conv, mn_conv_direction direction, const mn_layout **layout);
mn_status mn_conv_weight_ready(mn_conv *conv, mn_conv_direction direction, const float *weight,
                               void *ready);

mn_status mn_conv_forward(mn_conv *conv, const void *x, const void *weight, const float *bias,
                          void *y);
/* dx (+)= ... */
mn_status mn_conv_backward_data(mn_conv *conv, const void *dy, const void *weight, void *dx,
                                bool add);
/* Either gradient may be NULL; `add` says whether it is added to. */
mn_status mn_conv_backward_weights(mn_conv *conv, const void *x, const void *dy, float *dweight,
                                   bool add_weight, float *dbias, bool add_bias);

/* --- pooling --- */
typedef enum mn_pooling { MN_POOL_MAX, MN_POOL_AVERAGE } mn_pooling; /* the padding counts */
typedef struct mn_pool_geometry {
    mn_pooling kind;
    int64_t size, stride, padding;
} mn_pool_geometry;

typedef struct mn_pool mn_pool;

mn_status mn_pool_plan(const mn_tensor *x, mn_pool_geometry geometry, mn_pool **pool);
const mn_layout *mn_pool_output(const mn_pool *pool);
/* Bytes that the forward of a maximum saves for the backward; may be 0. */
size_t mn_pool_workspace_bytes(const mn_pool *pool);
mn_status mn_pool_forward(mn_pool *pool, const void *x, void *y, void *workspace);
mn_status mn_pool_backward(mn_pool *pool, const void *dy, const void *workspace, void *dx,
                           bool add);

/* --- channels: statistics and functions of each channel's pixels --- */
/* Whether the loops below know the tensor's layout. */
bool mn_channels_known(const mn_tensor *x);
/* For each group of images (all of them together, or each alone) and channel: mean and biased
 * variance (groups, C). */
mn_status mn_channel_moments(const mn_tensor *x, bool each_image, float *mean, float *variance);

void mn_channel_inverse(int64_t n, float epsilon, const float *variance, float *inverse);

typedef struct mn_channel_norm {
    bool each_image;      /* statistics are (B, C), not (C) */
    bool relu;            /* y = max(0, ...) */
    bool constant;        /* statistics do not depend on x */
    const float *mean;    /* of each group and channel */
    const float *inverse; /* 1 / sqrt(variance + epsilon) */
    const float *scale;   /* (C) or NULL */
    const float *shift;   /* (C) or NULL */
} mn_channel_norm;
/* y = (x - mean) inverse scale + shift + residual, which may be NULL and lies as x does */
mn_status mn_channel_norm_forward(const mn_channel_norm *norm, const mn_tensor *x,
                                  const mn_tensor *residual, mn_tensor *y);
typedef struct mn_channel_gradients { /* any may be NULL; each is added to, or else replaced */
    void *dx, *dresidual;             /* as x lies, in its type */
    float *dscale, *dshift;           /* (C) */
    bool add, add_residual, add_scale, add_shift;
} mn_channel_gradients;
/* y is read where there is a relu; a residual's gradient can be had only behind one. */
mn_status mn_channel_norm_backward(const mn_channel_norm *norm, const mn_tensor *x,
                                   const mn_tensor *y, const mn_tensor *dy,
                                   const mn_channel_gradients *out);

/* y = scale x + shift, both (B, C) */
mn_status mn_channel_affine_forward(const mn_tensor *x, const float *scale, const float *shift,
                                    mn_tensor *y);
/* dscale and dshift are (B, C). */
mn_status mn_channel_affine_backward(const mn_tensor *x, const float *scale, const mn_tensor *dy,
                                     const mn_channel_gradients *out);

/* y (B, C) = the mean of each image's channels; dx (+)= dy of its channel / pixels */
mn_status mn_channel_means(const mn_tensor *x, float *y);
mn_status mn_channel_means_backward(const float *dy, bool add, mn_tensor *dx);

/* --- bilinear upsampling of plain images (planes, H, W) --- */
typedef struct mn_upsampling {
    int64_t planes, height, width; /* of x */
    int64_t new_height, new_width; /* of y */
    bool align_corners;            /* corners' centres lie on corners' centres, or edges on edges */
} mn_upsampling;
/* Each new pixel is the old one that its upper left corner lies in. */
void mn_kernel_upsample_nearest(const mn_upsampling *u, const float *x, float *y);
void mn_kernel_upsample_nearest_backward(const mn_upsampling *u, const float *dy, float *dx,
                                         bool add);
void mn_kernel_upsample(const mn_upsampling *u, const float *x, float *y);
void mn_kernel_upsample_backward(const mn_upsampling *u, const float *dy, float *dx, bool add);

/* --- plain images (images, C, H, W), each changed in its own way --- */
typedef struct mn_images_shape {
    int64_t images, channels, height, width;
} mn_images_shape;
typedef struct mn_warping {
    mn_images_shape images;
    const float *maps; /* (images, 2, 3), or (2, 3) where it is shared: where in x a pixel lies */
    bool shared;
    bool zeros; /* lie beyond the edges, where else the image is mirrored */
} mn_warping;
void mn_kernel_warp(const mn_warping *w, const float *x, float *y);
void mn_kernel_warp_backward(const mn_warping *w, const float *dy, float *dx, bool add);
/* y (+)= x moved down by by[0] and across by by[1] pixels, times `sign`; zeros come in.  `by` is
 * (images, 2), or (2) where it is shared, and lies in host memory. */
void mn_kernel_shift_images(const mn_images_shape *s, const int64_t *by, bool shared, int sign,
                            const float *x, float *y, bool add);
/* y (+)= x with zeros in a square of that side, whose upper left corners are given as `by` is. */
void mn_kernel_cutout(const mn_images_shape *s, const int64_t *corners, bool shared, int64_t side,
                      const float *x, float *y, bool add);
/* mixes (images, C, C + 1): y = M x + m of each pixel's channels */
void mn_kernel_mix_channels(const mn_images_shape *s, const float *mixes, const float *x, float *y);
void mn_kernel_mix_channels_backward(const mn_images_shape *s, const float *mixes, const float *dy,
                                     float *dx, bool add);

#endif
