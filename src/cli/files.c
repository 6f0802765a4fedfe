/* files.c -- paths and folders. */
#include "cli/files.h"
#include "cli/cli.h"

#include <dirent.h>
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

static void add_path(mn_paths *paths, const char *path)
{
    paths->path = mn_or_die(realloc(paths->path, (size_t)(paths->count + 1) * sizeof *paths->path));
    paths->path[paths->count++] = mn_text("%s", path);
}

static bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* Seed 2 before seed 10. */
static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static mn_status add_folder(mn_paths *paths, const char *folder)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return mn_fail(MN_IO_FAILED, "%s cannot be read: %s", folder, strerror(errno));
    const int before = paths->count;
    const size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (mn_path_ends_in(entry->d_name, ".mneme")) {
            char *path = mn_text("%s%s%s", folder, slash, entry->d_name);
            add_path(paths, path);
            free(path);
        }
    closedir(directory);
    if (paths->count == before)
        return mn_fail(MN_NOT_FOUND, "%s: no run file (*.mneme) is in this folder", folder);
    qsort(paths->path + before, (size_t)(paths->count - before), sizeof *paths->path, by_name);
    return MN_OK;
}

mn_status mn_paths_new(const char *const *given, int count, mn_paths *paths)
{
    *paths = (mn_paths){.path = NULL};
    for (int i = 0; i < count; i++)
        if (is_folder(given[i]))
            MN_TRY(add_folder(paths, given[i]));
        else
            add_path(paths, given[i]);
    return MN_OK;
}

void mn_paths_free(mn_paths *paths)
{
    for (int i = 0; i < paths->count; i++)
        free(paths->path[i]);
    free(paths->path);
    *paths = (mn_paths){.path = NULL};
}
