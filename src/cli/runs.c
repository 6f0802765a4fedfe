/* runs.c -- several run files, in groups that differ by nothing but the seed.
 *
 * A mean over runs of different settings would be a mean of nothing, so the group of a run is its
 * whole configuration; settings that only say how to work (threads, commits, logging) are left
 * out. */
#include "cli/runs.h"
#include "base/json.h"
#include "cli/cli.h"

#include <math.h>
#include <mneme/registry.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const irrelevant[] = {
    "train.seed",       "train.threads",  "train.commit_every", "train.commit_steps",
    "train.outputs",    "train.rebuild",  "train.log_every",    "train.eval_every",
    "train.eval_batch", "dataset.folder", "train.profile",
};

static bool is_irrelevant(const char *key, bool buffer)
{
    for (size_t i = 0; i < sizeof irrelevant / sizeof irrelevant[0]; i++)
        if (strcmp(key, irrelevant[i]) == 0)
            return true;
    return !buffer && (strncmp(key, "buffer.", 7) == 0 || strncmp(key, "train.buffer", 12) == 0);
}

/* Whether one of "derpp+zipf" needs a buffer; a plugin that is not loaded may. */
static bool needs_buffer(const char *strategies)
{
    char *copy = mn_text("%s", strategies), *rest = copy;
    bool needed = false;
    for (char *name; (name = strsep(&rest, "+")) != NULL;) {
        const mn_strategy *strategy = (const void *)mn_find(MN_KIND_STRATEGY, name);
        if (strategy == NULL || (strategy->needs & MN_NEEDS_BUFFER) != 0)
            needed = true;
    }
    free(copy);
    return needed;
}

static char *value_text(const cJSON *value)
{
    return cJSON_IsString(value) ? mn_text("%s", value->valuestring)
                                 : mn_or_die(cJSON_PrintUnformatted(value));
}

typedef struct fact_list {
    mn_fact *fact; /* (count) */
    int count, room;
    bool buffer; /* settings of a buffer matter */
} fact_list;

/* Takes over both texts. */
static void add_fact(fact_list *list, char *key, char *value)
{
    if (is_irrelevant(key, list->buffer)) {
        free(key);
        free(value);
        return;
    }
    if (list->count == list->room) {
        list->room = 2 * list->room + 32;
        list->fact = mn_or_die(realloc(list->fact, (size_t)list->room * sizeof *list->fact));
    }
    list->fact[list->count++] = (mn_fact){key, value};
}

int mn_facts_new(const cJSON *config, const char *strategy, mn_fact **facts)
{
    fact_list list = {.buffer = needs_buffer(strategy)};
    const cJSON *section, *setting;
    cJSON_ArrayForEach(section, config)
    {
        if (!cJSON_IsObject(section))
            continue;
        cJSON_ArrayForEach(setting, section)
        {
            add_fact(&list, mn_text("%s.%s", section->string, setting->string),
                     value_text(setting));
        }
    }
    *facts = list.fact;
    return list.count;
}

void mn_facts_free(mn_fact *facts, int count)
{
    for (int i = 0; i < count; i++) {
        free(facts[i].key);
        free(facts[i].value);
    }
    free(facts);
}

const char *mn_fact_value(const mn_fact *facts, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(facts[i].key, key) == 0)
            return facts[i].value;
    return NULL;
}

bool mn_run_is_finished(const mn_run *run)
{
    return run->tasks > 0 && run->finished == run->tasks;
}

static mn_status open_run(const char *path, mn_run *run)
{
    *run = (mn_run){.path = path, .group = -1};
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
    MN_TRY(mn_json_parse(config, path, &run->config));
    run->fact_count = mn_facts_new(run->config, run->strategy, &run->facts);
    return MN_OK;
}

static bool same_kind(const mn_run *a, const mn_run *b)
{
    return strcmp(a->benchmark, b->benchmark) == 0 && strcmp(a->strategy, b->strategy) == 0;
}

const mn_fact *mn_facts_differ(const mn_fact *a, int a_count, const mn_fact *b, int b_count)
{
    for (int i = 0; i < a_count; i++) {
        const char *value = mn_fact_value(b, b_count, a[i].key);
        if (value != NULL && strcmp(value, a[i].value) != 0)
            return &a[i];
    }
    return NULL;
}

static bool same_facts(const mn_run *a, const mn_run *b)
{
    return mn_facts_differ(a->facts, a->fact_count, b->facts, b->fact_count) == NULL;
}

static void find_groups(mn_runs *runs)
{
    runs->group = mn_or_die(calloc((size_t)runs->count + 1, sizeof *runs->group));
    for (int i = 0; i < runs->count; i++) {
        mn_run *run = &runs->run[i];
        int group = 0;
        while (group < runs->group_count &&
               !(same_kind(run, runs->group[group].run) && same_facts(run, runs->group[group].run)))
            group++;
        if (group == runs->group_count)
            runs->group[runs->group_count++].run = run;
        runs->group[group].members++;
        run->group = group;
    }
}

/* Whether a setting differs between the groups of this one's benchmark and strategy. */
static bool tells_apart(const mn_runs *runs, const mn_run *run, const mn_fact *fact)
{
    for (int group = 0; group < runs->group_count; group++) {
        const mn_run *other = runs->group[group].run;
        const char *value = mn_fact_value(other->facts, other->fact_count, fact->key);
        if (same_kind(run, other) && value != NULL && strcmp(value, fact->value) != 0)
            return true;
    }
    return false;
}

static void label_group(mn_runs *runs, mn_group *group)
{
    const mn_run *run = group->run;
    char *label = mn_text("%s", run->strategy), *longer;
    const char *separator = " (";
    for (int i = 0; i < run->fact_count; i++) {
        const mn_fact *fact = &run->facts[i];
        if (!tells_apart(runs, run, fact))
            continue;
        const char *key = strncmp(fact->key, "train.", 6) == 0 ? fact->key + 6 : fact->key;
        longer = mn_text("%s%s%s=%s", label, separator, key, fact->value);
        free(label);
        label = longer;
        separator = ", ";
    }
    group->label = separator[0] == ',' ? mn_text("%s)", label) : mn_text("%s", label);
    free(label);
}

mn_status mn_runs_open(const char *const *paths, int count, mn_runs *runs)
{
    *runs = (mn_runs){.run = NULL};
    mn_status status = mn_paths_new(paths, count, &runs->paths);
    runs->run = mn_or_die(calloc((size_t)runs->paths.count + 1, sizeof *runs->run));
    while (status == MN_OK && runs->count < runs->paths.count) {
        status = open_run(runs->paths.path[runs->count], &runs->run[runs->count]);
        runs->count++;
    }
    if (status != MN_OK) {
        mn_runs_free(runs);
        return status;
    }
    find_groups(runs);
    for (int group = 0; group < runs->group_count; group++)
        label_group(runs, &runs->group[group]);
    return MN_OK;
}

void mn_runs_free(mn_runs *runs)
{
    for (int i = 0; i < runs->count; i++) {
        mn_results_free(runs->run[i].results);
        cJSON_Delete(runs->run[i].config);
        mn_facts_free(runs->run[i].facts, runs->run[i].fact_count);
    }
    for (int group = 0; group < runs->group_count; group++)
        free(runs->group[group].label);
    mn_paths_free(&runs->paths);
    free(runs->run);
    free(runs->group);
    *runs = (mn_runs){.run = NULL};
}

int mn_group_values(const mn_runs *runs, int group, const char *metric, mn_scope scope,
                    double *values)
{
    int count = 0;
    for (int i = 0; i < runs->count; i++) {
        const mn_run *run = &runs->run[i];
        if (run->group != group || !mn_run_is_finished(run))
            continue;
        const double value = mn_results_metric(run->results, metric, scope);
        if (!isnan(value))
            values[count++] = value;
    }
    return count;
}

mn_summary mn_group_summary(const mn_runs *runs, int group, const char *metric, mn_scope scope)
{
    double *values = mn_or_die(calloc((size_t)runs->count + 1, sizeof *values));
    const int count = mn_group_values(runs, group, metric, scope, values);
    const mn_summary summary = mn_summarise(values, count);
    free(values);
    return summary;
}

const mn_run *mn_runs_with_seed(const mn_runs *runs, int group, int64_t seed)
{
    for (int i = 0; i < runs->count; i++)
        if (runs->run[i].group == group && runs->run[i].seed == seed)
            return &runs->run[i];
    return NULL;
}

mn_summary mn_paired_difference(const mn_runs *runs, int a, int b, const char *metric,
                                mn_scope scope)
{
    double *values = mn_or_die(calloc((size_t)runs->count + 1, sizeof *values));
    int count = 0;
    for (int i = 0; i < runs->count; i++) {
        const mn_run *run = &runs->run[i];
        const mn_run *other = run->group == a ? mn_runs_with_seed(runs, b, run->seed) : NULL;
        if (other == NULL || !mn_run_is_finished(run) || !mn_run_is_finished(other))
            continue;
        values[count] = mn_results_metric(other->results, metric, scope) -
                        mn_results_metric(run->results, metric, scope);
        count += !isnan(values[count]);
    }
    const mn_summary summary = mn_summarise(values, count);
    free(values);
    return summary;
}

bool mn_runs_have(const mn_runs *runs, mn_scope scope)
{
    for (int i = 0; i < runs->count; i++)
        if (mn_results_has(runs->run[i].results, scope))
            return true;
    return false;
}
