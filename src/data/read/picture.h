/* picture.h -- a picture of any size, in memory. */
#ifndef MN_DATA_PICTURE_H
#define MN_DATA_PICTURE_H

#include <mneme/status.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mn_picture {
    int64_t width, height;
    uint8_t *rgb; /* (height, width, 3), from mn_memory_take() */
} mn_picture;

void mn_picture_free(mn_picture *picture); /* the pixels, not the struct */

/* Neither codec is asked for memory beyond a picture of so many pixels. */
mn_status mn_picture_allocate(const char *path, int64_t width, int64_t height, mn_picture *picture);

#endif
