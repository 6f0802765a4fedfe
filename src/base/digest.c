/* digest.c -- which bytes a file has, in short. */
#include "base/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

mn_status mn_file_digest(const char *path, char digest[MN_FILE_DIGEST])
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(errno));
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    unsigned char bytes[4096];
    for (size_t count; (count = fread(bytes, 1, sizeof bytes, file)) > 0;)
        for (size_t i = 0; i < count; i++)
            hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    const bool failed = ferror(file) != 0;
    fclose(file);
    snprintf(digest, MN_FILE_DIGEST, "%016" PRIx64, hash);
    return failed ? mn_fail(MN_IO_FAILED, "%s cannot be read", path) : MN_OK;
}
