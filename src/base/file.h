/* file.h -- files, opened and read whole. */
#ifndef MN_BASE_FILE_H
#define MN_BASE_FILE_H

#include <mneme/status.h>
#include <stddef.h>

/* Opens a file for reading; the caller closes *descriptor.  MN_NOT_FOUND: there is none.
 * MN_BAD_OPTION: a folder, a pipe or a device stands in its place. */
mn_status mn_file_open(const char *path, int *descriptor);
/* Reads a whole file; caller frees; a byte past the end is zero. */
mn_status mn_file_read(const char *path, char **text, size_t *bytes);

#endif
