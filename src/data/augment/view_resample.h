/* view_resample.h -- an image cut out, resized, blurred (view_ops.h). */
#ifndef MN_DATA_AUGMENT_VIEW_RESAMPLE_H
#define MN_DATA_AUGMENT_VIEW_RESAMPLE_H

#include "data/augment/view_ops.h"

#include <mneme/data.h>

/* Floats of scratch that the two below need, for images and views of these sizes. */
int64_t mn_view_scratch(int64_t height, int64_t width, int64_t new_height, int64_t new_width);
/* The part of an image of `height` x `width`, MN_ROW_U8 or MN_ROW_F32, resized to the canvas,
 * mirrored. */
void mn_view_resized_crop(mn_row_type type, const void *row, int64_t height, int64_t width,
                          mn_crop crop, bool flip, const mn_canvas *canvas, float *scratch);
/* Gaussian, of `kernel` x `kernel` pixels (odd); the image is mirrored about its edge pixels. */
void mn_view_blur(const mn_canvas *canvas, int64_t kernel, float sigma, float *scratch);

#endif
