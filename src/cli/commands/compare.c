/* compare.c -- differences between strategies, paired by seed.
 *
 * A table of many differences shows some that are none: a verdict is about all of them together. */
#include "base/escape.h"
#include "base/names.h"
#include "base/numbers.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/metric.h"
#include "cli/print.h"
#include "cli/show/memory.h"
#include "cli/show/table.h"
#include "cli/study/meant.h"

#include <limits.h>
#include <math.h>
#include <mneme/groups.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

/* Below so many pairs nobody sees whether differences are as normal as Student's interval wants. */
enum { FEW_PAIRS = 10, MOST_METRICS = 32 };
static const double level = 0.05;

static const char *const usual[] = {"average_accuracy", "average_incremental_accuracy",
                                    "forgetting", NULL};
/* Where tasks are of different size, images that weigh the same give other numbers. */
static const char *const of_uneven[] = {"accuracy_micro", "incremental_accuracy_micro", NULL};
static const char intransigence[] = "intransigence";

/* What is compared, and the difference that makes none (NaN: nobody said). */
typedef struct question {
    const char *metrics[MOST_METRICS + 1]; /* NULL-ended */
    char *names;                           /* what `metrics` point into */
    mn_scope scope;                        /* MN_SCOPES: all */
    const char *baseline;                  /* a group's label; NULL: every two are compared */
    double within;
} question;

static const char *told_apart(const mn_difference *d)
{
    if (!(d->corrected < level))
        return "not told apart";
    return d->summary.mean > 0 ? "higher" : "lower";
}

/* "higher; few pairs", for the caller to free. */
static char *verdict_on(const mn_difference *d, const question *asked)
{
    static const char *const equal[] = {
        [MN_YES] = "", [MN_NO] = "not ", [MN_NOT_SHOWN] = "not shown "};
    char within[64] = "";
    if (d->summary.n < 2)
        return mn_text("one pair says nothing about spread");
    if (isfinite(asked->within))
        snprintf(within, sizeof within, "; %swithin %g",
                 equal[mn_verdict_on(&d->summary, -asked->within, asked->within)], asked->within);
    return mn_text("%s%s%s", told_apart(d), within, d->summary.n < FEW_PAIRS ? "; few pairs" : "");
}

/* --- tables --- */

/* For people a table is of one metric and scope, which its title names; in other forms all are rows
 * of one. */
static void add_row(mn_table *table, const mn_writer *writer, const mn_runs *runs,
                    const mn_difference *d, const question *asked)
{
    const mn_summary *s = &d->summary;
    const int digits = mn_metric_digits(d->metric);
    char *verdict = verdict_on(d, asked);
    if (writer->form != MN_FORM_TABLE) {
        mn_table_text(table, "%s", mn_scope_name(d->scope));
        mn_table_text(table, "%s", d->metric);
    }
    mn_table_text(table, "%s - %s", runs->group[d->of].label, runs->group[d->minus].label);
    mn_table_number(table, (double)s->n, 0);
    mn_table_mean(table, s->mean, s->deviation, digits);
    if (s->n < 2)
        mn_table_none(table);
    else
        mn_table_range(table, s->low, s->high, true, digits);
    mn_table_number(table, mn_visible_difference(s), digits);
    if (d->corrected < 0.0001 && writer->form != MN_FORM_CSV)
        mn_table_text(table, "<0.0001");
    else
        mn_table_number(table, d->corrected, 4);
    mn_table_text(table, "%s", verdict);
    mn_memory_give(verdict);
}

static bool same_table(const mn_writer *writer, const mn_difference *a, const mn_difference *b)
{
    return writer->form != MN_FORM_TABLE || (a->scope == b->scope && a->metric == b->metric);
}

/* Writes the differences of one table, which follow one another, and says how many. */
static int64_t print_table(const mn_runs *runs, const mn_difference *list, int64_t count,
                           const question *asked, mn_writer *writer)
{
    static const char *const heading[] = {"scope",     "metric", "difference",
                                          "pairs",     "mean",   "95 % interval",
                                          "could see", "p",      "verdict"};
    enum { COLUMNS = sizeof heading / sizeof heading[0] };
    const int first = writer->form == MN_FORM_TABLE ? 2 : 0;
    int64_t rows = 0;
    mn_table *table = mn_table_new(COLUMNS - first);
    if (first > 0)
        mn_table_title(table, "%s %s", mn_scope_name(list[0].scope), list[0].metric);
    for (int i = first; i < COLUMNS; i++)
        mn_table_text(table, "%s", heading[i]);
    while (rows < count && same_table(writer, &list[0], &list[rows]))
        add_row(table, writer, runs, &list[rows++], asked);
    mn_say(writer, "\n");
    mn_table_print(table, writer);
    mn_table_free(table);
    return rows;
}

static void print_comparison(const mn_runs *runs, const mn_difference *list, int64_t count,
                             const question *asked, mn_writer *writer)
{
    int64_t tests = 0, few = 0;
    mn_say(writer,
           "%s, paired by seed; differences in percentage points, mean %s sample standard "
           "deviation\n",
           mn_shown(runs->group[0].run->benchmark), mn_plus_minus());
    for (int64_t i = 0; i < count;)
        i += print_table(runs, &list[i], count - i, asked, writer);
    for (int64_t i = 0; i < count; i++) {
        tests += list[i].summary.n > 1;
        few += list[i].summary.n > 1 && list[i].summary.n < FEW_PAIRS;
    }
    if (tests == 0)
        return;
    mn_say(writer,
           "\n%lld comparison%s: p and verdict are Holm's for all of them together, at 5 %%; an "
           "interval is of its own row alone.\n"
           "could see: a true difference that four of five such studies would find, if it were "
           "the only comparison.\n",
           (long long)tests, tests == 1 ? "" : "s");
    if (few > 0)
        mn_say(writer,
               "few pairs: below %d nobody sees whether differences are normal, as Student's "
               "interval takes them to be.\n",
               FEW_PAIRS);
}

/* --- for machines --- */

static void print_json(const mn_runs *runs, const mn_difference *list, int64_t count,
                       const question *asked)
{
    cJSON *json = mn_json_array();
    for (int64_t i = 0; i < count; i++) {
        const mn_difference *d = &list[i];
        cJSON *row = mn_summary_json(&d->summary);
        cJSON_AddStringToObject(row, "of", runs->group[d->of].label);
        cJSON_AddStringToObject(row, "minus", runs->group[d->minus].label);
        cJSON_AddStringToObject(row, "metric", d->metric);
        cJSON_AddStringToObject(row, "scope", mn_scope_name(d->scope));
        cJSON_AddItemToObject(row, "visible", mn_json_number(mn_visible_difference(&d->summary)));
        cJSON_AddItemToObject(row, "p", mn_json_number(d->probability));
        cJSON_AddItemToObject(row, "p_corrected", mn_json_number(d->corrected));
        cJSON_AddNumberToObject(row, "comparisons", (double)count);
        char *verdict = verdict_on(d, asked);
        cJSON_AddStringToObject(row, "verdict", verdict);
        mn_memory_give(verdict);
        cJSON_AddItemToArray(json, row);
    }
    mn_json_print(json);
    cJSON_Delete(json);
}

/* --- the command --- */

static mn_status read_metrics(const char *given, question *asked)
{
    if (given == NULL)
        return MN_OK;
    int count = 0;
    asked->names = mn_text("%s", given);
    for (char *name, *rest = asked->names; (name = strsep(&rest, ",")) != NULL;) {
        if (strcmp(name, intransigence) != 0)
            MN_TRY(mn_metric_check("--metric", name));
        if (count == MOST_METRICS)
            return mn_fail(MN_BAD_OPTION, "--metric: more than %d names; give fewer", MOST_METRICS);
        asked->metrics[count++] = name;
    }
    asked->metrics[count] = NULL;
    return MN_OK;
}

static mn_status read_question(const mn_arguments *arguments, question *asked)
{
    const char *within = mn_arguments_value(arguments, "within");
    *asked =
        (question){.within = (double)NAN, .baseline = mn_arguments_value(arguments, "baseline")};
    MN_TRY(mn_scope_find("--scope", mn_arguments_value(arguments, "scope"), &asked->scope));
    MN_TRY(read_metrics(mn_arguments_value(arguments, "metric"), asked));
    if (within == NULL)
        return MN_OK;
    return mn_number_real(within, &asked->within) && asked->within > 0
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "--within: '%s' is not a number above 0", within);
}

static bool is_uneven(const mn_runs *runs)
{
    for (int64_t i = 0; i < runs->count; i++)
        for (mn_scope scope = 0; scope < MN_SCOPES; scope++) {
            const mn_results *results = runs->run[i].results;
            const double by_task = mn_results_metric(results, "average_accuracy", scope);
            const double by_image = mn_results_metric(results, "accuracy_micro", scope);
            if (fabs(by_task - by_image) > 1e-9)
                return true;
        }
    return false;
}

/* Nobody named metrics: the usual ones, and those that these runs give a meaning to. */
static void choose_metrics(const mn_runs *runs, question *asked)
{
    int count = 0;
    bool joint = false;
    for (int i = 0; usual[i] != NULL; i++)
        asked->metrics[count++] = usual[i];
    for (int i = 0; of_uneven[i] != NULL && is_uneven(runs); i++)
        asked->metrics[count++] = of_uneven[i];
    for (int64_t group = 0; group < runs->group_count; group++)
        joint = joint || strcmp(runs->group[group].run->strategy, "joint") == 0;
    if (joint)
        asked->metrics[count++] = intransigence;
}

/* The group of this label or, where that is no label, the only one of this strategy. */
static mn_status find_baseline(const mn_runs *runs, const char *name, int64_t *group)
{
    const char **labels =
        mn_or_die(mn_memory_take_zeroed((size_t)runs->group_count + 1, sizeof *labels));
    int64_t of_strategy = 0;
    *group = -1;
    for (int64_t i = 0; i < runs->group_count; i++) {
        labels[i] = runs->group[i].label;
        if (strcmp(runs->group[i].run->strategy, name) == 0) {
            of_strategy++;
            *group = i;
        }
    }
    for (int64_t i = 0; i < runs->group_count; i++)
        if (strcmp(labels[i], name) == 0) {
            *group = i;
            of_strategy = 1;
        }
    const char *nearest = mn_nearest(name, labels);
    mn_memory_give(labels);
    if (of_strategy == 1)
        return MN_OK;
    if (of_strategy > 1)
        return mn_fail(MN_BAD_OPTION,
                       "--baseline: %lld groups of runs are of '%s'; name one by its label, as in "
                       "'%s'",
                       (long long)of_strategy, name, runs->group[*group].label);
    return mn_fail(MN_BAD_OPTION, "--baseline: no runs are of '%s'%s%s%s", name,
                   nearest != NULL ? "; did you mean '"
                                   : "; 'mneme show' says what they are called",
                   nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

static mn_status find_differences(const mn_runs *runs, const question *asked, mn_difference **list,
                                  int64_t *count)
{
    int64_t baseline = -1;
    if (asked->baseline == NULL)
        return mn_differences(runs, asked->metrics, asked->scope, list, count);
    MN_TRY(find_baseline(runs, asked->baseline, &baseline));
    return mn_differences_from(runs, baseline, asked->metrics, asked->scope, list, count);
}

static mn_status check_runs(const mn_runs *runs, const mn_arguments *arguments)
{
    MN_TRY(mn_runs_check_pairs(runs));
    if (mn_arguments_has(arguments, "force"))
        return MN_OK;
    const mn_status status = mn_runs_check_budgets(runs);
    return status == MN_OK ? MN_OK : mn_fail(status, "%s (--force compares anyway)", mn_error());
}

static int compare(const mn_arguments *arguments)
{
    mn_runs *runs = NULL;
    mn_difference *list = NULL;
    int64_t count = 0;
    question asked;
    mn_writer writer;
    mn_status request = read_question(arguments, &asked);
    if (request == MN_OK)
        request = mn_writer_read(arguments, &writer);
    int code = mn_exit_of_request(request);
    if (code == MN_EXIT_DONE) {
        mn_status status = mn_runs_meant(arguments->words, arguments->word_count, &runs);
        if (status == MN_OK)
            status = check_runs(runs, arguments);
        if (status == MN_OK && asked.metrics[0] == NULL)
            choose_metrics(runs, &asked);
        if (status == MN_OK)
            status = find_differences(runs, &asked, &list, &count);
        code = mn_exit_of_work(status);
    }
    if (code == MN_EXIT_DONE && writer.form == MN_FORM_JSON)
        print_json(runs, list, count, &asked);
    else if (code == MN_EXIT_DONE)
        print_comparison(runs, list, count, &asked, &writer);
    if (code == MN_EXIT_DONE && writer.form == MN_FORM_TABLE)
        code = mn_exit_of_work(mn_memory_print_groups(runs, &writer));
    mn_memory_give(list);
    mn_memory_give(asked.names);
    mn_runs_free(runs);
    return code;
}

static const mn_flag flags[] = {
    {.name = "baseline",
     .value = "NAME",
     .help = "compare each other strategy with this one alone, by its name or label in `mneme "
             "show`; fewer comparisons show more"},
    {.name = "metric",
     .value = "NAMES",
     .help = "the metrics to compare, with commas: those of `mneme show`, and intransigence "
             "(default average_accuracy, average_incremental_accuracy, forgetting; where tasks are "
             "uneven also accuracy_micro and incremental_accuracy_micro; beside joint also "
             "intransigence); fewer comparisons show more"},
    {.name = "scope", .value = "NAME", .help = "class-il, task-il or domain-il alone"},
    {.name = "within",
     .value = "X",
     .help = "also say whether two are equal but for X points: the whole interval lies between -X "
             "and X"},
    {.name = "force", .help = "compare in spite of unequal budgets"},
    {.name = "json", .help = "as a JSON array of differences"},
    MN_FORMAT_FLAG,
    {.name = NULL},
};

const mn_command mn_command_compare = {
    .name = "compare",
    .synopsis = "FILE... [flags]",
    .summary = "Compares strategies by runs with the same seeds.",
    .details =
        "Runs are grouped by strategy and settings, and paired by seed; a folder, or the "
        "manifest of a sweep, stands for its runs.  The interval is Student's 95 % interval of the "
        "mean difference.  A "
        "verdict takes all comparisons of the table into account (Holm's correction).  Unequal "
        "budgets (benchmark, network, epochs, batch, buffer), other data and other numerics are "
        "refused, with what differs.  Below the differences stands what each keeps from task to "
        "task beside its network, in bytes: a mean over its runs.",
    .examples = "  mneme compare runs\n"
                "  mneme compare runs --metric accuracy_micro --scope class-il --within 1\n"
                "  mneme compare runs --baseline er --metric average_accuracy --format latex\n"
                "  mneme compare er/*.mneme derpp/*.mneme\n",
    .flags = flags,
    .least = 1,
    .most = INT_MAX,
    .words = "at least one FILE",
    .run = compare,
};
