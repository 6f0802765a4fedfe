/* draw.h -- rows out of a rehearsal buffer. */
#ifndef MN_BUFFER_DRAW_H
#define MN_BUFFER_DRAW_H

#include "data/stream/batch.h"

#include <mneme/buffer.h>

/* Writes min(wanted, used) distinct occupied slots to slots; returns how many. */
int64_t mn_buffer_draw(const mn_buffer *buffer, mn_key key, int64_t wanted, int64_t *slots);
/* The same of the slots of one task. */
int64_t mn_buffer_draw_of_task(const mn_buffer *buffer, mn_key key, int32_t task, int64_t wanted,
                               int64_t *slots);
/* `wanted` slots of each label present, in order of label, repeated where a class has fewer;
 * slots has room for wanted x classes. */
int64_t mn_buffer_draw_per_class(const mn_buffer *buffer, mn_key key, int64_t wanted,
                                 int64_t *slots);
/* The type of rows in batches of the buffer. */
mn_row_type mn_buffer_row_type(const mn_buffer *buffer);
/* Copies rows into a batch: everything but x. */
mn_status mn_buffer_gather(const mn_buffer *buffer, const int64_t *slots, int64_t count,
                           mn_batch_space *space);

#endif
