/* log.h -- FILE-wal belongs to FILE, or is refused. */
#ifndef MN_STORE_LOG_H
#define MN_STORE_LOG_H

#include "store/handle.h"

/* Marks a new file, or one that has just been converted, as itself; inside a transaction. */
mn_status mn_log_mark(mn_runfile *file);
/* Counts a commit in the mark; inside its transaction. */
mn_status mn_log_count_commit(mn_runfile *file);
/* MN_CORRUPT when the log beside the file is another run's, or older than the file.  For a file
 * that is not connected; leaves it so, and changes nothing on the disk. */
mn_status mn_log_check(mn_runfile *file);

#endif
