/* file.h -- a data file as its decoded bytes, whatever it was compressed with or packed into. */
#ifndef MN_DATA_FILE_H
#define MN_DATA_FILE_H

#include <mneme/status.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mn_data_file mn_data_file;

/* Plain, .gz, .xz, .bz2 or .zst, told by content.  MN_NOT_FOUND, MN_IO_FAILED, MN_CORRUPT. */
mn_status mn_data_file_open(const char *path, mn_data_file **file);

/* A .zip, or a .tar compressed in one of those ways; the first member has yet to be asked for. */
mn_status mn_data_archive_open(const char *path, mn_data_file **archive);
/* Goes on to the next file inside: what follows reads that.  *name is its path in the archive,
 * valid until the next call, and NULL after the last, when all checksums have been compared. */
mn_status mn_data_archive_next(mn_data_file *archive, const char **name);

/* Reads up to `bytes`; fewer only where the file ends.  The checksum of what was compressed has
 * been compared once a read came back short. */
mn_status mn_data_file_read(mn_data_file *file, void *to, size_t bytes, size_t *got);
/* All that is left, in memory of its own and with a zero byte after it.  More than `most` bytes, or
 * more than the file may hold: MN_CORRUPT. */
mn_status mn_data_file_whole(mn_data_file *file, size_t most, uint8_t **bytes, size_t *count);
/* The `bytes` that a header announced, in memory that grows as they come; MN_CORRUPT where there
 * are more or fewer, or more than the file may hold.  `path` is for messages. */
mn_status mn_data_file_exactly(mn_data_file *file, const char *path, size_t bytes, uint8_t **block);
void mn_data_file_close(mn_data_file *file); /* NULL is fine */

#endif
