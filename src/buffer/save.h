/* save.h -- a rehearsal buffer in the run file, and back. */
#ifndef MN_BUFFER_SAVE_H
#define MN_BUFFER_SAVE_H

#include "store/handle.h"

#include <mneme/buffer.h>

/* Writes what changed since the last save, inside the caller's transaction.  Call
 * mn_buffer_saved() once that transaction has committed.  With limited memory `file` must be the
 * spec's, a transaction must be open whenever rows are offered, drawn or updated, and one that is
 * rolled back takes rows with it: load the buffer again. */
mn_status mn_buffer_save(mn_buffer *buffer, mn_runfile *file);
void mn_buffer_saved(mn_buffer *buffer);
mn_status mn_buffer_load(mn_buffer *buffer, mn_runfile *file);

#endif
