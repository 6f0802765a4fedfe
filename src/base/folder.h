/* folder.h -- folders, and the names in them. */
#ifndef MN_BASE_FOLDER_H
#define MN_BASE_FOLDER_H

#include <mneme/status.h>

/* Makes the folder that `path` lies in, and those above it; existing ones are fine. */
mn_status mn_folder_make_above(const char *path);
/* Waits until the names in the folder that `path` lies in are on the disk. */
mn_status mn_folder_sync_above(const char *path);
/* A file that was written beside `path` takes its name, for good.  A device or a pipe of that name
 * is left alone. */
mn_status mn_folder_take_name(const char *beside, const char *path);

#endif
