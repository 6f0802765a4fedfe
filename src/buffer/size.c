/* size.c -- a row is an image and the columns that were declared. */
#include "buffer/size.h"
#include "buffer/rows.h"

int64_t mn_buffer_row_bytes(const mn_buffer *buffer)
{
    int64_t bytes = (int64_t)buffer->image_bytes;
    for (int c = 0; c < buffer->columns; c++)
        bytes += buffer->column[c].width * (int64_t)sizeof(float);
    return bytes;
}

mn_status mn_buffer_no_room(const mn_buffer *buffer)
{
    return mn_fail(MN_NO_MEMORY,
                   "a buffer of %lld rows of %lld bytes does not fit in memory; give a smaller "
                   "--buffer-size, or limit --buffer-memory",
                   (long long)buffer->spec.capacity, (long long)mn_buffer_row_bytes(buffer));
}
