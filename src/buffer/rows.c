/* rows.c -- questions to the rows that every file of this room asks. */
#include "buffer/rows.h"

#include <string.h>

int mn_buffer_find_column(const mn_buffer *buffer, const char *name)
{
    for (int c = 0; c < buffer->columns; c++)
        if (strcmp(buffer->column[c].name, name) == 0)
            return c;
    return -1;
}

mn_status mn_buffer_check_slot(const mn_buffer *buffer, int64_t slot)
{
    if (slot < 0 || slot >= buffer->spec.capacity)
        return mn_fail(MN_BAD_VALUE, "slot %lld of a buffer of %lld rows", (long long)slot,
                       (long long)buffer->spec.capacity);
    if (buffer->seen_at[slot] < 0)
        return mn_fail(MN_BAD_VALUE, "slot %lld of the buffer is free", (long long)slot);
    return MN_OK;
}
