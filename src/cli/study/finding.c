/* finding.c -- what the runs of a study say of something that its manifest expects.
 *
 * An expectation is a claim, so it can fail: when its runs are finished and there is no number,
 * when the interval lies elsewhere, and when the interval is too wide to say. */
#include "cli/study/finding.h"
#include "base/numbers.h"
#include "base/options.h"
#include "cli/complain.h"
#include "cli/files.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

/* The runs of an arm, which are the first group, and of the one it is compared with. */
typedef struct arm_runs {
    mn_runs *runs;
    int64_t own; /* runs in the arm's folder, which come first */
} arm_runs;

static int64_t count_in(const mn_runs *runs, const char *folder)
{
    const size_t length = strlen(folder);
    int64_t count = 0;
    while (count < runs->count && strncmp(runs->run[count].path, folder, length) == 0 &&
           runs->run[count].path[length] == '/')
        count++;
    return count;
}

static mn_status open_runs(const mn_manifest *manifest, const mn_arm *arm, int other,
                           const char *folder, arm_runs *found)
{
    char *own = mn_text("%s/%s", folder, arm->folder), *beside = NULL;
    const char *path[2];
    int count = 0;
    if (mn_path_exists(own))
        path[count++] = own;
    if (other >= 0)
        beside = mn_text("%s/%s", folder, manifest->arm[other].folder);
    if (count > 0 && beside != NULL && mn_path_exists(beside))
        path[count++] = beside;
    const mn_status status = mn_runs_open(path, count, &found->runs);
    found->own = status == MN_OK ? count_in(found->runs, own) : 0;
    mn_memory_give(own);
    mn_memory_give(beside);
    return status;
}

/* --- settings --- */

/* True if the run was made with this setting, or does not record it. */
static bool is_setting_of(const mn_run *run, const cJSON *setting)
{
    char *key = strchr(setting->string, '.') != NULL ? mn_text("%s", setting->string)
                                                     : mn_text("train.%s", setting->string);
    const char *had = mn_settings_value(&run->settings, key);
    char *text = NULL; /* that there is one was checked when the manifest was read */
    double number, before;
    const bool same =
        had == NULL || mn_option_text(setting, "set", setting->string, &text) != MN_OK ||
        strcmp(had, text) == 0 ||
        (mn_number_real(had, &before) && mn_number_real(text, &number) && before == number);
    mn_memory_give(key);
    mn_memory_give(text);
    return same;
}

/* The first setting of `set` that the run was not made with, apart from those that `over` replaces;
 * NULL: there is none. */
static const char *unlike(const mn_run *run, const cJSON *set, const cJSON *over)
{
    const cJSON *setting;
    cJSON_ArrayForEach(setting, set)
    {
        if (cJSON_GetObjectItemCaseSensitive(over, setting->string) == NULL &&
            !is_setting_of(run, setting))
            return setting->string;
    }
    return NULL;
}

static bool is_seed_of(const mn_run *run, const mn_arm *arm)
{
    const cJSON *seed;
    cJSON_ArrayForEach(seed, arm->seed)
    {
        if (run->seed == seed->valueint)
            return true;
    }
    return arm->seed == NULL;
}

/* The first setting that the manifest has otherwise than any run of the arm. */
static const char *changed_since(const mn_manifest *manifest, const mn_arm *arm,
                                 const arm_runs *found)
{
    const char *since = NULL;
    for (int64_t i = 0; i < found->own && since == NULL; i++) {
        since = unlike(&found->runs->run[i], arm->set, NULL);
        if (since == NULL)
            since = unlike(&found->runs->run[i], manifest->set, arm->set);
        if (since == NULL && !is_seed_of(&found->runs->run[i], arm))
            since = "seed";
    }
    return since;
}

/* --- the finding --- */

static mn_status summarise(const arm_runs *found, const mn_expectation *e, mn_scope scope,
                           mn_summary *summary)
{
    *summary = mn_summarise(NULL, 0);
    if (found->own == 0 || scope == MN_SCOPES)
        return MN_OK;
    if (e->minus < 0)
        return mn_group_summary(found->runs, 0, e->metric, scope, summary);
    const int64_t other = found->runs->run[found->runs->count - 1].group;
    return other > 0 ? mn_paired_difference(found->runs, 0, other, e->metric, scope, summary)
                     : MN_OK;
}

/* Finished runs of the arm or, where it is compared, of the one that has fewer. */
static int64_t count_finished(const arm_runs *found, bool compared)
{
    int64_t own = 0, other = 0;
    for (int64_t i = 0; i < found->runs->count; i++)
        *(i < found->own ? &own : &other) += mn_run_is_finished(&found->runs->run[i]);
    return compared && other < own ? other : own;
}

static mn_standing judge(const mn_finding *finding, const mn_expectation *e)
{
    static const mn_standing standings[] = {
        [MN_YES] = MN_MET, [MN_NO] = MN_MISSED, [MN_NOT_SHOWN] = MN_OPEN};
    if (finding->since != NULL)
        return MN_OTHER;
    if (finding->finished < finding->wanted)
        return MN_UNFINISHED;
    if (finding->summary.n < finding->wanted)
        return MN_NO_VALUE;
    if (!isfinite(e->from) && !isfinite(e->to))
        return MN_MET;
    return standings[mn_verdict_on(&finding->summary, e->from, e->to)];
}

mn_status mn_finding_of(const mn_manifest *manifest, const mn_arm *arm,
                        const mn_expectation *expected, const char *folder, int64_t seeds,
                        mn_finding *finding)
{
    arm_runs found;
    *finding = (mn_finding){.scope = expected->scope, .wanted = seeds > 0 ? seeds : arm->seeds};
    if (expected->minus >= 0 && seeds == 0 &&
        manifest->arm[expected->minus].seeds < finding->wanted)
        finding->wanted = manifest->arm[expected->minus].seeds;
    MN_TRY(open_runs(manifest, arm, expected->minus, folder, &found));
    for (mn_scope s = MN_TEST_SCOPES; s-- > 0 && expected->scope == MN_SCOPES;)
        if (mn_runs_have(found.runs, s))
            finding->scope = s;
    finding->finished = count_finished(&found, expected->minus >= 0);
    finding->since = changed_since(manifest, arm, &found);
    finding->images = mn_group_mean(found.runs, 0, "images");
    finding->seconds = mn_group_mean(found.runs, 0, "seconds");
    const mn_status status = summarise(&found, expected, finding->scope, &finding->summary);
    finding->standing = judge(finding, expected);
    mn_runs_free(found.runs);
    return status;
}
