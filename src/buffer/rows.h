/* rows.h -- the rows of a buffer as its own files see them; policies and the runner do not.
 *
 * Who a row is (label, task, age, source, score) is always in memory, by slot.  What it looks like
 * (payload and columns) is in memory by place: with room for all, a row's place is its slot; with
 * less, the cache says which slot is where.
 */
#ifndef MN_BUFFER_ROWS_H
#define MN_BUFFER_ROWS_H

#include "buffer/slots.h"
#include "buffer/spec.h"

typedef struct mn_kept_column {
    char name[MN_COLUMN_NAME];
    int64_t width;
    bool by_slot;  /* the policy looks at every row's: in memory whatever the limit */
    float *values; /* (places, width); by slot (capacity, width) */
} mn_kept_column;

typedef struct mn_row_cache mn_row_cache;

/* Which parts of a row differ from the file: a bit for each column, and one for all the rest. */
enum { MN_ROW_CHANGED = 1 << MN_MAX_COLUMNS, MN_ALL_CHANGED = 2 * MN_ROW_CHANGED - 1 };

struct mn_buffer {
    mn_buffer_spec spec;
    mn_codec codec;
    int64_t seen;            /* images offered */
    int64_t *class_seen;     /* (classes + 1) of them by label + 1: unlabelled ones are first */
    int32_t *labels, *tasks; /* (capacity) each, as all below */
    int64_t *seen_at;        /* images offered before this one; -1: the slot is free */
    int64_t *sources;
    uint16_t *changed;   /* bits not in the file yet */
    uint16_t *written;   /* of these, bits written in a transaction that is still open */
    int64_t places;      /* rows whose image and columns are in memory, at most */
    mn_row_cache *cache; /* NULL: places are slots */
    uint8_t *payloads;   /* (places, payload of the codec) */
    int columns, score;  /* score: which of the columns; -1: the policy wants none */
    mn_kept_column column[MN_MAX_COLUMNS];
    mn_slots occupied;
    bool watched;       /* by somebody who asks for `lost` */
    mn_slots lost;      /* whose rows went since somebody asked last */
    mn_slots *by_label; /* (classes + 1) by label + 1 */
};

/* The declared column of that name; -1 when there is none. */
int mn_buffer_find_column(const mn_buffer *buffer, const char *name);
/* MN_BAD_VALUE unless `slot` is one of the buffer's and holds a row. */
mn_status mn_buffer_check_slot(const mn_buffer *buffer, int64_t slot);
/* Of the row of `slot`, which stands in `place`. */
static inline float *mn_buffer_values(const mn_kept_column *column, int64_t slot, int64_t place)
{
    return column->values + (column->by_slot ? slot : place) * column->width;
}

#endif
