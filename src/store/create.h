/* create.h -- a new run file. */
#ifndef MN_STORE_CREATE_H
#define MN_STORE_CREATE_H

#include "store/handle.h"

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
#endif
