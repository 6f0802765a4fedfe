/* file.c -- opening and reading files that hold something from their first byte to a last one.
 *
 * A device, a pipe or a folder in a file's place is refused before it is read: the first two may
 * never end, and opening a pipe may wait for ever. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mn_status not_opened(const char *path)
{
    const mn_status status = errno == ENOENT || errno == ENOTDIR ? MN_NOT_FOUND : MN_IO_FAILED;
    return mn_fail(status, "%s: %s", path, strerror(errno));
}

mn_status mn_file_open(const char *path, int *descriptor)
{
    struct stat found;
    const int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* waits for no writer */
    if (opened < 0)
        return not_opened(path);
    const bool known = fstat(opened, &found) == 0;
    if (known && S_ISREG(found.st_mode)) {
        *descriptor = opened;
        return MN_OK;
    }
    close(opened);
    return mn_fail(MN_BAD_OPTION, "%s: is a %s; expected a file", path,
                   known && S_ISDIR(found.st_mode)    ? "folder"
                   : known && S_ISFIFO(found.st_mode) ? "pipe"
                                                      : "device");
}

mn_status mn_file_read(const char *path, char **text, size_t *bytes)
{
    int descriptor;
    MN_TRY(mn_file_open(path, &descriptor));
    FILE *file = fdopen(descriptor, "rb");
    if (file == NULL) {
        close(descriptor);
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while opening", path);
    }
    size_t used = 0, capacity = 4096;
    char *buffer = mn_memory_take(capacity + 1, 1);
    while (buffer != NULL) {
        used += fread(buffer + used, 1, capacity - used, file);
        if (used < capacity)
            break;
        capacity *= 2;
        char *larger = mn_memory_resize(buffer, capacity + 1, 1);
        if (larger == NULL)
            mn_memory_give(buffer);
        buffer = larger;
    }
    const bool failed = ferror(file) != 0;
    const int why = errno;
    fclose(file);
    if (buffer == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while reading", path);
    if (failed) {
        mn_memory_give(buffer);
        return mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(why));
    }
    buffer[used] = '\0';
    *text = buffer;
    if (bytes != NULL)
        *bytes = used;
    return MN_OK;
}
