/* owner.h -- at most one process writes a run file.
 *
 * Two things must both be free: an flock() on FILE-lock, which the kernel drops when its holder
 * dies and which holds across containers, and the owner in the run table, which says who it is and
 * survives a lock file that somebody deleted.
 */
#ifndef MN_STORE_OWNER_H
#define MN_STORE_OWNER_H

#include "store/handle.h"

/* Takes FILE-lock; MN_BUSY when another process has it.  *name: which file that is, wherever the
 * process may go in the meantime. */
mn_status mn_owner_lock(const char *path, int *descriptor, char **name);
/* Removes FILE-lock, lets it go, and frees its name; -1 and NULL are fine. */
void mn_owner_unlock(int descriptor, char *name);

/* Writes this process into the run table, unless a living one (MN_BUSY), or one of another host
 * (MN_UNSUPPORTED), is there.  The caller holds the lock. */
mn_status mn_owner_take(mn_runfile *file);
mn_status mn_owner_write(mn_runfile *file); /* the same inside a transaction */
/* The last commit: says what the file holds, for whoever opens it next. */
mn_status mn_owner_release(mn_runfile *file);
/* The MN_BUSY that names who is written in the run table of `file`, as far as is known. */
mn_status mn_owner_busy(mn_runfile *file);
/* Whether a process that writes the file is alive, as far as can be told from here; one of another
 * host is believed to be. */
mn_status mn_runfile_is_held(mn_runfile *file, bool *held);

#endif
