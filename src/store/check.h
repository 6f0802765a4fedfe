/* check.h -- whether what a run file holds is what was written, and makes sense. */
#ifndef MN_STORE_CHECK_H
#define MN_STORE_CHECK_H

#include "store/handle.h"

/* MN_CORRUPT when SQLite's trees are not whole, a row is not what it was or makes no sense, or the
 * file has tables of a kind that mneme does not make.  Rows of the large tables (weights,
 * exemplars, outputs, scalars) are looked at as long as that is quick. */
mn_status mn_check_schema(mn_runfile *file);
mn_status mn_check_contents(mn_runfile *file);
/* The same of every row and of each tensor, and that no row is missing since the file was closed.
 * A file that is opened with MN_WRITE has been through it. */
mn_status mn_runfile_check(mn_runfile *file);

/* How many rows each table has, and a sum of their checksums: written when the file is closed, gone
 * while it is written.  Inside a transaction. */
mn_status mn_digests_write(mn_runfile *file);
mn_status mn_digests_forget(mn_runfile *file);

#endif
