/* rows.h -- the rows of a buffer as its own files see them; policies and the runner do not.
 *
 * Who a row is (label, task, age, source, score) is always in memory, by slot.  What it looks like
 * (image and columns) is in memory by place: with room for all, a row's place is its slot; with
 * less, the cache says which slot is where.
 */
#ifndef MN_BUFFERS_ROWS_H
#define MN_BUFFERS_ROWS_H

#include "buffer/slots.h"
#include "buffer/storage.h"

typedef struct mn_kept_column {
    char name[MN_COLUMN_NAME];
    int64_t width;
    bool by_slot;  /* the policy looks at every row's: in memory whatever the limit */
    float *values; /* (places, width); by slot (capacity, width) */
} mn_kept_column;

typedef struct mn_row_cache mn_row_cache;

/* What of a row differs from the file: a bit for each column, and one for all the rest. */
enum { MN_ROW_CHANGED = 1 << MN_MAX_COLUMNS, MN_ALL_CHANGED = 2 * MN_ROW_CHANGED - 1 };

struct mn_buffer {
    mn_buffer_spec spec;
    size_t image_bytes;
    int64_t seen;            /* images offered */
    int64_t *class_seen;     /* (classes + 1) of them by label + 1: unlabelled ones are first */
    int32_t *labels, *tasks; /* (capacity) each, as all below */
    int64_t *seen_at;        /* images offered before this one; -1: the slot is free */
    int64_t *sources;
    uint16_t *changed;   /* bits not in the file yet */
    uint16_t *written;   /* of these, bits written in a transaction that is still open */
    int64_t places;      /* rows whose image and columns are in memory, at most */
    mn_row_cache *cache; /* NULL: places are slots */
    uint8_t *pixels;     /* (places, image) */
    int columns, score;  /* score: which of the columns; -1: the policy wants none */
    mn_kept_column column[MN_MAX_COLUMNS];
    mn_slots occupied;
    mn_slots *by_label; /* (classes + 1) by label + 1 */
};

/* The declared column of that name; -1 when there is none. */
int mn_buffer_find_column(const mn_buffer *buffer, const char *name);
/* MN_BAD_VALUE unless `slot` is one of the buffer's and holds a row. */
mn_status mn_buffer_check_slot(const mn_buffer *buffer, int64_t slot);
/* Takes a free slot for a row of `label`, or gives an occupied one to it.  MN_NO_MEMORY. */
mn_status mn_buffer_take_slot(mn_buffer *buffer, int64_t slot, int32_t label);
/* Frees every slot and forgets what was seen. */
void mn_buffer_clear(mn_buffer *buffer);
/* MN_NO_MEMORY, with the size that did not fit. */
mn_status mn_buffer_no_room(const mn_buffer *buffer);
/* Writes what `bits` names of the row of `slot`, which stands in `place`. */
mn_status mn_buffer_write_row(const mn_buffer *buffer, int64_t slot, int64_t place, int bits,
                              mn_runfile *file);

/* cache.c: which rows are in memory.  Changing it changes nothing that can be asked of the buffer,
 * so a const buffer will do. */

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

/* Of the row of `slot`, which stands in `place`. */
static inline float *mn_buffer_values(const mn_kept_column *column, int64_t slot, int64_t place)
{
    return column->values + (column->by_slot ? slot : place) * column->width;
}

static inline mn_status mn_buffer_place(const mn_buffer *buffer, int64_t slot, bool read,
                                        int64_t *place)
{
    *place = slot;
    return buffer->cache == NULL ? MN_OK : mn_row_cache_find(buffer, slot, read, place);
}

#endif
