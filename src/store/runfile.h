/* runfile.h -- one SQLite file is one run: configuration, results, exemplars, weights, position.
 *
 * Everything between mn_runfile_begin() and mn_runfile_commit() lands together or not at all.
 * This floor is the only one that knows SQLite; it has no policy.
 */
#ifndef MN_STORE_RUNFILE_H
#define MN_STORE_RUNFILE_H

#include "store/handle.h"
#include "store/transaction.h"

#include <mneme/observer.h>

/* What a new file holds from its first instant on. */
typedef mn_status (*mn_runfile_fill)(void *context, mn_runfile *file);

/* Creates the file, with its schema and what `fill` writes committed and on the disk before it has
 * its name; an existing one is MN_BAD_OPTION with the resume command.  Network file systems are
 * refused.  The creator owns it (host, process, since when).  The observer, which may be NULL, is
 * told when another program's lock is waited for, and may stop that; it lives as long as the file
 * is open. */
mn_status mn_runfile_create_filled(const char *path, mn_runfile_fill fill, void *context,
                                   const mn_observer *observer, mn_runfile **file);
mn_status mn_runfile_create(const char *path, mn_runfile **file); /* without all of these */
/* MN_WRITE takes ownership: MN_BUSY names who holds it; a dead owner on this host is taken over.
 * Not a run file: MN_CORRUPT; a newer schema: MN_WRONG_VERSION. */
mn_status mn_runfile_open(const char *path, mn_access access, mn_runfile **file);
/* Opens with MN_WRITE, and waits for locks of other programs as mn_runfile_create_filled() does. */
mn_status mn_runfile_open_for(const mn_observer *observer, const char *path, mn_runfile **file);
/* Rolls back what is open, gives up ownership, folds the write-ahead log in.  NULL is fine. */
mn_status mn_runfile_close(mn_runfile *file);
const char *mn_runfile_path(const mn_runfile *file);

/* Versions of what is underneath, for provenance: "3.40.1". */
const char *mn_runfile_sqlite_version(void);

#endif
