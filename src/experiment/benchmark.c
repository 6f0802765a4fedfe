/* benchmark.c -- finding benchmarks: one JSON file each, by name or by path. */
#include "experiment/benchmark.h"
#include "base/names.h"
#include "base/options.h"

#include <dirent.h>
#include <limits.h>
#include <mneme/experiment.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BENCHMARKS = 256, PATH_BYTES = 4096 };

/* Where benchmarks are looked for, first match wins. */
static const char *folder(int i)
{
    switch (i) {
    case 0: {
        const char *chosen = getenv("MNEME_BENCHMARKS");
        return chosen != NULL && chosen[0] != '\0' ? chosen : "";
    }
    case 1: return MN_DATADIR "/mneme/benchmarks";
    case 2: return "benchmarks";
    default: return NULL;
    }
}

typedef struct listing {
    const char *name[MOST_BENCHMARKS + 1];
    const char *path[MOST_BENCHMARKS];
    const char *summary[MOST_BENCHMARKS];
    int count;
} listing;

static int position(const listing *found, const char *name)
{
    int at = 0;
    while (at < found->count && strcmp(found->name[at], name) < 0)
        at++;
    return at;
}

static void add_benchmark(listing *found, const char *name, const char *path)
{
    const int at = position(found, name);
    if (found->count == MOST_BENCHMARKS ||
        (at < found->count && strcmp(found->name[at], name) == 0))
        return;
    cJSON *json = NULL;
    const cJSON *summary = NULL;
    if (mn_json_read(path, &json) == MN_OK)
        summary = cJSON_GetObjectItemCaseSensitive(json, "summary");
    const size_t after = (size_t)(found->count - at);
    memmove(found->name + at + 1, found->name + at, after * sizeof found->name[0]);
    memmove(found->path + at + 1, found->path + at, after * sizeof found->path[0]);
    memmove(found->summary + at + 1, found->summary + at, after * sizeof found->summary[0]);
    found->name[at] = mn_intern(name);
    found->path[at] = mn_intern(path);
    found->summary[at] = cJSON_IsString(summary) ? mn_intern(summary->valuestring) : "";
    found->count++;
    cJSON_Delete(json);
}

static void scan(listing *found, const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char name[NAME_MAX + 1], file[PATH_BYTES];
        const size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".json") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(length - 5), entry->d_name);
        if (snprintf(file, sizeof file, "%s/%s", path, entry->d_name) < (int)sizeof file)
            add_benchmark(found, name, file);
    }
    closedir(directory);
}

static const listing *all(void)
{
    static _Thread_local listing found;
    static _Thread_local bool scanned;
    if (!scanned) {
        for (int i = 0; folder(i) != NULL; i++)
            if (folder(i)[0] != '\0')
                scan(&found, folder(i));
        scanned = true;
    }
    return &found;
}

const char *mn_benchmark(int i, const char **summary)
{
    const listing *found = all();
    if (i < 0 || i >= found->count)
        return NULL;
    if (summary != NULL)
        *summary = found->summary[i];
    return found->name[i];
}

static mn_status find(const char *name, const char **path)
{
    const size_t length = strlen(name);
    if (strchr(name, '/') != NULL || (length > 5 && strcmp(name + length - 5, ".json") == 0)) {
        *path = name;
        return MN_OK;
    }
    const listing *found = all();
    const int at = position(found, name);
    if (at < found->count && strcmp(found->name[at], name) == 0) {
        *path = found->path[at];
        return MN_OK;
    }
    const char *nearest = mn_nearest(name, found->name);
    if (nearest != NULL)
        return mn_fail(MN_NOT_FOUND, "no benchmark is called '%s'; did you mean '%s'?", name,
                       nearest);
    return mn_fail(MN_NOT_FOUND,
                   "no benchmark is called '%s'; 'mneme list benchmarks' shows them, and the path "
                   "of a JSON file works too",
                   name);
}

mn_status mn_benchmark_read(const char *name_or_path, cJSON **json)
{
    const char *path;
    MN_TRY(find(name_or_path, &path));
    MN_TRY(mn_json_read(path, json));
    if (cJSON_IsObject(*json))
        return MN_OK;
    cJSON_Delete(*json);
    return mn_fail(MN_BAD_OPTION, "%s: expected a JSON object that describes a benchmark", path);
}

mn_status mn_benchmark_json(const char *name_or_path, char **json)
{
    const char *path;
    MN_TRY(find(name_or_path, &path));
    return mn_file_read(path, json, NULL);
}
