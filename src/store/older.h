/* older.h -- run files of an earlier schema. */
#ifndef MN_STORE_OLDER_H
#define MN_STORE_OLDER_H

#include "store/handle.h"

#include <stdint.h>

/* Whether this program can read a file of that schema. */
bool mn_older_is_known(int64_t version);
/* Lets a file of an earlier schema be read as if it were of this one; the file stays as it is. */
mn_status mn_older_read(mn_runfile *file);
/* After mn_older_read(): makes the file one of this schema, in one transaction. */
mn_status mn_older_convert(mn_runfile *file);

#endif
