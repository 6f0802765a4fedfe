/* resize.h -- pictures of any size made into images of one. */
#ifndef MN_DATA_READ_RESIZE_H
#define MN_DATA_READ_RESIZE_H

#include "data/read/picture.h"

typedef enum mn_resize {
    MN_RESIZE_AREA,     /* the mean of all that lies under the new pixel */
    MN_RESIZE_BILINEAR, /* between the four pixels about the new one's centre */
} mn_resize;
typedef enum mn_fit {
    MN_FIT_CROP,    /* the largest part about the middle that has the new shape */
    MN_FIT_STRETCH, /* the whole, whatever becomes of its shape */
} mn_fit;

/* Resizes to height x width and takes the channels apart: 3, or 1 for grey (ITU-R BT.601).
 * pixels (channels, height, width).  Integer arithmetic: every machine makes the same bytes. */
mn_status mn_picture_place(const mn_picture *picture, mn_resize resize, mn_fit fit,
                           int64_t channels, int64_t height, int64_t width, uint8_t *pixels);

#endif
