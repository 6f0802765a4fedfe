/* cache.h -- which rows of a buffer have their image and columns in memory.
 *
 * Changing it changes nothing that can be asked of the buffer, so a const buffer will do. */
#ifndef MN_BUFFER_CACHE_H
#define MN_BUFFER_CACHE_H

#include "buffer/rows.h"

/* Memory for images and columns, as much as the spec allows; what was there is gone. */
mn_status mn_buffer_take_places(mn_buffer *buffer);
void mn_buffer_free_places(mn_buffer *buffer);
/* Finds or makes a place for the row of `slot`, with its image and columns in it when `read`.  The
 * row used longest ago may have to go for it; what is not in the file of it is written there. */
mn_status mn_row_cache_find(const mn_buffer *buffer, int64_t slot, bool read, int64_t *place);
/* The place of a row while the buffer is loaded, where nothing has to go; -1: no room. */
int64_t mn_row_cache_load(const mn_buffer *buffer, int64_t slot);
/* The place of a row that is in memory; -1: it is not. */
int64_t mn_row_cache_place(const mn_buffer *buffer, int64_t slot);
/* The row of `slot` is gone, or all are. */
void mn_row_cache_forget(const mn_buffer *buffer, int64_t slot);
void mn_row_cache_clear(const mn_buffer *buffer);

/* The place of a row, which is its slot where all are in memory. */
static inline mn_status mn_buffer_place(const mn_buffer *buffer, int64_t slot, bool read,
                                        int64_t *place)
{
    *place = slot;
    return buffer->cache == NULL ? MN_OK : mn_row_cache_find(buffer, slot, read, place);
}

#endif
