/* report.c -- what is printed about runs.  Numbers come from the run files' own views; nothing is
 * computed here. */
#include "cli/show/report.h"
#include "base/escape.h"
#include "base/options.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/report_json.h"
#include "cli/show/table.h"

#include <math.h>
#include <mneme/experiment.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- one run --- */

static bool row_was_measured(const mn_run *run, mn_scope scope, int64_t after)
{
    for (int64_t on = 0; on < run->tasks; on++)
        if (!isnan(mn_results_accuracy(run->results, scope, after, on)))
            return true;
    return false;
}

static void print_matrix(const mn_run *run, mn_scope scope, mn_writer *writer)
{
    const char *images = mn_results_value(run->results, "evaluated_on");
    mn_table *table = mn_table_new((int)run->tasks + 1);
    mn_say(writer, "\n");
    mn_table_title(table, "%s accuracy in per cent on %s images, of each task after each task",
                   mn_scope_name(scope),
                   scope >= MN_TEST_SCOPES ? "validation"
                   : images != NULL        ? images
                                           : "test");
    mn_table_text(table, "after");
    for (int64_t on = 0; on < run->tasks; on++)
        mn_table_text(table, "on %lld", (long long)on + 1);
    for (int64_t after = -1; after < run->tasks; after++) {
        if (!row_was_measured(run, scope, after))
            continue;
        if (after < 0)
            mn_table_text(table, "untrained");
        else
            mn_table_text(table, "task %lld", (long long)after + 1);
        for (int64_t on = 0; on < run->tasks; on++)
            mn_table_number(table, mn_results_accuracy(run->results, scope, after, on), 2);
    }
    mn_table_print(table, writer);
    mn_table_free(table);
}

static void print_metrics(const mn_run *run, mn_writer *writer)
{
    mn_scope scopes[MN_SCOPES];
    int count = 0;
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
        if (mn_results_has(run->results, scope))
            scopes[count++] = scope;
    if (count == 0)
        return;
    mn_table *table = mn_table_new(count + 2);
    mn_table_text(table, "metric");
    for (int i = 0; i < count; i++)
        mn_table_text(table, "%s", mn_scope_name(scopes[i]));
    mn_table_text(table, "meaning");
    const char *name, *meaning;
    for (int i = 0; (name = mn_metric_name(i, &meaning)) != NULL; i++) {
        mn_table_text(table, "%s", name);
        for (int j = 0; j < count; j++)
            mn_table_number(table, mn_results_metric(run->results, name, scopes[j]),
                            mn_metric_digits(name));
        mn_table_text(table, "%s", meaning);
    }
    mn_say(writer, "\n");
    mn_table_print(table, writer);
    mn_table_free(table);
}

/* --- other classifiers on unlabelled images --- */

/* The accuracy of the i-th one's classifier and class, after the first or the last task that it was
 * measured after. */
static double probed(const mn_probed *probes, int64_t count, int64_t i, bool last)
{
    double accuracy = (double)NAN;
    for (int64_t j = 0; j < count; j++) {
        const bool same = probes[j].scope == probes[i].scope &&
                          probes[j].label == probes[i].label &&
                          strcmp(probes[j].classifier, probes[i].classifier) == 0;
        if (same && (last || isnan(accuracy)))
            accuracy = probes[j].accuracy;
    }
    return accuracy;
}

static void print_probes_of(const mn_run *run, const mn_probed *probes, int64_t count,
                            mn_scope scope, mn_writer *writer)
{
    mn_table *table = mn_table_new(4);
    mn_table_text(table, "classifier");
    mn_table_text(table, "class");
    mn_table_text(table, "learned");
    mn_table_text(table, "last");
    bool any = false;
    for (int64_t i = 0; i < count; i++) {
        bool first = probes[i].scope == scope;
        for (int64_t j = 0; j < i && first; j++)
            first = probes[j].scope != scope || probes[j].label != probes[i].label ||
                    strcmp(probes[j].classifier, probes[i].classifier) != 0;
        if (!first)
            continue;
        mn_table_text(table, "%s", probes[i].classifier);
        const char *name = mn_results_class_name(run->results, probes[i].label);
        mn_table_text(table, "%s", name != NULL ? name : "?");
        mn_table_number(table, probed(probes, count, i, false), 2);
        mn_table_number(table, probed(probes, count, i, true), 2);
        any = true;
    }
    if (any) {
        mn_say(writer, "\n");
        mn_table_title(table,
                       "%s accuracy in per cent on unlabelled training images, by other "
                       "classifiers",
                       mn_scope_name(scope));
        mn_table_print(table, writer);
    }
    mn_table_free(table);
}

static void print_probes(const mn_run *run, mn_writer *writer)
{
    mn_probed *probes;
    int64_t count;
    if (mn_results_probes(run->results, &probes, &count) != MN_OK)
        return;
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
        print_probes_of(run, probes, count, scope, writer);
    mn_memory_give(probes);
}

/* Settings that are shown whatever their value; others only where they are not the default. */
static bool always_shown(const mn_run *run, const char *name)
{
    const char *steps = mn_settings_value(&run->settings, "train.steps");
    if (strcmp(name, "epochs") == 0)
        return steps == NULL || strcmp(steps, "0") == 0; /* else these are not counted */
    static const char *const names[] = {"batch", "lr", "buffer_size", "buffer_policy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_default(const mn_option *options, const char *name, const char *value)
{
    char text[128];
    for (const mn_option *option = options; option != NULL && option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return option->type == MN_OPTION_REAL /* the text of a default has fewer digits */
                       ? strtod(value, NULL) == option->default_real
                       : strcmp(mn_option_default(option, text, sizeof text), value) == 0;
    return false;
}

/* "network: mlp widths=100,100"; of `options`, where a section has them, those that were changed.
 */
static void print_section(const mn_run *run, const char *section, const mn_option *options)
{
    const size_t length = strlen(section);
    const bool train = strcmp(section, "train") == 0;
    char *key = mn_text("%s.name", section);
    const char *type = mn_settings_value(&run->settings, key);
    char *line = mn_text("%s:%s%s", section, type != NULL ? " " : "", type != NULL ? type : "");
    bool any = type != NULL;
    for (int64_t i = 0; i < run->settings.count; i++) {
        const mn_setting *setting = &run->settings.setting[i];
        const char *name = setting->key + length + 1;
        if (strncmp(setting->key, section, length) != 0 || setting->key[length] != '.' ||
            setting->value[0] == '\0' || strcmp(setting->key, key) == 0 ||
            (!(train && always_shown(run, name)) && is_default(options, name, setting->value)))
            continue;
        char *longer = mn_text("%s %s=%s", line, name, setting->value);
        mn_memory_give(line);
        line = longer;
        any = true;
    }
    if (any)
        mn_print_wrapped(line, 2);
    mn_memory_give(line);
    mn_memory_give(key);
}

static void print_settings(const mn_run *run)
{
    char *copy = mn_text("%s", run->strategy), *rest = copy;
    const char *section;
    for (int i = 0; (section = mn_section_name(i)) != NULL; i++) {
        print_section(run, section, mn_section_options(i));
        for (char *name; i == 0 && (name = strsep(&rest, "+")) != NULL;)
            print_section(run, name, NULL); /* after "train" */
    }
    mn_memory_give(copy);
}

static const char *classes_of(const mn_run *run, int64_t task)
{
    const char *classes = mn_results_task_classes(run->results, task);
    return classes != NULL ? classes : "";
}

/* In domain-incremental streams all tasks have the same classes. */
static void print_tasks(const mn_run *run)
{
    bool same = run->tasks > 1;
    for (int64_t task = 1; task < run->tasks; task++)
        same = same && strcmp(classes_of(run, task), classes_of(run, 0)) == 0;
    for (int64_t task = 0; task < (same ? 1 : run->tasks); task++) {
        char *line = same ? mn_text("each task: %s", classes_of(run, task))
                          : mn_text("task %lld: %s", (long long)task + 1, classes_of(run, task));
        mn_print_wrapped(line, 2);
        mn_memory_give(line);
    }
    for (int64_t task = 0; task < run->tasks; task++) {
        const char *domain = mn_results_task_domain(run->results, task);
        if (domain == NULL)
            continue;
        char *line = mn_text("domain of task %lld: %s", (long long)task + 1, domain);
        mn_print_wrapped(line, 2);
        mn_memory_give(line);
    }
}

static const char *value_or(const mn_run *run, const char *key, const char *otherwise)
{
    const char *value = mn_results_value(run->results, key);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* Training images whose label the stream made wrong. */
static void print_noised(const mn_run *run)
{
    const char *noised = value_or(run, "noised", NULL);
    if (noised == NULL)
        return;
    char *line = mn_text("wrong labels of training images, by task: %s", noised);
    mn_print_wrapped(line, 2);
    mn_memory_give(line);
}

/* Why it failed, where its settings come from, and what it ran on. */
static void print_origin(const mn_run *run)
{
    char text[32];
    const char *error = value_or(run, "error", NULL), *recipe = value_or(run, "recipe", NULL);
    if (error != NULL && !mn_run_is_finished(run))
        mn_print_wrapped(error, 2);
    if (recipe != NULL)
        mn_print_wrapped(recipe, 2);
    char *line = mn_text(
        "mneme %s (numerics %s) on %s, %s thread(s), started %s, took %s",
        value_or(run, "version", "?"), value_or(run, "numerics", "1"), value_or(run, "host", "?"),
        value_or(run, "threads", "?"), value_or(run, "started", "?"),
        mn_duration(strtod(value_or(run, "seconds", "0"), NULL), text, sizeof text));
    mn_print_wrapped(line, 2);
    mn_memory_give(line);
}

static void print_kept(const mn_kept_state *kept, int64_t count, mn_writer *writer)
{
    mn_table *table = mn_table_new(5);
    static const char *const heading[] = {"kept besides", "is", "numbers", "bytes",
                                          "same as images"};
    for (int i = 0; i < 5; i++)
        mn_table_text(table, "%s", heading[i]);
    for (int64_t i = 0; i < count; i++) {
        mn_table_text(table, "%s", kept[i].name);
        mn_table_text(table, "%s", kept[i].network ? "network" : "tensor");
        mn_table_number(table, (double)kept[i].numbers, 0);
        mn_table_number(table, (double)kept[i].bytes, 0);
        mn_table_number(table, kept[i].images, 1);
    }
    mn_say(writer, "\n");
    mn_table_print(table, writer);
    mn_table_free(table);
}

void mn_report_kept(const mn_results *results, mn_writer *writer)
{
    mn_kept_state *kept;
    int64_t count;
    if (mn_results_kept(results, &kept, &count) != MN_OK)
        return;
    if (count > 0)
        print_kept(kept, count, writer);
    mn_memory_give(kept);
}

/* For people alone: tables in other forms stand beside a text that says what they are of. */
static void print_head(const mn_run *run)
{
    printf("%s\n%s, %s, seed %lld: %s, %lld of %lld tasks\n", mn_shown(run->path),
           mn_shown(run->benchmark), mn_shown(run->strategy), (long long)run->seed,
           mn_shown(mn_run_standing(run)), (long long)run->finished, (long long)run->tasks);
    print_origin(run);
    print_settings(run);
    print_tasks(run);
    print_noised(run);
}

void mn_report_run(const mn_run *run, mn_writer *writer)
{
    if (writer->form == MN_FORM_JSON) {
        cJSON *json = mn_report_run_json(run);
        mn_json_print(json);
        cJSON_Delete(json);
        return;
    }
    if (writer->form == MN_FORM_TABLE)
        print_head(run);
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
        if (mn_results_has(run->results, scope))
            print_matrix(run, scope, writer);
    print_probes(run, writer);
    print_metrics(run, writer);
    mn_report_kept(run->results, writer);
}

/* --- many runs --- */

/* The metrics of the overview and their headings; all of them are in the report of a single run. */
static const char *const overview[] = {"average_accuracy", "forgetting"};
enum { OVERVIEW = sizeof overview / sizeof overview[0] };

static bool one_benchmark(const mn_runs *runs)
{
    for (int i = 1; i < runs->count; i++)
        if (strcmp(runs->run[i].benchmark, runs->run[0].benchmark) != 0)
            return false;
    return true;
}

static int metric_columns(const mn_runs *runs)
{
    int columns = 0;
    for (mn_scope scope = 0; scope < MN_TEST_SCOPES; scope++)
        columns += mn_runs_have(runs, scope) ? OVERVIEW : 0;
    return columns;
}

/* Programs want no two columns of one name. */
static void add_metric_headings(mn_table *table, const mn_runs *runs, const mn_writer *writer)
{
    for (mn_scope scope = 0; scope < MN_TEST_SCOPES; scope++) {
        if (!mn_runs_have(runs, scope))
            continue;
        const bool people = writer->form == MN_FORM_TABLE;
        mn_table_text(table, "%s%s", mn_scope_name(scope), people ? "" : " accuracy");
        mn_table_text(table, "%s%sforgetting", people ? "" : mn_scope_name(scope),
                      people ? "" : " ");
    }
}

static void print_lines(const mn_runs *runs, mn_writer *writer)
{
    const bool one = one_benchmark(runs);
    mn_table *table = mn_table_new((one ? 4 : 5) + metric_columns(runs));
    mn_table_text(table, "file");
    if (!one)
        mn_table_text(table, "benchmark");
    mn_table_text(table, "strategy");
    mn_table_text(table, "seed");
    mn_table_text(table, "tasks");
    add_metric_headings(table, runs, writer);
    for (int i = 0; i < runs->count; i++) {
        const mn_run *run = &runs->run[i];
        mn_table_text(table, "%s", run->path);
        if (!one)
            mn_table_text(table, "%s", run->benchmark);
        mn_table_text(table, "%s", runs->group[run->group].label);
        mn_table_number(table, (double)run->seed, 0);
        mn_table_text(table, "%lld/%lld", (long long)run->finished, (long long)run->tasks);
        for (mn_scope scope = 0; scope < MN_TEST_SCOPES; scope++)
            for (int m = 0; m < OVERVIEW && mn_runs_have(runs, scope); m++)
                mn_table_number(table, mn_results_metric(run->results, overview[m], scope), 2);
    }
    mn_table_print(table, writer);
    mn_table_free(table);
}

static void add_group(mn_table *table, const mn_runs *runs, int group)
{
    for (mn_scope scope = 0; scope < MN_TEST_SCOPES; scope++)
        for (int m = 0; m < OVERVIEW && mn_runs_have(runs, scope); m++) {
            mn_summary summary;
            mn_ok_or_die(mn_group_summary(runs, group, overview[m], scope, &summary));
            mn_table_mean(table, summary.mean, summary.deviation, mn_metric_digits(overview[m]));
        }
}

static void print_groups(const mn_runs *runs, mn_writer *writer)
{
    const bool one = one_benchmark(runs);
    mn_table *table = mn_table_new((one ? 2 : 3) + metric_columns(runs));
    if (!one)
        mn_table_text(table, "benchmark");
    mn_table_text(table, "strategy");
    mn_table_text(table, "runs");
    add_metric_headings(table, runs, writer);
    bool unfinished = false;
    for (int group = 0; group < runs->group_count; group++) {
        const mn_group *g = &runs->group[group];
        unfinished = unfinished || g->finished < g->members;
        if (!one)
            mn_table_text(table, "%s", g->run->benchmark);
        mn_table_text(table, "%s", g->label);
        mn_table_number(table, (double)g->finished, 0);
        add_group(table, runs, group);
    }
    mn_say(writer, "\nmean %s sample standard deviation over seeds%s\n", mn_plus_minus(),
           unfinished ? " (unfinished runs left out)" : "");
    mn_table_print(table, writer);
    mn_table_free(table);
}

static void print_intransigence(const mn_runs *runs, mn_writer *writer)
{
    mn_difference *list;
    int64_t count;
    mn_ok_or_die(mn_read_intransigence(runs, &list, &count));
    mn_table *table = mn_table_new(4);
    mn_table_text(table, "strategy");
    mn_table_text(table, "scope");
    mn_table_text(table, "pairs");
    mn_table_text(table, "intransigence");
    for (int64_t i = 0; i < count; i++) {
        mn_table_text(table, "%s", runs->group[list[i].minus].label);
        mn_table_text(table, "%s", mn_scope_name(list[i].scope));
        mn_table_number(table, (double)list[i].summary.n, 0);
        mn_table_mean(table, list[i].summary.mean, list[i].summary.deviation, 2);
    }
    if (count > 0) {
        mn_say(writer,
               "\njoint training minus the strategy, on each task right after it was learned\n");
        mn_table_print(table, writer);
    }
    mn_table_free(table);
    mn_memory_give(list);
}

/* A paper's table has a row for each group; `mneme export` has one for each evaluation. */
void mn_report_runs(const mn_runs *runs, mn_writer *writer)
{
    if (writer->form == MN_FORM_JSON) {
        cJSON *json = mn_report_runs_json(runs);
        mn_json_print(json);
        cJSON_Delete(json);
        return;
    }
    if (writer->form != MN_FORM_TABLE) {
        print_groups(runs, writer);
        return;
    }
    printf("%s%saverage accuracy after the last task, and forgetting, in per cent\n\n",
           one_benchmark(runs) ? mn_shown(runs->run[0].benchmark) : "",
           one_benchmark(runs) ? ": " : "");
    print_lines(runs, writer);
    print_groups(runs, writer);
    print_intransigence(runs, writer);
}
