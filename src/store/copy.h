/* copy.h -- a copy of a run file, also of one in use. */
#ifndef MN_STORE_COPY_H
#define MN_STORE_COPY_H

#include "store/handle.h"

/* Writes a copy as of the last commit to `path`, which must not exist; a run in progress is not
 * disturbed, and the copy can be resumed on its own. */
mn_status mn_runfile_copy(mn_runfile *file, const char *path);

#endif
