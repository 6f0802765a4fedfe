/* size.c -- a row is a payload, a label and the columns that were declared. */
#include "buffer/size.h"
#include "buffer/rows.h"

mn_row_size mn_buffer_row_size(const mn_buffer *buffer)
{
    mn_row_size size = {.payload = (int64_t)buffer->codec.payload,
                        .label = buffer->spec.classes < 256 ? 1 : 2}; /* one more is unlabelled */
    for (int c = 0; c < buffer->columns; c++)
        size.columns += buffer->column[c].width * (int64_t)sizeof(float);
    return size;
}

int64_t mn_buffer_row_bytes(const mn_buffer *buffer)
{
    const mn_row_size size = mn_buffer_row_size(buffer);
    return size.payload + size.columns;
}

int64_t mn_buffer_codec_bytes(const mn_buffer *buffer)
{
    return buffer->spec.codec_bytes + mn_codec_parameter_bytes(&buffer->codec);
}

mn_status mn_buffer_no_room(const mn_buffer *buffer)
{
    return mn_fail(MN_NO_MEMORY,
                   "a buffer of %lld rows of %lld bytes does not fit in memory; give a smaller "
                   "--buffer-size, or limit --buffer-memory",
                   (long long)buffer->spec.capacity, (long long)mn_buffer_row_bytes(buffer));
}
