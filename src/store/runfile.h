/* runfile.h -- one SQLite file is one run: configuration, results, exemplars, weights, position.
 *
 * Everything between mn_runfile_begin() and mn_runfile_commit() lands together or not at all.
 * This floor is the only one that knows SQLite; it has no policy.
 */
#ifndef MN_STORE_RUNFILE_H
#define MN_STORE_RUNFILE_H

#include "store/create.h"
#include "store/transaction.h"

/* MN_WRITE takes ownership: MN_BUSY names who holds it; a dead owner on this host is taken over.
 * Not a run file: MN_CORRUPT; a newer schema: MN_WRONG_VERSION. */
mn_status mn_runfile_open(const char *path, mn_access access, mn_runfile **file);
/* Opens with MN_WRITE, and waits for locks of other programs as mn_runfile_create_filled() does. */
mn_status mn_runfile_open_for(const mn_observer *observer, const char *path, mn_runfile **file);
/* Whether a run is done, by its file, which is only read; the file of one that is, is held to what
 * it was when it was closed. */
mn_status mn_runfile_look(const char *path, bool *done);
/* Rolls back what is open, gives up ownership, folds the write-ahead log in.  NULL is fine. */
mn_status mn_runfile_close(mn_runfile *file);
const char *mn_runfile_path(const mn_runfile *file);

/* Versions of what is underneath, for provenance: "3.40.1". */
const char *mn_runfile_sqlite_version(void);

#endif
