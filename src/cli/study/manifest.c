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
#include "cli/study/grid.h"

#include <limits.h>
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

/* A number of seeds, or a list of them; where there is neither, both stay what they are. */
static mn_status read_seeds(const cJSON *object, const char *where, int64_t *seeds,
                            const cJSON **list)
{
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(object, "seeds"), *one;
    if (!cJSON_IsArray(json)) {
        *list = json != NULL ? NULL : *list;
        return mn_json_int(object, where, "seeds", 1, MOST_SEEDS, seeds);
    }
    cJSON_ArrayForEach(one, json)
    {
        if (!cJSON_IsNumber(one) || one->valuedouble != floor(one->valuedouble) ||
            one->valuedouble < 0 || one->valuedouble > INT_MAX)
            return mn_fail(MN_BAD_OPTION, "%s: seeds: expected whole numbers from 0 to %d, [0, 1]",
                           where, INT_MAX);
        for (const cJSON *before = json->child; before != one; before = before->next)
            if (before->valueint == one->valueint)
                return mn_fail(MN_BAD_OPTION, "%s: seeds: %d is there twice; keep one", where,
                               one->valueint);
    }
    *seeds = cJSON_GetArraySize(json);
    *list = json;
    return *seeds >= 1 && *seeds <= MOST_SEEDS
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "%s: seeds: expected 1 to %d of them", where, MOST_SEEDS);
}

/* --- the choice --- */

static mn_status read_choice(const cJSON *study, const char *path, mn_choice *choice)
{
    static const char *const known[] = {"on", "held_out", "metric", "scope", "seeds", "then", NULL};
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(study, "choose");
    *choice = (mn_choice){
        .wanted = json != NULL, .held_out = 0.1, .metric = "average_accuracy", .scope = MN_SCOPES};
    if (json == NULL)
        return MN_OK;
    char where[WHERE_BYTES];
    const char *on = "validation", *then = "test", *scope = NULL;
    int64_t seeds = 0;
    snprintf(where, sizeof where, "%s: choose", path);
    MN_TRY(mn_json_known(json, where, known));
    MN_TRY(mn_json_text(json, where, "on", &on));
    MN_TRY(mn_json_text(json, where, "then", &then));
    MN_TRY(mn_json_text(json, where, "metric", &choice->metric));
    MN_TRY(mn_json_text(json, where, "scope", &scope));
    MN_TRY(mn_json_real(json, where, "held_out", 0.01, 0.9, &choice->held_out));
    MN_TRY(read_seeds(json, where, &seeds, &choice->seed));
    MN_TRY(mn_metric_check(where, choice->metric));
    MN_TRY(mn_scope_find(where, scope, &choice->scope));
    if (strcmp(on, "validation") != 0)
        return mn_fail(MN_BAD_OPTION, "%s: on: '%s': what is best is chosen on 'validation' alone",
                       where, on);
    if (strcmp(then, "test") != 0)
        return mn_fail(MN_BAD_OPTION, "%s: then: '%s': what was chosen is run on 'test'", where,
                       then);
    if (choice->scope != MN_SCOPES && choice->scope >= MN_TEST_SCOPES)
        return mn_fail(MN_BAD_OPTION,
                       "%s: scope: '%s': the images are those held out already; leave "
                       "'validation-' out",
                       where, scope);
    if (mn_metric_better(choice->metric) == 0)
        return mn_fail(MN_BAD_OPTION,
                       "%s: metric: neither more nor less of '%s' is better; take "
                       "average_accuracy, for example",
                       where, choice->metric);
    return choice->seed != NULL
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "%s: 'seeds' should list the seeds to choose with, [0, 1]",
                         where);
}

/* What the choice says itself of each run. */
static mn_status check_not_chosen(const cJSON *set, const char *where)
{
    static const char *const own[] = {"validation", "validation_beside", "seed"};
    const cJSON *setting;
    cJSON_ArrayForEach(setting, set)
    {
        const char *key = setting->string;
        if (strncmp(key, "train.", 6) == 0)
            key += 6;
        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
            if (strcmp(key, own[i]) == 0)
                return mn_fail(MN_BAD_OPTION,
                               "%s: %s is set by 'choose', from its 'held_out' and 'seeds'; leave "
                               "it out",
                               where, setting->string);
    }
    return MN_OK;
}

/* What was chosen for a seed would be tested with it. */
static mn_status check_other_seeds(const mn_manifest *manifest, const mn_arm *arm,
                                   const char *where)
{
    const cJSON *one, *other;
    if (arm->seed == NULL)
        return mn_fail(MN_BAD_OPTION,
                       "%s: with 'choose', 'seeds' should list the seeds to test with, [2, 3, 4]",
                       where);
    cJSON_ArrayForEach(one, arm->seed)
    {
        cJSON_ArrayForEach(other, manifest->choice.seed)
        {
            if (one->valueint == other->valueint)
                return mn_fail(MN_BAD_OPTION, "%s: seed %d is among choose.seeds; test with others",
                               where, one->valueint);
        }
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
    arm->folder = mn_text("%s%s-%s", arm->is_candidate ? "validation/" : "",
                          mn_path_base(arm->benchmark), mn_path_base(arm->name));
    for (int i = 0; i < index; i++)
        if (strcmp(manifest->arm[i].folder, arm->folder) == 0)
            return mn_fail(
                MN_BAD_OPTION,
                "%s: its runs would be in the folder of arms[%d], %s of %s; give one of them "
                "another 'name'",
                where, manifest->arm[i].place, manifest->arm[i].name, manifest->arm[i].benchmark);
    return MN_OK;
}

static mn_status read_arm(const cJSON *json, const char *where, const mn_manifest *manifest,
                          mn_arm *arm)
{
    static const char *const known[] = {"benchmark", "strategy", "name", "seeds", "set",
                                        "grid",      "expect",   "note", NULL};
    MN_TRY(mn_json_known(json, where, known));
    MN_TRY(need_text(json, where, "benchmark", &arm->benchmark));
    MN_TRY(need_text(json, where, "strategy", &arm->strategy));
    MN_TRY(mn_json_text(json, where, "name", &arm->name));
    MN_TRY(read_seeds(json, where, &arm->seeds, &arm->seed));
    MN_TRY(read_set(json, where, &arm->set));
    return manifest->choice.wanted ? check_not_chosen(arm->set, where) : MN_OK;
}

static mn_status add_arm(mn_manifest *manifest, const mn_arm *arm, const char *where)
{
    manifest->arm = mn_or_die(
        mn_memory_resize(manifest->arm, (size_t)manifest->count + 1, sizeof *manifest->arm));
    manifest->arm[manifest->count] = *arm;
    return name_arm(manifest, manifest->count++, where);
}

/* The settings of an arm at a point of its grid: a copy that the manifest owns.  Where it chooses,
 * what a benchmark would hold out is no matter: candidates never see test images, and the other
 * arms are evaluated on these. */
static const cJSON *settings_at(mn_manifest *manifest, const cJSON *set, const cJSON *point,
                                bool is_candidate)
{
    cJSON *all = mn_or_die(set != NULL ? cJSON_Duplicate(set, true) : cJSON_CreateObject());
    const cJSON *setting;
    cJSON_ArrayForEach(setting, point)
    {
        cJSON_AddItemToObject(all, setting->string, mn_or_die(cJSON_Duplicate(setting, true)));
    }
    if (manifest->choice.wanted) {
        mn_or_die(cJSON_AddNumberToObject(all, "validation",
                                          is_candidate ? manifest->choice.held_out : 0));
        mn_or_die(cJSON_AddFalseToObject(all, "validation_beside"));
    }
    cJSON_AddItemToArray(manifest->made, all);
    return all;
}

/* An arm without a grid, or the one that the best of a grid will be. */
static mn_status add_plain(mn_manifest *manifest, mn_arm *arm, const char *where)
{
    if (manifest->choice.wanted)
        arm->set = settings_at(manifest, arm->set, NULL, false);
    return add_arm(manifest, arm, where);
}

static mn_status add_point(mn_manifest *manifest, const mn_arm *arm, const cJSON *point,
                           const char *where)
{
    mn_arm one = *arm;
    char *name = mn_grid_name(arm->name != NULL ? arm->name : mn_path_base(arm->strategy), point);
    cJSON *kept = mn_or_die(cJSON_CreateString(name));
    mn_memory_give(name);
    cJSON_AddItemToArray(manifest->made, kept);
    one.name = kept->valuestring;
    one.point = point;
    if (manifest->choice.wanted) {
        one.is_candidate = true;
        one.seed = manifest->choice.seed;
        one.seeds = cJSON_GetArraySize(one.seed);
    }
    one.set = settings_at(manifest, arm->set, point, one.is_candidate);
    return add_arm(manifest, &one, where);
}

static mn_status check_grid(const mn_manifest *manifest, const mn_arm *arm, const cJSON *grid,
                            const char *where)
{
    const cJSON *values;
    cJSON_ArrayForEach(values, grid)
    {
        if (cJSON_GetObjectItemCaseSensitive(arm->set, values->string) != NULL)
            return mn_fail(MN_BAD_OPTION, "%s: grid.%s: 'set' has it too; keep one", where,
                           values->string);
    }
    if (!manifest->choice.wanted)
        return MN_OK;
    MN_TRY(check_not_chosen(grid, where));
    return check_other_seeds(manifest, arm, where);
}

/* Adds what an arm's grid stands for and, where the best of it is chosen, the arm itself. */
static mn_status add_grid(mn_manifest *manifest, mn_arm *arm, const cJSON *grid, const char *where)
{
    cJSON *points;
    const cJSON *point;
    MN_TRY(mn_grid_points(grid, where, &points));
    cJSON_AddItemToArray(manifest->made, points);
    MN_TRY(check_grid(manifest, arm, grid, where));
    arm->first = manifest->count;
    cJSON_ArrayForEach(point, points)
    {
        MN_TRY(add_point(manifest, arm, point, where));
    }
    arm->candidates = cJSON_GetArraySize(points);
    return manifest->choice.wanted ? add_plain(manifest, arm, where) : MN_OK;
}

void mn_manifest_settle(mn_manifest *manifest, mn_arm *arm, int candidate)
{
    const cJSON *arms = cJSON_GetObjectItemCaseSensitive(manifest->json, "arms");
    const cJSON *own =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(arms, arm->place), "set");
    arm->best = candidate;
    arm->point = manifest->arm[candidate].point;
    arm->set = settings_at(manifest, own, arm->point, false);
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
        if (has_name(&manifest->arm[i], benchmark, name) && !manifest->arm[i].is_candidate) {
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

static mn_status read_expectations(const cJSON *arms, const char *path, mn_manifest *manifest,
                                   int index)
{
    mn_arm *of = &manifest->arm[index];
    const cJSON *item,
        *list = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(arms, of->place), "expect");
    char arm_where[WHERE_BYTES];
    snprintf(arm_where, sizeof arm_where, "%s: arms[%d]", path, of->place);
    if (of->is_candidate) /* what is expected is expected of the best of them */
        return MN_OK;
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

static mn_status read_arms(const cJSON *arms, const char *path, mn_manifest *manifest)
{
    char where[WHERE_BYTES];
    const cJSON *json;
    mn_arm study = {.seeds = 1, .best = -1, .chosen = true};
    bool any_grid = false;
    MN_TRY(read_seeds(manifest->json, path, &study.seeds, &study.seed));
    cJSON_ArrayForEach(json, arms)
    {
        mn_arm arm = study;
        const cJSON *grid = cJSON_GetObjectItemCaseSensitive(json, "grid");
        snprintf(where, sizeof where, "%s: arms[%d]", path, study.place);
        MN_TRY(read_arm(json, where, manifest, &arm));
        MN_TRY(grid != NULL ? add_grid(manifest, &arm, grid, where)
                            : add_plain(manifest, &arm, where));
        any_grid |= grid != NULL;
        study.place++;
    }
    if (manifest->choice.wanted && !any_grid)
        return mn_fail(MN_BAD_OPTION, "%s: choose: no arm has a 'grid' to choose from", path);
    for (int i = 0; i < manifest->count; i++) /* they may name arms that come later */
        MN_TRY(read_expectations(arms, path, manifest, i));
    return MN_OK;
}

static mn_status read_all(const char *path, mn_manifest *manifest)
{
    static const char *const known[] = {"name", "summary", "seeds",  "set", "choose",
                                        "arms", "notes",   "source", NULL};
    MN_TRY(mn_json_known(manifest->json, path, known));
    MN_TRY(mn_json_text(manifest->json, path, "name", &manifest->name));
    MN_TRY(read_set(manifest->json, path, &manifest->set));
    MN_TRY(read_choice(manifest->json, path, &manifest->choice));
    if (manifest->choice.wanted)
        MN_TRY(check_not_chosen(manifest->set, path));
    const cJSON *arms = cJSON_GetObjectItemCaseSensitive(manifest->json, "arms");
    return cJSON_IsArray(arms) ? read_arms(arms, path, manifest)
                               : mn_fail(MN_BAD_OPTION, "%s: 'arms' should list what to run", path);
}

mn_status mn_manifest_read(const char *path, mn_manifest *manifest)
{
    *manifest = (mn_manifest){.json = NULL};
    MN_TRY(mn_json_read(path, &manifest->json));
    manifest->made = mn_or_die(cJSON_CreateArray());
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
    cJSON_Delete(manifest->made);
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
            if (strcmp(manifest->arm[i].name, name) == 0) {
                mn_arm *arm = &manifest->arm[i];
                found = arm->chosen = true;
                for (int c = arm->first; c < arm->first + arm->candidates; c++)
                    manifest->arm[c].chosen = true;
            }
        if (!found)
            status = mn_fail(MN_BAD_OPTION, "--arms: no arm is called '%s'%s", name,
                             nearest_arm(manifest, NULL, name, hint));
    }
    mn_memory_give(copy);
    return status;
}
