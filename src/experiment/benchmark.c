/* benchmark.c -- finding benchmarks: one JSON file each, by name or by path. */
#include "experiment/benchmark.h"
#include "base/file.h"
#include "base/names.h"
#include "base/options.h"
#include "base/text.h"
#include "experiment/locations.h"

#include <dirent.h>
#include <mneme/experiment.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct benchmark {
    char *name, *summary;
} benchmark;

struct mn_benchmarks {
    benchmark *list; /* in order of name */
    int count, capacity;
};

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the list of benchmarks");
}

/* The checkout's, for a program in a build folder within it that nobody installed; "" for another.
 */
static const char *of_checkout(void)
{
    static const char built[] = "/src/cli/mneme";
    static char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "/../benchmarks");
    const ssize_t end = length - (ssize_t)(sizeof built - 1);
    if (end < 0 || memcmp(path + end, built, sizeof built - 1) != 0)
        return "";
    strcpy(path + end, "/../benchmarks");
    return path;
}

/* Where benchmarks are looked for, first match wins; "" is passed over, NULL ends the list. */
static const char *folder(int i)
{
    switch (i) {
    case 0: {
        const char *chosen = getenv("MNEME_BENCHMARKS");
        return chosen != NULL ? chosen : "";
    }
    case 1: return of_checkout();
    case 2: return MN_DATADIR "/mneme/benchmarks";
    case 3: return "benchmarks";
    default: return NULL;
    }
}

static const char ending[] = ".json";

/* FOLDER/NAME.json; the caller frees. */
static mn_status path_of(const char *folder, const char *name, char **path)
{
    const size_t bytes = strlen(folder) + 1 + strlen(name) + sizeof ending;
    *path = mn_memory_take(bytes, 1);
    if (*path == NULL)
        return no_memory();
    snprintf(*path, bytes, "%s/%s%s", folder, name, ending);
    return MN_OK;
}

static bool is_file(const char *name)
{
    const size_t length = strlen(name), end = sizeof ending - 1;
    return length > end && strcmp(name + length - end, ending) == 0;
}

/* --- the list --- */

static int position(const mn_benchmarks *found, const char *name)
{
    int at = 0;
    while (at < found->count && strcmp(found->list[at].name, name) < 0)
        at++;
    return at;
}

static mn_status insert(mn_benchmarks *found, const char *name, const char *summary)
{
    const int at = position(found, name);
    if (at < found->count && strcmp(found->list[at].name, name) == 0)
        return MN_OK;
    if (found->count == found->capacity) {
        const int capacity = 2 * found->capacity + 32;
        benchmark *larger = mn_memory_resize(found->list, (size_t)capacity, sizeof *larger);
        if (larger == NULL)
            return no_memory();
        found->list = larger;
        found->capacity = capacity;
    }
    benchmark added = {mn_text_copy(name), mn_text_copy(summary)};
    if (added.name == NULL || added.summary == NULL) {
        mn_memory_give(added.name);
        mn_memory_give(added.summary);
        return no_memory();
    }
    memmove(found->list + at + 1, found->list + at,
            (size_t)(found->count - at) * sizeof *found->list);
    found->list[at] = added;
    found->count++;
    return MN_OK;
}

/* A file that is no JSON is listed too: who runs it is told why it cannot be read. */
static mn_status add_file(mn_benchmarks *found, const char *folder, const char *file)
{
    char *path, *name = mn_text_copy_of(file, strlen(file) - (sizeof ending - 1));
    cJSON *json = NULL;
    if (name == NULL)
        return no_memory();
    mn_status status = path_of(folder, name, &path);
    if (status == MN_OK) {
        status = mn_json_read(path, &json);
        mn_memory_give(path);
        if (status != MN_NO_MEMORY) {
            const cJSON *summary = cJSON_GetObjectItemCaseSensitive(json, "summary");
            status = insert(found, name, cJSON_IsString(summary) ? summary->valuestring : "");
        }
    }
    cJSON_Delete(json);
    mn_memory_give(name);
    return status;
}

static mn_status scan(mn_benchmarks *found, const char *path)
{
    DIR *directory = opendir(path);
    mn_status status = MN_OK;
    if (directory == NULL)
        return MN_OK;
    for (const struct dirent *entry; status == MN_OK && (entry = readdir(directory)) != NULL;)
        if (is_file(entry->d_name))
            status = add_file(found, path, entry->d_name);
    closedir(directory);
    return status;
}

mn_status mn_benchmarks_new(mn_benchmarks **found)
{
    mn_status status = MN_OK;
    *found = mn_memory_take_zeroed(1, sizeof **found);
    if (*found == NULL)
        return no_memory();
    const char *path;
    for (int i = 0; status == MN_OK && (path = folder(i)) != NULL; i++)
        if (path[0] != '\0')
            status = scan(*found, path);
    if (status != MN_OK) {
        mn_benchmarks_free(*found);
        *found = NULL;
    }
    return status;
}

void mn_benchmarks_free(mn_benchmarks *found)
{
    if (found == NULL)
        return;
    for (int i = 0; i < found->count; i++) {
        mn_memory_give(found->list[i].name);
        mn_memory_give(found->list[i].summary);
    }
    mn_memory_give(found->list);
    mn_memory_give(found);
}

const char *mn_benchmark(const mn_benchmarks *found, int i, const char **summary)
{
    if (i < 0 || i >= found->count)
        return NULL;
    if (summary != NULL)
        *summary = found->list[i].summary;
    return found->list[i].name;
}

/* --- one of them --- */

static mn_status unknown(const char *name)
{
    mn_benchmarks *found;
    MN_TRY(mn_benchmarks_new(&found));
    const char **names = mn_memory_take_zeroed((size_t)found->count + 1, sizeof *names);
    const char *nearest = NULL;
    for (int i = 0; names != NULL && i < found->count; i++)
        names[i] = found->list[i].name;
    if (names != NULL)
        nearest = mn_nearest(name, names);
    const mn_status status =
        nearest != NULL
            ? mn_fail(MN_NOT_FOUND, "no benchmark is called '%s'; did you mean '%s'?", name,
                      nearest)
            : mn_fail(MN_NOT_FOUND,
                      "no benchmark is called '%s'; 'mneme list benchmarks' shows them, and the "
                      "path of a JSON file works too",
                      name);
    mn_memory_give(names);
    mn_benchmarks_free(found);
    return status;
}

/* The path of a benchmark's file; the caller frees. */
static mn_status find(const char *name, char **path)
{
    if (strchr(name, '/') != NULL || is_file(name)) {
        *path = mn_text_copy(name);
        return *path != NULL ? MN_OK : no_memory();
    }
    const char *place;
    for (int i = 0; (place = folder(i)) != NULL; i++) {
        if (place[0] == '\0')
            continue;
        MN_TRY(path_of(place, name, path));
        if (access(*path, F_OK) == 0)
            return MN_OK;
        mn_memory_give(*path);
    }
    return unknown(name);
}

static mn_status read_object(const char *path, cJSON **json)
{
    MN_TRY(mn_json_read(path, json));
    if (cJSON_IsObject(*json))
        return MN_OK;
    cJSON_Delete(*json);
    return mn_fail(MN_BAD_OPTION, "%s: expected a JSON object that describes a benchmark", path);
}

mn_status mn_benchmark_read(const char *name_or_path, cJSON **json)
{
    char *path;
    MN_TRY(find(name_or_path, &path));
    mn_status status = read_object(path, json);
    if (status == MN_OK && (status = mn_locations_beside(*json, path)) != MN_OK)
        cJSON_Delete(*json);
    mn_memory_give(path);
    return status;
}

mn_status mn_benchmark_json(const char *name_or_path, char **json)
{
    char *path;
    MN_TRY(find(name_or_path, &path));
    const mn_status status = mn_file_read(path, json, NULL);
    mn_memory_give(path);
    return status;
}
