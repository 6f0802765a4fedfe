/* digest.h -- which bytes a file has, in short. */
#ifndef MN_BASE_DIGEST_H
#define MN_BASE_DIGEST_H

#include <mneme/status.h>

enum { MN_FILE_DIGEST = 17 };

/* The 64-bit FNV-1a of a file's bytes, in hexadecimal: it tells builds apart, and is no proof
 * against somebody who wants two files to agree. */
mn_status mn_file_digest(const char *path, char digest[MN_FILE_DIGEST]);

#endif
