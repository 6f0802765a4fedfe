/* sweep.c -- a study: the arms of a manifest, each over its seeds, and the table of means.
 *
 * Expected ranges in the manifest, of means and of differences between arms, turn a study into a
 * check. */
#include "base/names.h"
#include "base/numbers.h"
#include "base/options.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/show/table.h"
#include "cli/study/arms.h"

#include <math.h>
#include <mneme/groups.h>
#include <mneme/memory.h>
#include <string.h>

/* --- the table --- */

/* The runs of an arm, which are the first group, and of the one it is compared with. */
static mn_status open_runs(const mn_manifest *manifest, const mn_arm *arm, int other,
                           const char *folder, mn_runs **runs)
{
    char *path[2] = {mn_text("%s/%s", folder, arm->folder), NULL};
    int count = mn_path_exists(path[0]);
    if (count == 1 && other >= 0) {
        path[1] = mn_text("%s/%s", folder, manifest->arm[other].folder);
        count += mn_path_exists(path[1]);
    }
    const mn_status status = mn_runs_open((const char *const *)path, count, runs);
    mn_memory_give(path[0]);
    mn_memory_give(path[1]);
    return status;
}

static mn_summary summary_of(const mn_runs *runs, const mn_expectation *e, mn_scope scope)
{
    mn_summary summary = mn_summarise(NULL, 0);
    const int64_t other = runs->count > 0 ? runs->run[runs->count - 1].group : 0;
    if (e->minus < 0)
        mn_ok_or_die(mn_group_summary(runs, 0, e->metric, scope, &summary));
    else if (other > 0)
        mn_ok_or_die(mn_paired_difference(runs, 0, other, e->metric, scope, &summary));
    return summary;
}

static void add_verdict(mn_table *table, const mn_expectation *e, bool as_expected)
{
    const char *verdict = as_expected ? "yes" : "NO";
    if (isfinite(e->from) && isfinite(e->to))
        mn_table_text(table, "%g to %g: %s", e->from, e->to, verdict);
    else if (isfinite(e->from) || isfinite(e->to))
        mn_table_text(table, "%s %g: %s", isfinite(e->from) ? "at least" : "at most",
                      isfinite(e->from) ? e->from : e->to, verdict);
    else
        mn_table_text(table, "-");
}

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

static void add_costs(mn_table *table, const mn_runs *runs)
{
    mn_table_number(table, mn_group_mean(runs, 0, "images"), 0);
    mn_table_number(table, mn_group_mean(runs, 0, "seconds"), 1);
}

/* Columns that a table has only where they say something. */
typedef struct extras {
    bool costs, intervals;
} extras;

/* One row: a metric of an arm, beside what was expected of it.  True when it is as expected, or
 * nobody knows yet. */
static bool add_row(mn_table *table, const mn_manifest *manifest, const mn_arm *arm,
                    const mn_runs *runs, const mn_expectation *e, extras shown)
{
    mn_scope scope = e->scope;
    for (mn_scope s = MN_SCOPES; s-- > 0 && e->scope == MN_SCOPES;)
        if (mn_runs_have(runs, s))
            scope = s;
    const mn_summary summary = summary_of(runs, e, scope);
    mn_table_text(table, "%s", arm->benchmark);
    mn_table_text(table, "%s", arm->name);
    mn_table_text(table, "%s", scope < MN_SCOPES ? mn_scope_name(scope) : "-");
    if (e->minus < 0)
        mn_table_text(table, "%s", e->metric);
    else
        mn_table_text(table, "%s - %s", e->metric, manifest->arm[e->minus].name);
    mn_table_mean(table, summary.mean, summary.deviation);
    if (shown.intervals && e->minus >= 0 && summary.n > 1)
        mn_table_text(table, "%+.2f to %+.2f", summary.low, summary.high);
    else if (shown.intervals)
        mn_table_text(table, "-");
    mn_table_text(table, "%lld", (long long)summary.n);
    if (shown.costs)
        add_costs(table, runs);
    if (summary.n == 0) {
        mn_table_text(table, "not run yet");
        return true;
    }
    const char *since = unlike(&runs->run[0], arm->set, NULL); /* the manifest has changed since */
    if (since == NULL)
        since = unlike(&runs->run[0], manifest->set, arm->set);
    if (since != NULL) {
        mn_table_text(table, "the runs had another %s", since);
        return false;
    }
    const bool as_expected = summary.mean >= e->from && summary.mean <= e->to;
    add_verdict(table, e, as_expected);
    return as_expected;
}

static bool only_differences(const mn_arm *arm)
{
    for (int i = 0; i < arm->expectations; i++)
        if (arm->expect[i].minus < 0)
            return false;
    return true;
}

/* Adds the rows of an arm.  Its own mean is always among them: a difference alone says little. */
static mn_status add_rows(mn_table *table, const mn_manifest *manifest, const mn_arm *arm,
                          const char *folder, extras shown, int *missed)
{
    mn_expectation own = {"average_accuracy", MN_SCOPES, -1, -HUGE_VAL, HUGE_VAL};
    if (arm->expectations > 0) {
        own.metric = arm->expect[0].metric;
        own.scope = arm->expect[0].scope;
    }
    for (int i = only_differences(arm) ? -1 : 0; i < arm->expectations; i++) {
        const mn_expectation *e = i < 0 ? &own : &arm->expect[i];
        mn_runs *runs;
        MN_TRY(open_runs(manifest, arm, e->minus, folder, &runs));
        *missed += !add_row(table, manifest, arm, runs, e, shown);
        mn_runs_free(runs);
    }
    return MN_OK;
}

static bool has_differences(const mn_manifest *manifest)
{
    for (int i = 0; i < manifest->count; i++)
        for (int k = 0; manifest->arm[i].chosen && k < manifest->arm[i].expectations; k++)
            if (manifest->arm[i].expect[k].minus >= 0)
                return true;
    return false;
}

static bool add_set(mn_table *table, const char *benchmark, const char *arm, const cJSON *set)
{
    if (cJSON_GetArraySize(set) == 0)
        return false;
    char *settings = mn_or_die(cJSON_PrintUnformatted(set));
    mn_table_text(table, "%s", benchmark);
    mn_table_text(table, "%s", arm);
    mn_table_text(table, "%s", settings);
    mn_memory_give(settings);
    return true;
}

/* Prints each arm's settings below the table: as a column they would make it too wide. */
static void show_settings(const mn_manifest *manifest)
{
    mn_table *table = mn_table_new(3);
    mn_table_text(table, "benchmark");
    mn_table_text(table, "arm");
    mn_table_text(table, "settings");
    bool any = add_set(table, "(all)", "(all)", manifest->set);
    for (int i = 0; i < manifest->count; i++) {
        const mn_arm *arm = &manifest->arm[i];
        any |= arm->chosen && add_set(table, arm->benchmark, arm->name, arm->set);
    }
    if (any) {
        printf("\n");
        mn_table_print(table, stdout);
    }
    mn_table_free(table);
}

static int show_table(const mn_manifest *manifest, const char *folder, bool costs)
{
    const extras shown = {costs, has_differences(manifest)};
    const struct {
        const char *heading;
        bool shown;
    } columns[] = {
        {"benchmark", true}, {"arm", true},     {"scope", true},
        {"metric", true},    {"mean", true},    {"95 %", shown.intervals},
        {"seeds", true},     {"images", costs}, {"seconds", costs},
        {"expected", true},
    };
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    mn_table *table = mn_table_new(COLUMNS - 2 * !costs - !shown.intervals);
    for (int i = 0; i < COLUMNS; i++)
        if (columns[i].shown)
            mn_table_text(table, "%s", columns[i].heading);
    int missed = 0;
    mn_status status = MN_OK;
    for (int i = 0; i < manifest->count && status == MN_OK; i++)
        if (manifest->arm[i].chosen)
            status = add_rows(table, manifest, &manifest->arm[i], folder, shown, &missed);
    if (status == MN_OK) {
        mn_table_print(table, stdout);
        show_settings(manifest);
    }
    mn_table_free(table);
    if (status == MN_OK && missed > 0) {
        mn_complain("%d of the means %s not what the manifest expects", missed,
                    missed == 1 ? "is" : "are");
        return MN_EXIT_FAILED;
    }
    return mn_exit_of_work(status);
}

static int sweep(const mn_arguments *arguments)
{
    mn_manifest manifest;
    const char *arms = mn_arguments_value(arguments, "arms");
    mn_status status = mn_manifest_read(arguments->words[0], &manifest);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    if (arms != NULL)
        status = mn_manifest_choose(&manifest, arms);
    const char *out = mn_arguments_value(arguments, "out");
    char *name = mn_text("%s", manifest.name != NULL ? manifest.name : "sweep");
    mn_name_for_file(name);
    char *folder = out != NULL ? mn_text("%s", out) : mn_text("runs/%s", name);
    mn_memory_give(name);
    int code = mn_exit_of_request(status);
    if (code == MN_EXIT_DONE && !mn_arguments_has(arguments, "table"))
        code = mn_run_arms(&manifest, folder, arguments);
    if (code == MN_EXIT_DONE || code == MN_EXIT_FAILED) {
        const int shown = show_table(&manifest, folder, mn_arguments_has(arguments, "costs"));
        code = shown != MN_EXIT_DONE ? shown : code;
    }
    mn_memory_give(folder);
    mn_manifest_free(&manifest);
    return code;
}

static const mn_flag flags[] = {
    {.name = "out",
     .letter = 'o',
     .value = "FOLDER",
     .help = "where the arms' run files go (default runs/NAME)"},
    {.name = "arms", .value = "NAMES", .help = "only these arms, by name: er,derpp"},
    {.name = "seeds", .value = "N", .help = "seeds of each arm, instead of the manifest's"},
    {.name = "jobs", .value = "N", .help = "processes at a time (default: cores)"},
    {.name = "table", .help = "run nothing: show what has been finished so far"},
    {.name = "costs",
     .help = "also show the mean of the images that went through a network to train it, and of the "
             "seconds that a run took"},
    {.name = "quiet", .letter = 'q', .help = "no progress, only results and warnings"},
    {.name = NULL},
};

const mn_command mn_command_sweep = {
    .name = "sweep",
    .synopsis = "MANIFEST [flags]",
    .summary = "Runs the arms of a study over seeds and prints their means.",
    .details =
        "MANIFEST is a JSON file: {\"name\", \"seeds\", \"set\", \"arms\": [{\"benchmark\", "
        "\"strategy\", \"name\", \"seeds\", \"set\": {KEY: VALUE}, \"expect\": "
        "[{\"metric\", \"scope\", \"minus\", \"from\", \"to\"}]}]}.  An arm without a name is "
        "called what its strategy is; names are unique in a benchmark.  With \"minus\", the "
        "name of another arm of the benchmark, the range is that of the difference, paired "
        "by seed; its mean is shown with Student's 95 % interval.  Finished runs are kept, "
        "so the same command continues a study; a mean outside its expected range makes the "
        "exit code 1.",
    .examples = "  mneme sweep benchmarks/studies/split-fmnist.json\n",
    .flags = flags,
    .least = 1,
    .most = 1,
    .words = "a MANIFEST",
    .run = sweep,
};
