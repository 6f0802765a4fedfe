/* write.h -- one row of a rehearsal buffer into the run file. */
#ifndef MN_BUFFER_WRITE_H
#define MN_BUFFER_WRITE_H

#include "buffer/rows.h"

/* Writes what `bits` names of the row of `slot`, which stands in `place`. */
mn_status mn_buffer_write_row(const mn_buffer *buffer, int64_t slot, int64_t place, int bits,
                              mn_runfile *file);

#endif
