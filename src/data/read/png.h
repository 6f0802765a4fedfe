/* png.h -- PNG, there and back. */
#ifndef MN_DATA_READ_PNG_H
#define MN_DATA_READ_PNG_H

#include "data/read/picture.h"

/* `path` is for messages. */
mn_status mn_png_decode(const char *path, const uint8_t *bytes, size_t count, mn_picture *picture);

/* Writes a PNG; `path` appears whole or not at all. */
mn_status mn_png_write(const mn_picture *picture, const char *path);

#endif
