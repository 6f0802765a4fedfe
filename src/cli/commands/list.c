/* list.c -- what there is, by name: benchmarks, strategies, buffers, networks, data sets. */
#include "base/names.h"
#include "base/options.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/table.h"

#include <mneme/experiment.h>
#include <mneme/registry.h>
#include <mneme/strategy.h>
#include <string.h>

static const struct {
    const char *many, *one;
    mn_kind kind; /* MN_KINDS: benchmarks, which are files */
} lists[] = {
    {"benchmarks", "benchmark", MN_KINDS},    {"strategies", "strategy", MN_KIND_STRATEGY},
    {"buffers", "buffer", MN_KIND_POLICY},    {"networks", "network", MN_KIND_NETWORK},
    {"datasets", "dataset", MN_KIND_DATASET},
};
enum { LISTS = sizeof lists / sizeof lists[0] };

/* The i-th name of a list and its summary; NULL past the end. */
static const char *name_at(const mn_benchmarks *benchmarks, mn_kind kind, int i,
                           const char **summary)
{
    if (kind == MN_KINDS)
        return mn_benchmark(benchmarks, i, summary);
    const mn_descriptor *descriptor = mn_registered(kind, i);
    if (descriptor == NULL)
        return NULL;
    *summary = descriptor->summary;
    return descriptor->name;
}

static void print_list(const mn_benchmarks *benchmarks, mn_kind kind)
{
    const char *name, *summary;
    for (int i = 0; (name = name_at(benchmarks, kind, i, &summary)) != NULL; i++)
        mn_print_entry(name, summary);
}

static void add_list(cJSON *lists_json, const char *many, const mn_benchmarks *benchmarks,
                     mn_kind kind)
{
    cJSON *list = cJSON_AddArrayToObject(lists_json, many);
    const char *name, *summary;
    for (int i = 0; (name = name_at(benchmarks, kind, i, &summary)) != NULL; i++) {
        cJSON *entry = mn_json_object();
        cJSON_AddStringToObject(entry, "name", name);
        cJSON_AddStringToObject(entry, "summary", summary);
        cJSON_AddItemToArray(list, entry);
    }
}

/* What a strategy asks of a run, a column each. */
static const struct {
    const char *heading;
    uint64_t need;
} needs[] = {
    {"buffer", MN_NEEDS_BUFFER},
    {"task borders", MN_NEEDS_TASK_BOUNDARIES},
    {"classes once", MN_NEEDS_CONTIGUOUS_CLASSES},
    {"task at test", MN_NEEDS_TEST_TASK},
    {"past data", MN_NEEDS_PAST_DATA},
    {"unlabelled", MN_USES_UNLABELLED},
};
enum { NEEDS = sizeof needs / sizeof needs[0] };

static int list_needs(const mn_arguments *arguments)
{
    mn_writer writer;
    const mn_descriptor *descriptor;
    const mn_status asked = mn_writer_read(arguments, &writer);
    if (asked != MN_OK)
        return mn_exit_of_request(asked);
    mn_table *table = mn_table_new(NEEDS + 2);
    mn_table_text(table, "strategy");
    for (int i = 0; i < NEEDS; i++)
        mn_table_text(table, "%s", needs[i].heading);
    mn_table_text(table, "stands on");
    for (int i = 0; (descriptor = mn_registered(MN_KIND_STRATEGY, i)) != NULL; i++) {
        const mn_strategy *strategy = (const mn_strategy *)(const void *)descriptor;
        mn_table_text(table, "%s", strategy->name);
        for (int n = 0; n < NEEDS; n++)
            mn_table_text(table, "%s", (strategy->needs & needs[n].need) != 0 ? "yes" : "-");
        mn_table_text(table, "%s",
                      strategy->loss != NULL     ? "itself"
                      : strategy->scores != NULL ? "itself, on features"
                                                 : "another: base+it");
    }
    mn_table_print(table, &writer);
    mn_table_free(table);
    return MN_EXIT_DONE;
}

static int unknown_list(const char *what)
{
    const char *names[LISTS + 1] = {NULL};
    for (int i = 0; i < LISTS; i++)
        names[i] = lists[i].many;
    const char *nearest = mn_nearest(what, names);
    mn_complain("there is no list of '%s'; %s%s%s", what,
                nearest != NULL ? "did you mean '" : "choose one of ",
                nearest != NULL ? nearest : "benchmarks, strategies, buffers, networks, datasets",
                nearest != NULL ? "'?" : "");
    return MN_EXIT_USAGE;
}

static int list(const mn_arguments *arguments)
{
    const char *what = arguments->words[0];
    if (mn_arguments_has(arguments, "needs"))
        return what == NULL || strcmp(what, "strategies") == 0 || strcmp(what, "strategy") == 0
                   ? list_needs(arguments)
                   : mn_exit_of_request(mn_fail(
                         MN_BAD_OPTION, "--needs: '%s' need nothing; it is for strategies", what));
    if (mn_arguments_has(arguments, "format"))
        return mn_exit_of_request(mn_fail(MN_BAD_OPTION, "--format is for --needs, a table"));
    mn_benchmarks *benchmarks;
    const mn_status status = mn_benchmarks_new(&benchmarks);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    cJSON *json = mn_arguments_has(arguments, "json") ? mn_json_object() : NULL;
    bool found = false;
    for (int i = 0; i < LISTS; i++) {
        if (what != NULL && strcmp(what, lists[i].many) != 0 && strcmp(what, lists[i].one) != 0)
            continue;
        if (json != NULL) {
            add_list(json, lists[i].many, benchmarks, lists[i].kind);
        } else {
            if (what == NULL)
                printf("%s%s:\n", i > 0 ? "\n" : "", lists[i].many);
            print_list(benchmarks, lists[i].kind);
        }
        found = true;
    }
    if (json != NULL && found)
        mn_json_print(json);
    cJSON_Delete(json);
    mn_benchmarks_free(benchmarks);
    return found ? MN_EXIT_DONE : unknown_list(what);
}

static const mn_flag flags[] = {
    {.name = "json", .help = "as one JSON object"},
    {.name = "needs",
     .help =
         "of strategies: what each needs of a run: a buffer, borders of tasks, each class in one "
         "task, the task of a test image, data of earlier tasks; whether it learns from unlabelled "
         "images; and whether it stands alone"},
    MN_FORMAT_FLAG,
    {.name = NULL},
};

const mn_command mn_command_list = {
    .name = "list",
    .synopsis = "[benchmarks|strategies|buffers|networks|datasets]",
    .summary = "Lists benchmarks, strategies, buffer policies, networks and data sets.",
    .details = "'mneme help NAME' describes each of them.",
    .flags = flags,
    .most = 1,
    .words = "at most the name of one list",
    .run = list,
};
