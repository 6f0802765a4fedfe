/* groups.c -- several run files, in groups that differ by nothing but the seed. */
#include "results/paths.h"

#include <math.h>
#include <mneme/groups.h>
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

static mn_status open_run(const char *path, mn_run *run)
{
    run->path = strdup(path);
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
    const mn_status status = mn_settings_read(config, run->strategy, &run->settings);
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

static mn_status label_group(const mn_runs *runs, mn_group *group)
{
    const mn_run *run = group->run;
    size_t bytes;
    FILE *label = open_memstream(&group->label, &bytes);
    if (label == NULL)
        return no_memory();
    fputs(run->strategy, label);
    const char *separator = " (";
    for (int64_t i = 0; i < run->settings.count; i++) {
        const mn_setting *setting = &run->settings.setting[i];
        if (!tells_apart(runs, run, setting))
            continue;
        const bool train = strncmp(setting->key, "train.", 6) == 0;
        fprintf(label, "%s%s=%s", separator, setting->key + (train ? 6 : 0), setting->value);
        separator = ", ";
    }
    if (separator[0] == ',')
        putc(')', label);
    const bool failed = ferror(label) != 0;
    if (fclose(label) != 0 || failed || group->label == NULL) /* fclose() may say nothing of it */
        return no_memory();
    return MN_OK;
}

static mn_status open_all(const mn_paths *paths, mn_runs *runs)
{
    runs->run = calloc((size_t)paths->count + 1, sizeof *runs->run);
    runs->group = calloc((size_t)paths->count + 1, sizeof *runs->group);
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
    mn_runs *made = calloc(1, sizeof *made);
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
        free(runs->run[i].path);
    }
    for (int64_t group = 0; group < runs->group_count; group++)
        free(runs->group[group].label);
    free(runs->run);
    free(runs->group);
    free(runs);
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
    double *values = calloc((size_t)runs->count + 1, sizeof *values);
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
    free(values);
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
