/* files.c -- names of files. */
#include "cli/files.h"

#include <string.h>
#include <sys/stat.h>

bool mn_path_exists(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

bool mn_path_is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

bool mn_path_holds_something(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0 && (!S_ISREG(found.st_mode) || found.st_size > 0);
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
