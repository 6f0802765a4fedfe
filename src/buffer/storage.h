/* storage.h -- the rehearsal buffer's rows: a RAM mirror of the run file's exemplars.
 *
 * Rows change in memory as the policy decides; dirty ones are written in the run's transaction at
 * commit points, never one query a sample.  Where memory is limited, images and columns of the rows
 * used longest ago are only in the file; a dirty one that has to go is written into the open
 * transaction.  What a buffer answers never depends on the limit.
 */
#ifndef MN_BUFFER_STORAGE_H
#define MN_BUFFER_STORAGE_H

#include "buffer/spec.h"

mn_status mn_buffer_new(const mn_buffer_spec *spec, mn_buffer **buffer);
void mn_buffer_free(mn_buffer *buffer);
/* What its rows are kept as. */
const mn_codec *mn_buffer_codec(const mn_buffer *buffer);
/* The column of the score that a policy wants: declared by itself, expected of every row offered.
 */
#define MN_SCORE_COLUMN "score"
bool mn_buffer_wants_score(const mn_policy *policy);
/* Declares a column before the first offer; declaring the same twice is fine, with another width
 * MN_BAD_SHAPE. */
mn_status mn_buffer_add_column(mn_buffer *buffer, const char *name, int64_t width);
/* Of the i-th column declared, NULL past the last. */
const char *mn_buffer_column_name(const mn_buffer *buffer, int i);
const mn_policy *mn_buffer_policy_of(const mn_buffer *buffer);

/* Before the first row: the rows are `shape` floats that a strategy makes, in place of images. */
mn_status mn_buffer_make_rows(mn_buffer *buffer, mn_shape shape);
/* Of its rows. */
mn_shape mn_buffer_row_shape(const mn_buffer *buffer);
/* MN_OK where every row of the batch can be put into the buffer. */
mn_status mn_buffer_check_rows(const mn_buffer *buffer, const mn_batch *rows);
/* From now on the slots whose rows are overwritten or given up are noted.  MN_NO_MEMORY. */
mn_status mn_buffer_watch(mn_buffer *buffer);
/* Writes those noted since the last call, ascending, to slots (capacity); returns how many. */
int64_t mn_buffer_take_lost(mn_buffer *buffer, int64_t *slots);

/* The task in which the row of an occupied slot came. */
int32_t mn_buffer_task(const mn_buffer *buffer, int64_t slot);

/* Offers the first `rows->stream_rows` rows, one after the other; rows->column must hold every
 * declared column (MN_OUT_OF_ORDER names the missing one). */
mn_status mn_buffer_offer(mn_buffer *buffer, const mn_batch *rows);
/* End of a task, for policies that select. */
mn_status mn_buffer_select(mn_buffer *buffer, const mn_selection *task);
/* Rewrites a column of some slots; values (count, width). */
mn_status mn_buffer_update_column(mn_buffer *buffer, const int64_t *slots, int64_t count,
                                  const char *name, const float *values);

/* --- for the files of this room --- */
/* Takes a free slot for a row of `label`, or gives an occupied one to it.  MN_NO_MEMORY. */
mn_status mn_buffer_take_slot(mn_buffer *buffer, int64_t slot, int32_t label);
/* Frees every slot and forgets what was seen. */
void mn_buffer_clear(mn_buffer *buffer);

#endif
