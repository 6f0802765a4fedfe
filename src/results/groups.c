/* groups.c -- several run files, in groups that differ by nothing but the seed. */
#include "base/text.h"
#include "results/paths.h"
#include "results/settings.h"

#include <math.h>
#include <mneme/groups.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for runs and their groups");
}

bool mn_run_is_finished(const mn_run *run)
{
    return run->tasks > 0 && run->finished == run->tasks;
}

/* --- opening --- */

/* Runs of other data, plugins or numbers are no runs of one group, whatever they were told.  A file
 * that does not know its numbers has the first ones; one that went on under others says both. */
static mn_status read_made(mn_run *run)
{
    const char *data = mn_results_value(run->results, "dataset_digest");
    const char *numerics = mn_results_value(run->results, "numerics");
    if (data != NULL)
        MN_TRY(mn_settings_put(&run->settings, "made.data", data));
    if (numerics == NULL)
        numerics = "1";
    return mn_settings_put(&run->settings, "made.numerics", numerics);
}

static mn_status open_run(const char *path, mn_run *run)
{
    run->path = mn_text_copy(path);
    if (run->path == NULL)
        return no_memory();
    MN_TRY(mn_results_open(path, &run->results));
    run->benchmark = mn_results_value(run->results, "benchmark");
    run->strategy = mn_results_value(run->results, "strategy");
    const char *seed = mn_results_value(run->results, "seed");
    const char *config = mn_results_value(run->results, "config");
    if (run->benchmark == NULL || run->strategy == NULL || seed == NULL || config == NULL)
        return mn_fail(MN_CORRUPT, "%s: the run has no configuration; it cannot be shown", path);
    run->seed = strtoll(seed, NULL, 10);
    run->tasks = mn_results_tasks(run->results);
    run->finished = mn_results_finished(run->results);
    mn_status status = mn_settings_read(config, run->strategy, &run->settings);
    if (status == MN_OK)
        status = read_made(run);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s", path);
}

static bool same_kind(const mn_run *a, const mn_run *b)
{
    return strcmp(a->benchmark, b->benchmark) == 0 && strcmp(a->strategy, b->strategy) == 0;
}

static bool belong_together(const mn_run *a, const mn_run *b)
{
    return same_kind(a, b) && mn_settings_differ(&a->settings, &b->settings) == NULL;
}

static void find_groups(mn_runs *runs)
{
    for (int64_t i = 0; i < runs->count; i++) {
        mn_run *run = &runs->run[i];
        int64_t group = 0;
        while (group < runs->group_count && !belong_together(run, runs->group[group].run))
            group++;
        if (group == runs->group_count)
            runs->group[runs->group_count++].run = run;
        runs->group[group].members++;
        runs->group[group].finished += mn_run_is_finished(run);
        run->group = group;
    }
}

/* Whether a setting differs between the groups of this one's benchmark and strategy. */
static bool tells_apart(const mn_runs *runs, const mn_run *run, const mn_setting *setting)
{
    for (int64_t group = 0; group < runs->group_count; group++) {
        const mn_run *other = runs->group[group].run;
        const char *value = mn_settings_value(&other->settings, setting->key);
        if (same_kind(run, other) && value != NULL && strcmp(value, setting->value) != 0)
            return true;
    }
    return false;
}

/* Puts more at the end of a label; a label that memory has run out for is NULL and stays so. */
static void add_to_label(char **label, const char *before, const char *text, const char *value)
{
    if (*label == NULL)
        return;
    char *longer = mn_text_format("%s%s%s%s", *label, before, text, value);
    mn_memory_give(*label);
    *label = longer;
}

static const char *short_key(const char *key)
{
    return strncmp(key, "train.", 6) == 0 ? key + 6 : strncmp(key, "made.", 5) == 0 ? key + 5 : key;
}

static mn_status label_group(const mn_runs *runs, mn_group *group)
{
    const mn_run *run = group->run;
    group->label = mn_text_copy(run->strategy);
    const char *separator = " (";
    for (int64_t i = 0; i < run->settings.count; i++) {
        const mn_setting *setting = &run->settings.setting[i];
        if (!tells_apart(runs, run, setting))
            continue;
        add_to_label(&group->label, separator, short_key(setting->key), "=");
        add_to_label(&group->label, "", setting->value, "");
        separator = ", ";
    }
    if (separator[0] == ',')
        add_to_label(&group->label, ")", "", "");
    return group->label != NULL ? MN_OK : no_memory();
}

static mn_status open_all(const mn_paths *paths, mn_runs *runs)
{
    runs->run = mn_memory_take_zeroed((size_t)paths->count + 1, sizeof *runs->run);
    runs->group = mn_memory_take_zeroed((size_t)paths->count + 1, sizeof *runs->group);
    if (runs->run == NULL || runs->group == NULL)
        return no_memory();
    while (runs->count < paths->count) {
        const int64_t i = runs->count++; /* one that is half open is freed, too */
        MN_TRY(open_run(paths->path[i], &runs->run[i]));
    }
    find_groups(runs);
    for (int64_t group = 0; group < runs->group_count; group++)
        MN_TRY(label_group(runs, &runs->group[group]));
    return MN_OK;
}

mn_status mn_runs_open(const char *const *paths, int64_t count, mn_runs **runs)
{
    mn_paths found;
    *runs = NULL;
    mn_runs *made = mn_memory_take_zeroed(1, sizeof *made);
    mn_status status = mn_paths_read(paths, count, &found);
    if (status == MN_OK)
        status = made != NULL ? open_all(&found, made) : no_memory();
    mn_paths_free(&found);
    if (status == MN_OK)
        *runs = made;
    else
        mn_runs_free(made);
    return status;
}

void mn_runs_free(mn_runs *runs)
{
    if (runs == NULL)
        return;
    for (int64_t i = 0; i < runs->count; i++) {
        mn_results_free(runs->run[i].results);
        mn_settings_free(&runs->run[i].settings);
        mn_memory_give(runs->run[i].path);
    }
    for (int64_t group = 0; group < runs->group_count; group++)
        mn_memory_give(runs->group[group].label);
    mn_memory_give(runs->run);
    mn_memory_give(runs->group);
    mn_memory_give(runs);
}

/* --- answering --- */

bool mn_runs_have(const mn_runs *runs, mn_scope scope)
{
    for (int64_t i = 0; i < runs->count; i++)
        if (mn_results_has(runs->run[i].results, scope))
            return true;
    return false;
}

mn_status mn_group_summary(const mn_runs *runs, int64_t group, const char *metric, mn_scope scope,
                           mn_summary *summary)
{
    double *values = mn_memory_take_zeroed((size_t)runs->count + 1, sizeof *values);
    int64_t n = 0;
    if (values == NULL)
        return no_memory();
    for (int64_t i = 0; i < runs->count; i++) {
        const mn_run *run = &runs->run[i];
        if (run->group != group || !mn_run_is_finished(run))
            continue;
        values[n] = mn_results_metric(run->results, metric, scope);
        n += !isnan(values[n]);
    }
    *summary = mn_summarise(values, n);
    mn_memory_give(values);
    return MN_OK;
}

double mn_group_mean(const mn_runs *runs, int64_t group, const char *key)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < runs->count; i++) {
        const mn_run *run = &runs->run[i];
        const char *value = mn_results_value(run->results, key);
        if (run->group != group || value == NULL || !mn_run_is_finished(run))
            continue;
        sum += strtod(value, NULL);
        n++;
    }
    return n > 0 ? sum / (double)n : (double)NAN;
}
