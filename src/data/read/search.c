/* search.c -- where data are looked for, and what lies in a folder.
 *
 * Names are sorted by their bytes, never by the locale: their order decides which class is which.
 */
#include "data/read/search.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool mn_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

void mn_data_place(int i, const char *name, char path[MN_DATA_PATH])
{
    const char *given = getenv("MNEME_DATA"), *home = getenv("HOME");
    path[0] = '\0';
    if (i == 0 && given != NULL && given[0] != '\0')
        snprintf(path, MN_DATA_PATH, "%s/%s", given, name);
    else if (i == 1)
        snprintf(path, MN_DATA_PATH, "../shared/data/%s", name);
    else if (i == 2 && home != NULL && home[0] != '\0')
        snprintf(path, MN_DATA_PATH, "%s/.local/share/mneme/%s", home, name);
    else if (i == 3)
        snprintf(path, MN_DATA_PATH, "/usr/share/datasets/%s", name);
}

mn_status mn_data_find(const char *option, const char *folder, const char *given,
                       char path[MN_DATA_PATH])
{
    if (given[0] == '\0')
        return mn_fail(MN_BAD_OPTION, "%s: is empty; say where the data are", option);
    if (folder != NULL && folder[0] != '\0' && given[0] != '/') {
        if (snprintf(path, MN_DATA_PATH, "%s/%s", folder, given) < MN_DATA_PATH &&
            access(path, F_OK) == 0)
            return MN_OK;
        return mn_fail(MN_NOT_FOUND, "%s: there is no %s in %s", option, given, folder);
    }
    char looked[1024] = ".";
    size_t used = 1;
    if (snprintf(path, MN_DATA_PATH, "%s", given) < MN_DATA_PATH && access(path, F_OK) == 0)
        return MN_OK;
    for (int i = 0; i < MN_DATA_PLACES && given[0] != '/'; i++) {
        char place[MN_DATA_PATH];
        mn_data_place(i, "", place);
        mn_data_place(i, given, path);
        if (path[0] != '\0' && access(path, F_OK) == 0)
            return MN_OK;
        if (path[0] != '\0' && used < sizeof looked)
            used += (size_t)snprintf(looked + used, sizeof looked - used, ", %.*s",
                                     (int)strlen(place) - 1, place);
    }
    if (given[0] == '/')
        return mn_fail(MN_NOT_FOUND, "%s: there is no %s", option, given);
    return mn_fail(MN_NOT_FOUND, "%s: there is no %s in any of %s", option, given, looked);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static mn_status add_name(mn_names *names, int64_t *capacity, const char *name)
{
    if (names->count == *capacity) {
        *capacity = *capacity > 0 ? 2 * *capacity : 64;
        char **larger = mn_memory_resize(names->name, (size_t)*capacity, sizeof *larger);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for the names in a folder");
        names->name = larger;
    }
    names->name[names->count] = mn_text_copy(name);
    return names->name[names->count++] != NULL ? MN_OK
                                               : mn_fail(MN_NO_MEMORY, "out of memory for a name");
}

static mn_status open_folder(const char *path, DIR **folder)
{
    *folder = opendir(path);
    return *folder != NULL ? MN_OK
                           : mn_fail(errno == ENOENT ? MN_NOT_FOUND : MN_IO_FAILED, "%s: %s", path,
                                     strerror(errno));
}

/* Sorts what was found, or gives it back. */
static mn_status end_names(mn_names *names, mn_status status)
{
    if (status != MN_OK)
        mn_names_free(names);
    else if (names->count > 1)
        qsort(names->name, (size_t)names->count, sizeof *names->name, by_bytes);
    return status;
}

mn_status mn_folder_names(const char *path, bool folders, mn_names *names)
{
    DIR *folder;
    *names = (mn_names){.count = 0};
    MN_TRY(open_folder(path, &folder));
    int64_t capacity = 0;
    mn_status status = MN_OK;
    for (const struct dirent *entry; status == MN_OK && (entry = readdir(folder)) != NULL;) {
        char inner[MN_DATA_PATH + 256];
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && mn_is_folder(inner) == folders)
            status = add_name(names, &capacity, entry->d_name);
    }
    closedir(folder);
    return end_names(names, status);
}

/* Adds the files in path/within, which is "" or ends in a slash. */
static mn_status add_files(const char *path, const char *within, int depth, mn_names *names,
                           int64_t *capacity)
{
    enum { DEEPEST = 16 };
    char inner[2 * MN_DATA_PATH];
    DIR *folder;
    snprintf(inner, sizeof inner, "%s/%s", path, within);
    if (depth > DEEPEST)
        return mn_fail(MN_BAD_OPTION,
                       "%s: lies more than %d folders deep; does a link go round in a circle?",
                       inner, DEEPEST);
    MN_TRY(open_folder(inner, &folder));
    mn_status status = MN_OK;
    for (const struct dirent *entry; status == MN_OK && (entry = readdir(folder)) != NULL;) {
        char next[MN_DATA_PATH];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s%s", path, within, entry->d_name);
        const bool deeper = mn_is_folder(inner);
        if (snprintf(next, sizeof next, "%s%s%s", within, entry->d_name, deeper ? "/" : "") >=
            (int)sizeof next)
            status = mn_fail(MN_BAD_OPTION, "%.200s...: the path is too long", inner);
        else
            status = deeper ? add_files(path, next, depth + 1, names, capacity)
                            : add_name(names, capacity, next);
    }
    closedir(folder);
    return status;
}

mn_status mn_folder_files(const char *path, mn_names *names)
{
    int64_t capacity = 0;
    *names = (mn_names){.count = 0};
    return end_names(names, add_files(path, "", 0, names, &capacity));
}

void mn_names_free(mn_names *names)
{
    for (int64_t i = 0; i < names->count; i++)
        mn_memory_give(names->name[i]);
    mn_memory_give(names->name);
    *names = (mn_names){.count = 0};
}
