/* folder.c -- making folders, from the outermost to the innermost, and keeping names in them. */
#include "base/folder.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Waits for the disk.  Some folders cannot be opened, and some things not be synced: then nothing
 * can be done. */
static mn_status sync_opened(const char *path, int flags)
{
    const int opened = open(path, flags | O_RDONLY | O_CLOEXEC);
    if (opened < 0)
        return MN_OK;
    const int error = fsync(opened) == 0 ? 0 : errno;
    close(opened);
    return error == 0 || error == EINVAL || error == EBADF || error == EROFS
               ? MN_OK
               : mn_fail(error == ENOSPC || error == EDQUOT ? MN_DISK_FULL : MN_IO_FAILED,
                         "%s: the disk does not keep it: %s", path, strerror(error));
}

mn_status mn_folder_sync_above(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash == path ? 1 : slash == NULL ? 0 : (size_t)(slash - path);
    char *folder = slash == NULL ? mn_text_copy(".") : mn_text_copy_of(path, length);
    if (folder == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the path '%s'", path);
    const mn_status status = sync_opened(folder, O_DIRECTORY);
    mn_memory_give(folder);
    return status;
}

mn_status mn_folder_take_name(const char *beside, const char *path)
{
    struct stat found;
    if (lstat(path, &found) == 0 && !S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode))
        return mn_fail(MN_BAD_OPTION,
                       "%s is no ordinary file and is not replaced; choose another name", path);
    MN_TRY(sync_opened(beside, 0));
    if (rename(beside, path) != 0)
        return mn_fail(errno == ENOSPC || errno == EDQUOT ? MN_DISK_FULL : MN_IO_FAILED,
                       "%s: cannot be written: %s", path, strerror(errno));
    return mn_folder_sync_above(path);
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
