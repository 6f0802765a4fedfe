/* manifest.c -- reading a study's manifest.
 *
 * Everything is checked before the first arm starts: a misspelt expectation that is found after a
 * night of training would be found too late. */
#include "cli/study/manifest.h"
#include "base/json.h"
#include "base/names.h"
#include "base/options.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/metric.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SEEDS = 10000, WHERE_BYTES = 512 };

static mn_status need_text(const cJSON *object, const char *where, const char *name,
                           const char **value)
{
    *value = NULL;
    MN_TRY(mn_json_text(object, where, name, value));
    return *value != NULL ? MN_OK : mn_fail(MN_BAD_OPTION, "%s has no '%s'", where, name);
}

/* A value that can be no option's is refused here, not after the arms before it were run. */
static mn_status read_set(const cJSON *object, const char *where, const cJSON **set)
{
    *set = cJSON_GetObjectItemCaseSensitive(object, "set");
    if (*set != NULL && !cJSON_IsObject(*set))
        return mn_fail(MN_BAD_OPTION, "%s: 'set' should be an object, {\"epochs\": 5}", where);
    const cJSON *setting;
    cJSON_ArrayForEach(setting, *set)
    {
        char *text;
        const mn_status status = mn_option_text(setting, "set", setting->string, &text);
        if (status != MN_OK)
            return mn_fail_in(status, "%s", where);
        mn_memory_give(text);
    }
    return MN_OK;
}

/* --- arms --- */

static bool has_name(const mn_arm *arm, const char *benchmark, const char *name)
{
    return strcmp(arm->benchmark, benchmark) == 0 && strcmp(arm->name, name) == 0;
}

/* Without a name of its own an arm is called what its strategy is.  Its folder follows from that
 * alone, so that it stays what it is when other arms are written before it. */
static mn_status name_arm(const mn_manifest *manifest, int index, const char *where)
{
    mn_arm *arm = &manifest->arm[index];
    if (arm->name == NULL)
        arm->name = arm->strategy;
    else if (arm->name[0] == '\0' || strpbrk(arm->name, "/,") != NULL)
        return mn_fail(MN_BAD_OPTION, "%s: name: '%s' should be a word without '/' and ','", where,
                       arm->name);
    arm->folder = mn_text("%s-%s", mn_path_base(arm->benchmark), mn_path_base(arm->name));
    for (int i = 0; i < index; i++)
        if (strcmp(manifest->arm[i].folder, arm->folder) == 0)
            return mn_fail(
                MN_BAD_OPTION,
                "%s: its runs would be in the folder of arms[%d], %s of %s; give one of them "
                "another 'name'",
                where, i, manifest->arm[i].name, manifest->arm[i].benchmark);
    return MN_OK;
}

static mn_status read_arm(const cJSON *json, const char *where, int64_t seeds, mn_arm *arm)
{
    static const char *const known[] = {"benchmark", "strategy", "name", "seeds",
                                        "set",       "expect",   "note", NULL};
    *arm = (mn_arm){.seeds = seeds, .chosen = true};
    MN_TRY(mn_json_known(json, where, known));
    MN_TRY(need_text(json, where, "benchmark", &arm->benchmark));
    MN_TRY(need_text(json, where, "strategy", &arm->strategy));
    MN_TRY(mn_json_text(json, where, "name", &arm->name));
    MN_TRY(mn_json_int(json, where, "seeds", 1, MOST_SEEDS, &arm->seeds));
    return read_set(json, where, &arm->set);
}

/* --- expectations --- */

/* "; did you mean 'er-20'?", of a benchmark or (NULL) of all; "": nothing is near. */
static const char *nearest_arm(const mn_manifest *manifest, const char *benchmark, const char *name,
                               char hint[128])
{
    const char **names =
        mn_or_die(mn_memory_take_zeroed((size_t)manifest->count + 1, sizeof *names));
    int count = 0;
    for (int i = 0; i < manifest->count; i++)
        if (benchmark == NULL || strcmp(manifest->arm[i].benchmark, benchmark) == 0)
            names[count++] = manifest->arm[i].name;
    const char *nearest = mn_nearest(name, names);
    hint[0] = '\0';
    if (nearest != NULL)
        snprintf(hint, 128, "; did you mean '%.80s'?", nearest);
    mn_memory_give(names);
    return hint;
}

static mn_status find_other(const mn_manifest *manifest, int index, const char *where,
                            const char *name, int *place)
{
    const char *benchmark = manifest->arm[index].benchmark;
    for (int i = 0; i < manifest->count; i++)
        if (has_name(&manifest->arm[i], benchmark, name)) {
            *place = i;
            return i != index
                       ? MN_OK
                       : mn_fail(MN_BAD_OPTION, "%s: minus: '%s' is this arm itself", where, name);
        }
    char hint[128];
    return mn_fail(MN_BAD_OPTION, "%s: minus: no arm of %s is called '%s'%s", where, benchmark,
                   name, nearest_arm(manifest, benchmark, name, hint));
}

/* The place of a source among the manifest's; it is added where it is new. */
static int place_of_source(mn_manifest *manifest, const char *source)
{
    for (int i = 0; i < manifest->sources; i++)
        if (strcmp(manifest->source[i], source) == 0)
            return i + 1;
    manifest->source = mn_or_die(mn_memory_resize(manifest->source, (size_t)manifest->sources + 1,
                                                  sizeof *manifest->source));
    manifest->source[manifest->sources++] = source;
    return manifest->sources;
}

/* Where a range comes from: the expectation's own word, or the study's for all that have none. */
static mn_status read_source(const cJSON *json, const char *where, mn_manifest *manifest,
                             mn_expectation *expected)
{
    const char *source = NULL;
    MN_TRY(mn_json_text(manifest->json, where, "source", &source));
    MN_TRY(mn_json_text(json, where, "source", &source));
    if (source != NULL && (isfinite(expected->from) || isfinite(expected->to)))
        expected->source = place_of_source(manifest, source);
    return MN_OK;
}

static mn_status read_expectation(const cJSON *json, const char *where, mn_manifest *manifest,
                                  int index, mn_expectation *expected)
{
    static const char *const known[] = {"metric", "scope", "minus", "from", "to", "source", NULL};
    const char *scope = NULL, *minus = NULL;
    *expected = (mn_expectation){
        .metric = "average_accuracy", .minus = -1, .from = -HUGE_VAL, .to = HUGE_VAL};
    MN_TRY(mn_json_known(json, where, known));
    MN_TRY(mn_json_text(json, where, "metric", &expected->metric));
    MN_TRY(mn_json_text(json, where, "scope", &scope));
    MN_TRY(mn_json_text(json, where, "minus", &minus));
    MN_TRY(mn_json_real(json, where, "from", -HUGE_VAL, HUGE_VAL, &expected->from));
    MN_TRY(mn_json_real(json, where, "to", -HUGE_VAL, HUGE_VAL, &expected->to));
    if (expected->from > expected->to)
        return mn_fail(MN_BAD_OPTION, "%s: from %g to %g is no range; turn them round", where,
                       expected->from, expected->to);
    MN_TRY(read_source(json, where, manifest, expected));
    MN_TRY(mn_metric_check(where, expected->metric));
    MN_TRY(mn_scope_find(where, scope, &expected->scope));
    return minus != NULL ? find_other(manifest, index, where, minus, &expected->minus) : MN_OK;
}

static mn_status read_expectations(const cJSON *arm, const char *arm_where, mn_manifest *manifest,
                                   int index)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(arm, "expect"), *item;
    mn_arm *of = &manifest->arm[index];
    if (list != NULL && !cJSON_IsArray(list))
        return mn_fail(MN_BAD_OPTION, "%s: 'expect' should be a list", arm_where);
    of->expect =
        mn_or_die(mn_memory_take_zeroed((size_t)cJSON_GetArraySize(list) + 1, sizeof *of->expect));
    cJSON_ArrayForEach(item, list)
    {
        char where[WHERE_BYTES + 32];
        snprintf(where, sizeof where, "%s: expect[%d]", arm_where, of->expectations);
        MN_TRY(read_expectation(item, where, manifest, index, &of->expect[of->expectations]));
        of->expectations++;
    }
    return MN_OK;
}

/* --- the whole --- */

static mn_status read_all(const char *path, mn_manifest *manifest)
{
    static const char *const known[] = {"name", "summary", "seeds",  "set",
                                        "arms", "notes",   "source", NULL};
    int64_t seeds = 1;
    MN_TRY(mn_json_known(manifest->json, path, known));
    MN_TRY(mn_json_text(manifest->json, path, "name", &manifest->name));
    MN_TRY(mn_json_int(manifest->json, path, "seeds", 1, MOST_SEEDS, &seeds));
    MN_TRY(read_set(manifest->json, path, &manifest->set));
    const cJSON *arms = cJSON_GetObjectItemCaseSensitive(manifest->json, "arms"), *arm;
    if (!cJSON_IsArray(arms))
        return mn_fail(MN_BAD_OPTION, "%s: 'arms' should list what to run", path);
    manifest->arm = mn_or_die(
        mn_memory_take_zeroed((size_t)cJSON_GetArraySize(arms) + 1, sizeof *manifest->arm));
    char where[WHERE_BYTES];
    cJSON_ArrayForEach(arm, arms)
    {
        const int index = manifest->count++;
        snprintf(where, sizeof where, "%s: arms[%d]", path, index);
        MN_TRY(read_arm(arm, where, seeds, &manifest->arm[index]));
        MN_TRY(name_arm(manifest, index, where));
    }
    int index = 0; /* expectations may name arms that come later */
    cJSON_ArrayForEach(arm, arms)
    {
        snprintf(where, sizeof where, "%s: arms[%d]", path, index);
        MN_TRY(read_expectations(arm, where, manifest, index++));
    }
    return MN_OK;
}

mn_status mn_manifest_read(const char *path, mn_manifest *manifest)
{
    *manifest = (mn_manifest){.json = NULL};
    MN_TRY(mn_json_read(path, &manifest->json));
    const mn_status status = read_all(path, manifest);
    if (status != MN_OK)
        mn_manifest_free(manifest);
    return status;
}

void mn_manifest_free(mn_manifest *manifest)
{
    for (int i = 0; i < manifest->count; i++) {
        mn_memory_give(manifest->arm[i].folder);
        mn_memory_give(manifest->arm[i].expect);
    }
    mn_memory_give(manifest->arm);
    mn_memory_give(manifest->source);
    cJSON_Delete(manifest->json);
    *manifest = (mn_manifest){.json = NULL};
}

char *mn_manifest_folder(const mn_manifest *manifest)
{
    char *name = mn_text("%s", manifest->name != NULL ? manifest->name : "sweep");
    mn_name_for_file(name);
    char *folder = mn_text("runs/%s", name);
    mn_memory_give(name);
    return folder;
}

mn_status mn_manifest_choose(mn_manifest *manifest, const char *names)
{
    for (int i = 0; i < manifest->count; i++)
        manifest->arm[i].chosen = false;
    char *copy = mn_text("%s", names), *rest = copy;
    char hint[128];
    mn_status status = MN_OK;
    for (char *name; status == MN_OK && (name = strsep(&rest, ",")) != NULL;) {
        bool found = false;
        for (int i = 0; i < manifest->count; i++)
            if (strcmp(manifest->arm[i].name, name) == 0)
                found = manifest->arm[i].chosen = true;
        if (!found)
            status = mn_fail(MN_BAD_OPTION, "--arms: no arm is called '%s'%s", name,
                             nearest_arm(manifest, NULL, name, hint));
    }
    mn_memory_give(copy);
    return status;
}
