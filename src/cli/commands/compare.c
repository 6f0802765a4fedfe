/* compare.c -- differences between strategies, paired by seed.
 *
 * Two strategies with unequal budgets are not compared: a larger buffer or one more epoch explains
 * more than most methods do. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/runs.h"
#include "cli/show/print.h"
#include "cli/show/table.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_PAIRS = 5 };

static const char *const metrics[] = {"average_accuracy", "average_incremental_accuracy",
                                      "forgetting"};
enum { METRICS = sizeof metrics / sizeof metrics[0] };

/* What must be equal: the stream, the data, the network, and how much may be seen and kept. */
static const char *const budget[] = {
    "dataset.",
    "stream.",
    "labels.",
    "network.",
    "train.epochs",
    "train.steps",
    "train.batch",
    "train.buffer_size",
    "train.buffer_bytes",
    "train.validation",
    "train.class_order_seed",
};

static bool is_budget(const char *key)
{
    for (size_t i = 0; i < sizeof budget / sizeof budget[0]; i++) {
        const size_t length = strlen(budget[i]);
        if (budget[i][length - 1] == '.' ? strncmp(key, budget[i], length) == 0
                                         : strcmp(key, budget[i]) == 0)
            return true;
    }
    return false;
}

/* A setting that only one of the two has (a buffer that the other does not need) is no difference
 * in budget that could be made equal. */
static mn_status check_budget(const mn_group *a, const mn_group *b)
{
    const mn_run *x = a->run, *y = b->run;
    if (strcmp(x->benchmark, y->benchmark) != 0)
        return mn_fail(MN_BAD_OPTION,
                       "%s ran on %s, but %s on %s; compare runs of one benchmark (--force does it "
                       "anyway)",
                       a->label, x->benchmark, b->label, y->benchmark);
    for (int i = 0; i < x->fact_count; i++) {
        const mn_fact *fact = &x->facts[i];
        const char *other = mn_fact_value(y->facts, y->fact_count, fact->key);
        if (!is_budget(fact->key) || other == NULL || strcmp(fact->value, other) == 0)
            continue;
        return mn_fail(MN_BAD_OPTION,
                       "unequal budgets: %s has %s=%s, but %s has %s; make them equal (--force "
                       "compares anyway)",
                       a->label, fact->key, fact->value, b->label, other);
    }
    return MN_OK;
}

static mn_status check_run(const mn_runs *runs, int i)
{
    const mn_run *run = &runs->run[i];
    if (!mn_run_is_finished(run))
        return mn_fail(MN_BAD_OPTION,
                       "%s is not finished (%lld of %lld tasks); 'mneme resume %s' continues it",
                       run->path, (long long)run->finished, (long long)run->tasks, run->path);
    for (int j = 0; j < i; j++)
        if (runs->run[j].group == run->group && runs->run[j].seed == run->seed)
            return mn_fail(MN_BAD_OPTION, "%s and %s are the same run: %s with seed %lld",
                           runs->run[j].path, run->path, runs->group[run->group].label,
                           (long long)run->seed);
    return MN_OK;
}

static mn_status check(const mn_runs *runs, bool force)
{
    for (int i = 0; i < runs->count; i++)
        MN_TRY(check_run(runs, i));
    if (runs->group_count < 2)
        return mn_fail(MN_BAD_OPTION,
                       "only runs of %s were given; a comparison needs two "
                       "strategies, or two settings of one",
                       runs->group[0].label);
    for (int a = 0; a < runs->group_count && !force; a++)
        for (int b = a + 1; b < runs->group_count; b++)
            MN_TRY(check_budget(&runs->group[a], &runs->group[b]));
    return MN_OK;
}

static int shared_seeds(const mn_runs *runs, int a, int b)
{
    int shared = 0;
    for (int i = 0; i < runs->count; i++)
        shared += runs->run[i].group == a && mn_runs_with_seed(runs, b, runs->run[i].seed) != NULL;
    return shared;
}

static mn_status check_pairs(const mn_runs *runs)
{
    for (int a = 0; a < runs->group_count; a++)
        for (int b = a + 1; b < runs->group_count; b++)
            if (shared_seeds(runs, a, b) == 0)
                return mn_fail(MN_BAD_OPTION,
                               "%s and %s have no seed in common, so they cannot be paired",
                               runs->group[a].label, runs->group[b].label);
    return MN_OK;
}

static void add_row(mn_table *table, const mn_runs *runs, int a, int b, const mn_summary *s)
{
    mn_table_text(table, "%s - %s", runs->group[b].label, runs->group[a].label);
    mn_table_number(table, (double)s->n, 0);
    mn_table_mean(table, s->mean, s->deviation);
    if (s->n < 2) {
        mn_table_text(table, "-");
        mn_table_text(table, "one pair says nothing about spread");
    } else {
        mn_table_text(table, "%+.2f to %+.2f", s->low, s->high);
        /* resampling so few pairs makes the interval too narrow */
        mn_table_text(table, "%s%s",
                      s->low > 0    ? "higher"
                      : s->high < 0 ? "lower"
                                    : "not told apart",
                      s->n < FEW_PAIRS ? "; few pairs, a hint at most" : "");
    }
}

static void print_metric(const mn_runs *runs, const char *metric, mn_scope scope)
{
    mn_table *table = mn_table_new(5);
    mn_table_text(table, "difference");
    mn_table_text(table, "pairs");
    mn_table_text(table, "mean %s std", mn_plus_minus());
    mn_table_text(table, "95 %% interval");
    mn_table_text(table, "verdict");
    bool any = false;
    for (int a = 0; a < runs->group_count; a++)
        for (int b = a + 1; b < runs->group_count; b++) {
            const mn_summary s = mn_paired_difference(runs, a, b, metric, scope);
            if (s.n == 0)
                continue;
            add_row(table, runs, a, b, &s);
            any = true;
        }
    if (any) {
        printf("\n%s %s\n", mn_scope_name(scope), metric);
        mn_table_print(table, stdout);
    }
    mn_table_free(table);
}

static void print_comparison(const mn_runs *runs)
{
    printf("%s, paired by seed; differences in percentage points\n", runs->group[0].run->benchmark);
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
        for (int i = 0; i < METRICS; i++)
            print_metric(runs, metrics[i], scope);
}

static void print_json(const mn_runs *runs)
{
    cJSON *json = mn_or_die(cJSON_CreateArray());
    for (int a = 0; a < runs->group_count; a++)
        for (int b = a + 1; b < runs->group_count; b++)
            for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
                for (int i = 0; i < METRICS; i++) {
                    const mn_summary s = mn_paired_difference(runs, a, b, metrics[i], scope);
                    if (s.n == 0)
                        continue;
                    cJSON *row = mn_summary_json(&s);
                    cJSON_AddStringToObject(row, "of", runs->group[b].label);
                    cJSON_AddStringToObject(row, "minus", runs->group[a].label);
                    cJSON_AddStringToObject(row, "metric", metrics[i]);
                    cJSON_AddStringToObject(row, "scope", mn_scope_name(scope));
                    cJSON_AddItemToArray(json, row);
                }
    mn_json_print(json);
    cJSON_Delete(json);
}

static int compare(const mn_arguments *arguments)
{
    mn_runs runs;
    mn_status status = mn_runs_open(arguments->words, arguments->word_count, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    status = check(&runs, mn_arguments_has(arguments, "force"));
    if (status == MN_OK)
        status = check_pairs(&runs);
    if (status == MN_OK && mn_arguments_has(arguments, "json"))
        print_json(&runs);
    else if (status == MN_OK)
        print_comparison(&runs);
    mn_runs_free(&runs);
    return mn_exit_of_work(status);
}

static const mn_flag flags[] = {
    {.name = "force", .help = "compare in spite of unequal budgets"},
    {.name = "json", .help = "as a JSON array of differences"},
    {.name = NULL},
};

const mn_command mn_command_compare = {
    .name = "compare",
    .synopsis = "FILE... [flags]",
    .summary = "Compares strategies by runs with the same seeds.",
    .details =
        "Runs are grouped by strategy and settings, and paired by seed; a folder stands for the "
        "run files in it.  The interval is a 95 % bootstrap of the mean difference.  Unequal "
        "budgets (benchmark, network, epochs, batch, buffer) are refused, with what differs.",
    .examples = "  mneme compare runs\n"
                "  mneme compare er/*.mneme derpp/*.mneme\n",
    .flags = flags,
    .least = 1,
    .most = INT_MAX,
    .words = "at least one FILE",
    .run = compare,
};
