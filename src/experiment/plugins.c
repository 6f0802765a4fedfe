/* plugins.c -- where a configuration may name a descriptor it may also give the path of a plugin.
 *
 * The configuration keeps the name, and beside it the absolute paths of all plugins, so that a run
 * is resumed from any folder, and fails with the path when a plugin is gone. */
#include "experiment/plugins.h"
#include "base/registry.h"
#include "base/text.h"

#include <mneme/memory.h>
#include <string.h>

mn_status mn_plugin_named(mn_kind kind, const char **name)
{
    const size_t length = strlen(*name);
    if (strchr(*name, '/') == NULL && (length < 4 || strcmp(*name + length - 3, ".so") != 0))
        return MN_OK;
    mn_kind brought;
    const mn_descriptor *descriptor;
    MN_TRY(mn_plugin_open(*name, &brought, &descriptor));
    if (brought != kind)
        return mn_fail(MN_BAD_OPTION, "%s: '%s' is a %s; a %s is needed here", *name,
                       descriptor->name, mn_kind_name(brought, false), mn_kind_name(kind, false));
    *name = descriptor->name;
    return MN_OK;
}

/* The i-th thing of an experiment that a plugin may have brought; NULL past the last. */
static const char *brought(const mn_experiment *experiment, int i, mn_kind *kind)
{
    const int n = experiment->strategy_count;
    *kind = MN_KIND_STRATEGY;
    if (i < n)
        return experiment->strategy[i]->name;
    switch (i - n) {
    case 0: *kind = MN_KIND_DATASET; return experiment->section[MN_SECTION_DATASET].type;
    case 1: *kind = MN_KIND_NETWORK; return experiment->section[MN_SECTION_NETWORK].type;
    case 2: *kind = MN_KIND_POLICY; return mn_experiment_settings(experiment)->buffer_policy;
    default: return NULL;
    }
}

bool mn_plugin_used(const mn_experiment *experiment, int i, mn_kind *kind, const char **name,
                    const char **path)
{
    *name = brought(experiment, i, kind);
    *path = *name != NULL ? mn_plugin_path(*kind, *name) : NULL;
    return *name != NULL;
}

cJSON *mn_plugins_used(const mn_experiment *experiment)
{
    cJSON *paths = cJSON_CreateArray();
    mn_kind kind;
    const char *name, *path;
    for (int i = 0; mn_plugin_used(experiment, i, &kind, &name, &path); i++) {
        cJSON *text = path != NULL ? cJSON_CreateString(path) : NULL;
        if (path == NULL || cJSON_AddItemToArray(paths, text))
            continue;
        cJSON_Delete(text);
        cJSON_Delete(paths);
        return NULL;
    }
    return paths;
}

mn_status mn_plugins_load(const cJSON *paths)
{
    const cJSON *path;
    if (paths != NULL && !cJSON_IsArray(paths))
        return mn_fail(MN_BAD_OPTION, "plugins: expected a list of paths");
    cJSON_ArrayForEach(path, paths)
    {
        const char *name;
        if (!cJSON_IsString(path))
            return mn_fail(MN_BAD_OPTION, "plugins: expected a list of paths");
        const mn_status status = mn_plugin_load(path->valuestring, &name);
        if (status != MN_OK)
            return mn_fail_in(status, "plugins");
    }
    return MN_OK;
}

char *mn_plugins_made_of(const mn_experiment *experiment)
{
    mn_kind kind;
    const char *name, *path;
    char *text = mn_text_copy("");
    for (int i = 0; text != NULL && mn_plugin_used(experiment, i, &kind, &name, &path); i++) {
        if (path == NULL)
            continue;
        char *longer = mn_text_format("%s%s%s %s", text, text[0] != '\0' ? ", " : "", name,
                                      mn_plugin_digest(kind, name));
        mn_memory_give(text);
        text = longer;
    }
    if (text != NULL && text[0] == '\0') {
        mn_memory_give(text);
        text = mn_text_copy("none");
    }
    return text;
}

/* What a run that began before digests were kept was made of is not known, and taken for equal. */
static mn_status check_builds(const mn_experiment *experiment)
{
    const cJSON *made = cJSON_GetObjectItemCaseSensitive(experiment->source, MN_MADE);
    const cJSON *then = cJSON_GetObjectItemCaseSensitive(made, "plugins");
    if (!cJSON_IsString(then))
        return MN_OK;
    char *now = mn_plugins_made_of(experiment);
    mn_status status = now != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for plugins");
    if (now != NULL && strcmp(now, then->valuestring) != 0)
        status = mn_fail(MN_UNSUPPORTED,
                         "the run began with another build of a plugin (%s; now %s); put the old "
                         "one back, or start the run again",
                         then->valuestring, now);
    mn_memory_give(now);
    return status;
}

static bool is_listed(const cJSON *paths, const char *wanted)
{
    const cJSON *path;
    cJSON_ArrayForEach(path, paths)
    {
        if (strcmp(path->valuestring, wanted) == 0)
            return true;
    }
    return false;
}

mn_status mn_plugins_check(const mn_experiment *experiment)
{
    const cJSON *paths = cJSON_GetObjectItemCaseSensitive(experiment->source, "plugins");
    mn_kind kind;
    const char *name, *path;
    for (int i = 0; mn_plugin_used(experiment, i, &kind, &name, &path); i++)
        if (path != NULL && !is_listed(paths, path))
            return mn_fail(MN_UNSUPPORTED,
                           "the run began with the built-in '%s', which this process replaced by "
                           "%s; resume it in another process",
                           name, path);
    return check_builds(experiment);
}
