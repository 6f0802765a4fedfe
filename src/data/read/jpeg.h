/* jpeg.h -- JPEG. */
#ifndef MN_DATA_READ_JPEG_H
#define MN_DATA_READ_JPEG_H

#include "data/read/picture.h"

/* `path` is for messages. */
mn_status mn_jpeg_decode(const char *path, const uint8_t *bytes, size_t count, mn_picture *picture);

#endif
