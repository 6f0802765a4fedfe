/* open.h -- what creating, opening and closing a run file share. */
#ifndef MN_STORE_OPEN_H
#define MN_STORE_OPEN_H

#include "store/handle.h"

#include <mneme/observer.h>

mn_status mn_runfile_new(const char *path, mn_access access, const mn_observer *observer,
                         mn_runfile **file);
/* Disconnects, and lets the lock go. */
void mn_runfile_free(mn_runfile *file);
mn_status mn_open_to_write(mn_runfile *file); /* takes ownership */
mn_status mn_open_to_read(mn_runfile *file);
/* A file that is connected and known to be sound is written from here on. */
mn_status mn_runfile_begin_writing(mn_runfile *file);
/* The lock is held elsewhere: says by whom, if the file can tell. */
mn_status mn_name_the_writer(const char *path);

#endif
