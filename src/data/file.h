/* file.h -- a data file as its decoded bytes, whatever it was compressed with. */
#ifndef MN_DATA_FILE_H
#define MN_DATA_FILE_H

#include <mneme/status.h>
#include <stddef.h>

typedef struct mn_data_file mn_data_file;

/* Plain, .gz, .xz, .bz2 or .zst, told by content.  MN_NOT_FOUND, MN_IO_FAILED, MN_CORRUPT. */
mn_status mn_data_file_open(const char *path, mn_data_file **file);
/* Reads up to `bytes`; fewer only where the file ends.  The checksum of what was compressed has
 * been compared once a read came back short. */
mn_status mn_data_file_read(mn_data_file *file, void *to, size_t bytes, size_t *got);
void mn_data_file_close(mn_data_file *file); /* NULL is fine */

#endif
