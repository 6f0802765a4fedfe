/* paths.c -- the run files that a user means by files and folders. */
#include "results/paths.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <mneme/memory.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Takes over the path; NULL: there was no memory for it. */
static mn_status add_path(mn_paths *paths, char *path)
{
    char **larger = mn_memory_resize(paths->path, (size_t)(paths->count + 1), sizeof *paths->path);
    if (larger != NULL)
        paths->path = larger;
    if (larger == NULL || path == NULL) {
        mn_memory_give(path);
        return mn_fail(MN_NO_MEMORY, "out of memory for the paths of run files");
    }
    paths->path[paths->count++] = path;
    return MN_OK;
}

static bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool is_run_file(const char *name)
{
    static const char ending[] = ".mneme";
    const size_t length = strlen(name), wanted = strlen(ending);
    return length >= wanted && strcmp(name + length - wanted, ending) == 0;
}

/* Seed 2 before seed 10. */
static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static mn_status add_run_files(mn_paths *paths, const char *folder, DIR *directory)
{
    const size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (!is_run_file(entry->d_name))
            continue;
        MN_TRY(add_path(paths, mn_text_format("%s%s%s", folder, slash, entry->d_name)));
    }
    return MN_OK;
}

/* The run files of one folder, or (`deeper`) of the folders in it. */
static mn_status read_folder(mn_paths *paths, const char *folder, bool deeper)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return mn_fail(MN_IO_FAILED, "%s cannot be read: %s", folder, strerror(errno));
    mn_status status = MN_OK;
    if (!deeper)
        status = add_run_files(paths, folder, directory);
    for (const struct dirent *entry;
         deeper && status == MN_OK && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *below = mn_text_format("%s/%s", folder, entry->d_name);
        if (below == NULL)
            status = mn_fail(MN_NO_MEMORY, "out of memory for the paths of run files");
        else if (is_folder(below))
            status = read_folder(paths, below, false);
        mn_memory_give(below);
    }
    closedir(directory);
    return status;
}

/* A sweep leaves a folder for each arm: they are meant where there is no run file beside them. */
static mn_status add_folder(mn_paths *paths, const char *folder)
{
    const int64_t before = paths->count;
    MN_TRY(read_folder(paths, folder, false));
    if (paths->count == before)
        MN_TRY(read_folder(paths, folder, true));
    if (paths->count == before)
        return mn_fail(MN_NOT_FOUND,
                       "%s: no run file (*.mneme) is in this folder, nor in one below it", folder);
    qsort(paths->path + before, (size_t)(paths->count - before), sizeof *paths->path, by_name);
    return MN_OK;
}

mn_status mn_paths_read(const char *const *given, int64_t count, mn_paths *paths)
{
    *paths = (mn_paths){.path = NULL};
    for (int64_t i = 0; i < count; i++)
        MN_TRY(is_folder(given[i]) ? add_folder(paths, given[i])
                                   : add_path(paths, mn_text_copy(given[i])));
    return MN_OK;
}

void mn_paths_free(mn_paths *paths)
{
    for (int64_t i = 0; i < paths->count; i++)
        mn_memory_give(paths->path[i]);
    mn_memory_give(paths->path);
    *paths = (mn_paths){.path = NULL};
}
