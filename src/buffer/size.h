/* size.h -- the memory that a rehearsal buffer takes. */
#ifndef MN_BUFFER_SIZE_H
#define MN_BUFFER_SIZE_H

#include <mneme/buffer.h>

/* Bytes a row occupies: its image and its columns. */
int64_t mn_buffer_row_bytes(const mn_buffer *buffer);
/* MN_NO_MEMORY, with the size that did not fit. */
mn_status mn_buffer_no_room(const mn_buffer *buffer);

#endif
