/* folder.c -- making folders, from the outermost to the innermost, and keeping names in them. */
#include "base/folder.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

mn_status mn_folder_sync_above(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash == path ? 1 : slash == NULL ? 0 : (size_t)(slash - path);
    char *folder = slash == NULL ? mn_text_copy(".") : mn_text_copy_of(path, length);
    if (folder == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the path '%s'", path);
    const int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool failed = opened >= 0 && fsync(opened) != 0 && errno != EINVAL && errno != EBADF;
    const mn_status status =
        failed ? mn_fail(MN_IO_FAILED, "%s: the folder cannot be kept: %s", folder, strerror(errno))
               : MN_OK; /* some folders cannot be opened, or not synced: then nothing can be done */
    if (opened >= 0)
        close(opened);
    mn_memory_give(folder);
    return status;
}

static mn_status make_one(const char *path)
{
    struct stat found;
    if (mkdir(path, 0777) == 0)
        return mn_folder_sync_above(path);
    if (errno == EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        return MN_OK;
    if (errno == EEXIST)
        return mn_fail(MN_BAD_OPTION, "'%s' is there and is no folder", path);
    return mn_fail(MN_IO_FAILED, "%s: cannot make the folder: %s", path, strerror(errno));
}

mn_status mn_folder_make_above(const char *path)
{
    if (path[0] == '\0')
        return MN_OK;
    char *folder = mn_text_copy(path);
    if (folder == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the path '%s'", path);
    mn_status status = MN_OK;
    for (char *slash = strchr(folder + 1, '/'); slash != NULL && status == MN_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_one(folder);
        *slash = '/';
    }
    mn_memory_give(folder);
    return status;
}
