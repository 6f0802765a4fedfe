/* locations.c -- where the files lie that a configuration names.
 *
 * A run file is resumed from anywhere, and a benchmark brings its data along.  So a path in a
 * benchmark is tried beside the benchmark's file first; what is found there, or from the current
 * folder, is kept as an absolute path.  What is found in neither is left to the reader's search. */
#include "experiment/locations.h"
#include "base/options.h"
#include "base/text.h"
#include "experiment/sections.h"

#include <mneme/memory.h>
#include <string.h>
#include <unistd.h>

/* The keys whose values are paths. */
static const struct {
    const char *section, *option;
} keys[] = {{"dataset", "path"},     {"dataset", "packed"}, {"features", "init"},
            {"features", "cache"},   {"train", "init"},     {"train", "teacher"},
            {"train", "data_folder"}};
enum { KEYS = sizeof keys / sizeof keys[0], MOST_BYTES = 4096 };

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for a path");
}

/* FOLDER/PATH from the root on, if there is something; else NULL. */
static mn_status found_in(const char *folder, const char *path, char **absolute)
{
    char here[MOST_BYTES] = "";
    *absolute = NULL;
    if (path == NULL || path[0] == '\0' || path[0] == '/' ||
        (folder[0] != '/' && getcwd(here, sizeof here) == NULL))
        return MN_OK;
    char *tried = mn_text_format("%s%s%s%s%s", here, here[0] != '\0' ? "/" : "", folder,
                                 folder[0] != '\0' ? "/" : "", path);
    if (tried == NULL)
        return no_memory();
    if (access(tried, F_OK) == 0)
        *absolute = tried;
    else
        mn_memory_give(tried);
    return MN_OK;
}

static mn_status move_item(cJSON *item, const char *folder)
{
    char *absolute;
    if (!cJSON_IsString(item))
        return MN_OK;
    MN_TRY(found_in(folder, item->valuestring, &absolute));
    const bool failed = absolute != NULL && cJSON_SetValuestring(item, absolute) == NULL;
    mn_memory_give(absolute);
    return failed ? no_memory() : MN_OK;
}

static mn_status move_beside(cJSON *object, const char *key, const char *folder)
{
    return move_item(cJSON_GetObjectItemCaseSensitive(object, key), folder);
}

/* "init" and "train.init" of "set" in a recipe. */
static mn_status move_recipes(const cJSON *benchmark, const char *section, const char *option,
                              const char *folder)
{
    const cJSON *recipe, *recipes = cJSON_GetObjectItemCaseSensitive(benchmark, "recipes");
    char *whole = mn_text_format("%s.%s", section, option);
    mn_status status = whole != NULL ? MN_OK : no_memory();
    cJSON_ArrayForEach(recipe, recipes)
    {
        cJSON *set = cJSON_GetObjectItemCaseSensitive(recipe, "set");
        if (status == MN_OK)
            status = move_beside(set, whole, folder);
        if (status == MN_OK && strcmp(section, "train") == 0)
            status = move_beside(set, option, folder);
    }
    mn_memory_give(whole);
    return status;
}

static mn_status move_all(cJSON *benchmark, const char *folder)
{
    cJSON *plugin, *plugins = cJSON_GetObjectItemCaseSensitive(benchmark, "plugins");
    cJSON_ArrayForEach(plugin, plugins) MN_TRY(move_item(plugin, folder));
    for (int i = 0; i < KEYS; i++) {
        MN_TRY(move_beside(cJSON_GetObjectItemCaseSensitive(benchmark, keys[i].section),
                           keys[i].option, folder));
        MN_TRY(move_recipes(benchmark, keys[i].section, keys[i].option, folder));
    }
    return MN_OK;
}

mn_status mn_locations_beside(cJSON *benchmark, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder = mn_text_copy_of(file, slash != NULL ? (size_t)(slash - file) : 0);
    if (folder == NULL)
        return no_memory();
    const mn_status status = slash == file ? move_all(benchmark, "/") : move_all(benchmark, folder);
    mn_memory_give(folder);
    return status;
}

mn_status mn_location_found(const char *path, char **absolute)
{
    return found_in("", path, absolute);
}

static mn_status resolve(mn_experiment *experiment, const char *key, const char *value)
{
    char *absolute;
    MN_TRY(found_in("", value, &absolute));
    const mn_status status =
        absolute != NULL ? mn_section_assign(experiment, key, absolute) : MN_OK;
    mn_memory_give(absolute);
    return status;
}

static mn_status resolve_data(mn_experiment *experiment, const char *name, const char *key)
{
    const mn_section *data = &experiment->section[MN_SECTION_DATASET];
    const mn_option *path = mn_option_find(data->table, name);
    const char *value = NULL;
    if (path == NULL || path->type != MN_OPTION_TEXT)
        return MN_OK;
    memcpy(&value, (const char *)data->values + path->offset, sizeof value);
    return resolve(experiment, key, value);
}

mn_status mn_locations_resolve(mn_experiment *experiment)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    const mn_features_settings *features = experiment->section[MN_SECTION_FEATURES].values;
    MN_TRY(resolve(experiment, "features.init", features->init));
    MN_TRY(resolve(experiment, "features.cache", features->cache));
    MN_TRY(resolve(experiment, "init", run->init));
    MN_TRY(resolve(experiment, "data_folder", run->data_folder));
    MN_TRY(resolve_data(experiment, "path", "dataset.path"));
    return resolve_data(experiment, "packed", "dataset.packed");
}
