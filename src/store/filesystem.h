/* filesystem.h -- where a run file may live. */
#ifndef MN_STORE_FILESYSTEM_H
#define MN_STORE_FILESYSTEM_H

#include <mneme/status.h>

/* The name of a network file system by the magic number of statfs(2); NULL for a local one. */
const char *mn_network_filesystem(unsigned long magic);
/* Looks at `path`, or its folder if it is not there yet: MN_NOT_FOUND, or MN_UNSUPPORTED on a
 * network file system. */
mn_status mn_check_filesystem(const char *path);

#endif
