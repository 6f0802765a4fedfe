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
