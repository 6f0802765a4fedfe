/* compare.c -- differences between strategies, paired by seed. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/table.h"

#include <limits.h>
#include <mneme/groups.h>
#include <stdio.h>

enum { FEW_PAIRS = 5 };

static const char *const metrics[] = {"average_accuracy", "average_incremental_accuracy",
                                      "forgetting"};
enum { METRICS = sizeof metrics / sizeof metrics[0] };

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
            mn_summary s;
            mn_ok_or_die(mn_paired_difference(runs, b, a, metric, scope, &s));
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
    cJSON *json = mn_json_array();
    for (int a = 0; a < runs->group_count; a++)
        for (int b = a + 1; b < runs->group_count; b++)
            for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
                for (int i = 0; i < METRICS; i++) {
                    mn_summary s;
                    mn_ok_or_die(mn_paired_difference(runs, b, a, metrics[i], scope, &s));
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
    mn_runs *runs;
    mn_status status = mn_runs_open(arguments->words, arguments->word_count, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    status = mn_runs_check_pairs(runs);
    if (status == MN_OK && !mn_arguments_has(arguments, "force") &&
        (status = mn_runs_check_budgets(runs)) != MN_OK)
        status = mn_fail(status, "%s (--force compares anyway)", mn_error());
    if (status == MN_OK && mn_arguments_has(arguments, "json"))
        print_json(runs);
    else if (status == MN_OK)
        print_comparison(runs);
    mn_runs_free(runs);
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
