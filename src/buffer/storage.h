/* storage.h -- the rehearsal buffer's rows: a RAM mirror of the run file's exemplars.
 *
 * Rows change in memory as the policy decides; dirty ones are written in the run's transaction at
 * commit points, never one query a sample.  Where memory is limited, images and columns of the rows
 * used longest ago are only in the file; a dirty one that has to go is written into the open
 * transaction.  What a buffer answers never depends on the limit.
 */
#ifndef MN_BUFFERS_STORAGE_H
#define MN_BUFFERS_STORAGE_H

#include "data/stream/batch.h"
#include "store/handle.h"
#include <mneme/buffer.h>

typedef struct mn_buffer_spec {
    int64_t capacity; /* rows */
    mn_shape image;
    int64_t classes; /* of the whole stream */
    const mn_policy *policy;
    const void *options; /* of the policy; borrowed */
    mn_key key;       /* every decision's randomness comes from here and the count of images seen */
    int64_t memory;   /* bytes of images and columns in memory; 0: all of them */
    mn_runfile *file; /* where the others are; borrowed.  NULL: all are in memory */
} mn_buffer_spec;

mn_status mn_buffer_new(const mn_buffer_spec *spec, mn_buffer **buffer);
void mn_buffer_free(mn_buffer *buffer);
/* The column of the score that a policy wants: declared by itself, expected of every row offered.
 */
#define MN_SCORE_COLUMN "score"
bool mn_buffer_wants_score(const mn_policy *policy);
/* Declares a column before the first offer; declaring the same twice is fine, with another width
 * MN_BAD_SHAPE. */
mn_status mn_buffer_add_column(mn_buffer *buffer, const char *name, int64_t width);
const mn_policy *mn_buffer_policy_of(const mn_buffer *buffer);

/* The task in which the row of an occupied slot came. */
int32_t mn_buffer_task(const mn_buffer *buffer, int64_t slot);

/* Offers the first `rows->stream_rows` rows, one after the other; rows->column must hold every
 * declared column (MN_OUT_OF_ORDER names the missing one). */
mn_status mn_buffer_offer(mn_buffer *buffer, const mn_batch *rows);
/* End of a task, for policies that select. */
mn_status mn_buffer_select(mn_buffer *buffer, const mn_selection *task);
/* Writes min(wanted, used) distinct occupied slots to slots; returns how many. */
int64_t mn_buffer_draw(const mn_buffer *buffer, mn_key key, int64_t wanted, int64_t *slots);
/* The same of the slots of one task. */
int64_t mn_buffer_draw_of_task(const mn_buffer *buffer, mn_key key, int32_t task, int64_t wanted,
                               int64_t *slots);
/* `wanted` slots of each label present, in order of label, repeated where a class has fewer;
 * slots has room for wanted x classes. */
int64_t mn_buffer_draw_per_class(const mn_buffer *buffer, mn_key key, int64_t wanted,
                                 int64_t *slots);
/* Copies rows into a batch: everything but x. */
mn_status mn_buffer_gather(const mn_buffer *buffer, const int64_t *slots, int64_t count,
                           mn_batch_space *space);
/* Rewrites a column of some slots; values (count, width). */
mn_status mn_buffer_update_column(mn_buffer *buffer, const int64_t *slots, int64_t count,
                                  const char *name, const float *values);

/* Writes what changed since the last save, inside the caller's transaction.  Call
 * mn_buffer_saved() once that transaction has committed.  With limited memory `file` must be the
 * spec's, a transaction must be open whenever rows are offered, drawn or updated, and one that is
 * rolled back takes rows with it: load the buffer again. */
mn_status mn_buffer_save(mn_buffer *buffer, mn_runfile *file);
void mn_buffer_saved(mn_buffer *buffer);
mn_status mn_buffer_load(mn_buffer *buffer, mn_runfile *file);
/* Bytes a row occupies: its image and its columns. */
int64_t mn_buffer_row_bytes(const mn_buffer *buffer);

#endif
