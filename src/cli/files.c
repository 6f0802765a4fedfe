/* files.c -- paths and folders. */
#include "cli/files.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mn_status make_one(const char *path)
{
    struct stat found;
    if (mkdir(path, 0777) == 0)
        return MN_OK;
    if (errno == EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        return MN_OK;
    if (errno == EEXIST)
        return mn_fail(MN_BAD_OPTION, "'%s' is there and is no folder", path);
    return mn_fail(MN_IO_FAILED, "the folder '%s' cannot be made: %s", path, strerror(errno));
}

mn_status mn_folder_make(const char *path)
{
    char *part = mn_text("%s", path);
    mn_status status = MN_OK;
    for (char *slash = strchr(part + 1, '/'); slash != NULL && status == MN_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_one(part);
        *slash = '/';
    }
    if (status == MN_OK)
        status = make_one(part);
    free(part);
    return status;
}

mn_status mn_folder_make_above(const char *path)
{
    const char *base = mn_path_base(path);
    if (base == path || base == path + 1)
        return MN_OK;
    char *folder = mn_text("%.*s", (int)(base - path - 1), path);
    const mn_status status = mn_folder_make(folder);
    free(folder);
    return status;
}

bool mn_path_exists(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

const char *mn_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool mn_path_ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path), wanted = strlen(ending);
    return length >= wanted && strcmp(path + length - wanted, ending) == 0;
}
