/* rows.h -- the rows of a buffer as its own files see them; policies and the runner do not. */
#ifndef MN_BUFFERS_ROWS_H
#define MN_BUFFERS_ROWS_H

#include "buffers/slots.h"
#include "buffers/storage.h"

typedef struct mn_kept_column {
    char name[MN_COLUMN_NAME];
    int64_t width;
    float *values; /* (capacity, width) */
} mn_kept_column;

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
    uint16_t *changed; /* bits not in the file yet */
    uint16_t *written; /* of these, bits written in a transaction that is still open */
    uint8_t *pixels;   /* (capacity, image) */
    int columns;
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

#endif
