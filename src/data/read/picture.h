/* picture.h -- PNG and JPEG files, and pictures of any size made into images of one. */
#ifndef MN_DATA_PICTURE_H
#define MN_DATA_PICTURE_H

#include <mneme/status.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mn_picture {
    int64_t width, height;
    uint8_t *rgb; /* (height, width, 3), from malloc */
} mn_picture;

/* Reads the file, PNG or JPEG by content.  Anything else or damaged: MN_CORRUPT. */
mn_status mn_picture_read(const char *path, mn_picture *picture);
/* The same from memory; `path` is for messages. */
mn_status mn_picture_decode(const char *path, const uint8_t *bytes, size_t count,
                            mn_picture *picture);
void mn_picture_free(mn_picture *picture); /* the pixels, not the struct */

mn_status mn_png_decode(const char *path, const uint8_t *bytes, size_t count, mn_picture *picture);
mn_status mn_jpeg_decode(const char *path, const uint8_t *bytes, size_t count, mn_picture *picture);

/* Writes a PNG; `path` appears whole or not at all. */
mn_status mn_png_write(const mn_picture *picture, const char *path);

/* Neither codec is asked for memory beyond a picture of so many pixels. */
mn_status mn_picture_allocate(const char *path, int64_t width, int64_t height, mn_picture *picture);

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
