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

#endif
