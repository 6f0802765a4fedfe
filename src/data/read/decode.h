/* decode.h -- PNG and JPEG files. */
#ifndef MN_DATA_READ_DECODE_H
#define MN_DATA_READ_DECODE_H

#include "data/read/picture.h"

/* Reads the file, PNG or JPEG by content.  Anything else or damaged: MN_CORRUPT. */
mn_status mn_picture_read(const char *path, mn_picture *picture);
/* The same from memory; `path` is for messages. */
mn_status mn_picture_decode(const char *path, const uint8_t *bytes, size_t count,
                            mn_picture *picture);

#endif
