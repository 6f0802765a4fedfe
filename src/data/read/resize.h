/* resize.h -- pictures of any size made into images of one. */
#ifndef MN_DATA_READ_RESIZE_H
#define MN_DATA_READ_RESIZE_H

#include "data/read/picture.h"

typedef enum mn_resize {
    MN_RESIZE_AREA, /* the mean of all that lies under the new pixel */
    /* The mean under a triangle about the new pixel's centre, an old pixel wide to each side, or a
     * new one where the image shrinks: PIL's BILINEAR, torchvision's with antialias. */
    MN_RESIZE_BILINEAR,
} mn_resize;
typedef enum mn_fit {
    MN_FIT_CROP,    /* the largest part about the middle that has the new shape */
    MN_FIT_STRETCH, /* the whole, whatever becomes of its shape */
} mn_fit;

enum { MN_MOST_CHANNELS = 4 }; /* of a data set's images */

/* Pixels in any order: channel c of the pixel in column x of line y is at
 * at[y * down + x * across + c * apart]. */
typedef struct mn_raster {
    const uint8_t *at;
    int64_t width, height, channels;
    int64_t across, down, apart;
} mn_raster;

mn_raster mn_raster_of_picture(const mn_picture *picture);
mn_raster mn_raster_of_image(const uint8_t *pixels /* (channels, height, width) */,
                             int64_t channels, int64_t height, int64_t width);

/* Resizes to height x width and takes the channels apart: as many as the raster has, or of its
 * three one, for grey (ITU-R BT.601).  pixels (channels, height, width).  Integer arithmetic: every
 * machine makes the same bytes. */
mn_status mn_raster_place(const mn_raster *raster, mn_resize resize, mn_fit fit, int64_t channels,
                          int64_t height, int64_t width, uint8_t *pixels);

#endif
