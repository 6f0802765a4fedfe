/* view_ops.h -- what a view is made of: each change to an image, with its parameters given.
 *
 * Values lie in [0, 1].  Definitions are those of torchvision.transforms.functional for float
 * tensors, except that grey is 0.299 R + 0.587 G + 0.114 B as in PIL (torchvision's weights add up
 * to 0.9999), and that equalising counts values rounded to 256 steps.
 */
#ifndef MN_DATA_VIEW_OPS_H
#define MN_DATA_VIEW_OPS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mn_crop {
    int64_t top, left, height, width;
} mn_crop;

/* An image of floats, (channels, height, width). */
typedef struct mn_canvas {
    float *x;
    int64_t channels, height, width;
} mn_canvas;

/* --- view_colour.c --- */
void mn_view_brightness(const mn_canvas *canvas, float factor);
void mn_view_contrast(const mn_canvas *canvas, float factor);
/* Three channels; others have no colour, and stay. */
void mn_view_saturation(const mn_canvas *canvas, float factor);
void mn_view_hue(const mn_canvas *canvas, float turn); /* 1: once about the wheel; from -1 to 1 */
void mn_view_solarise(const mn_canvas *canvas, float threshold);
void mn_view_equalise(const mn_canvas *canvas);

/* --- view_resample.c --- */
/* Floats of scratch that the two below need, for images and views of these sizes. */
int64_t mn_view_scratch(int64_t height, int64_t width, int64_t new_height, int64_t new_width);
/* The part of an image of `height` x `width` bytes, resized to the canvas, mirrored. */
void mn_view_resized_crop(const uint8_t *pixels, int64_t height, int64_t width, mn_crop crop,
                          bool flip, const mn_canvas *canvas, float *scratch);
/* Gaussian, of `kernel` x `kernel` pixels (odd); the image is mirrored about its edge pixels. */
void mn_view_blur(const mn_canvas *canvas, int64_t kernel, float sigma, float *scratch);

#endif
