/* connection.h -- SQLite's connection to a run file: what it may do, how long it waits, when it
 * syncs. */
#ifndef MN_STORE_CONNECTION_H
#define MN_STORE_CONNECTION_H

#include "store/handle.h"

/* Connects to the file `name`, which is that of the run file or stands for it; flags: SQLite's. */
mn_status mn_connect_as(mn_runfile *file, const char *name, int flags);
/* Connects to the file alone, as if there were no log, which also works in a read-only folder. */
mn_status mn_connect_alone(mn_runfile *file);
/* The log of a file that is not known to be sound stays where it is, also when nobody else has it.
 */
void mn_disconnect(mn_runfile *file);
/* From here on the last one to disconnect folds the log in. */
void mn_connection_trust(mn_runfile *file);

/* Others can read the last commit while the next one is made, and a commit is on the disk when it
 * returns. */
mn_status mn_write_ahead(mn_runfile *file);
/* Leaves one file.  A reader that is still there keeps the log alive, and folds it in when it
 * closes. */
mn_status mn_fold_log(mn_runfile *file);

void mn_finalize_statements(mn_runfile *file);
/* The answer of a pragma, 0 where there is none. */
mn_status mn_ask_int(mn_runfile *file, const char *pragma, int64_t *value);

#endif
