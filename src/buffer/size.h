/* size.h -- the memory that a rehearsal buffer takes. */
#ifndef MN_BUFFER_SIZE_H
#define MN_BUFFER_SIZE_H

#include <mneme/buffer.h>

/* What a row is charged: its payload, its label in as few whole bytes as hold it, its columns. When
 * it was seen and where it stood in the data is bookkeeping, and not charged. */
typedef struct mn_row_size {
    int64_t payload, label, columns;
} mn_row_size;
mn_row_size mn_buffer_row_size(const mn_buffer *buffer);
/* Of what its codec needs beside the rows. */
int64_t mn_buffer_codec_bytes(const mn_buffer *buffer);
/* Bytes a row occupies in memory: its payload and its columns. */
int64_t mn_buffer_row_bytes(const mn_buffer *buffer);
/* MN_NO_MEMORY, with the size that did not fit. */
mn_status mn_buffer_no_room(const mn_buffer *buffer);

#endif
