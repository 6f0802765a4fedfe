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

/* The i-th name of a list and its summary; NULL past the end. */
typedef const char *(*name_at)(int i, const char **summary);

static const char *strategy_at(int i, const char **summary);
static const char *buffer_at(int i, const char **summary);
static const char *network_at(int i, const char **summary);
static const char *dataset_at(int i, const char **summary);

static const struct {
    const char *many, *one;
    name_at at;
} lists[] = {
    {"benchmarks", "benchmark", mn_benchmark}, {"strategies", "strategy", strategy_at},
    {"buffers", "buffer", buffer_at},          {"networks", "network", network_at},
    {"datasets", "dataset", dataset_at},
};
enum { LISTS = sizeof lists / sizeof lists[0] };

static const char *registered_at(mn_kind kind, int i, const char **summary)
{
    const mn_descriptor *descriptor = mn_registered(kind, i);
    if (descriptor == NULL)
        return NULL;
    *summary = descriptor->summary;
    return descriptor->name;
}

static const char *strategy_at(int i, const char **summary)
{
    return registered_at(MN_KIND_STRATEGY, i, summary);
}

static const char *buffer_at(int i, const char **summary)
{
    return registered_at(MN_KIND_POLICY, i, summary);
}

static const char *network_at(int i, const char **summary)
{
    return registered_at(MN_KIND_NETWORK, i, summary);
}

static const char *dataset_at(int i, const char **summary)
{
    return registered_at(MN_KIND_DATASET, i, summary);
}

static void print_list(name_at at)
{
    const char *name, *summary = "";
    for (int i = 0; (name = at(i, &summary)) != NULL; i++)
        mn_print_entry(name, summary);
}

static void add_list(cJSON *lists_json, const char *many, name_at at)
{
    cJSON *list = cJSON_AddArrayToObject(lists_json, many);
    const char *name, *summary = "";
    for (int i = 0; (name = at(i, &summary)) != NULL; i++) {
        cJSON *entry = cJSON_CreateObject();
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
    cJSON *json = mn_arguments_has(arguments, "json") ? mn_or_die(cJSON_CreateObject()) : NULL;
    bool found = false;
    for (int i = 0; i < LISTS; i++) {
        if (what != NULL && strcmp(what, lists[i].many) != 0 && strcmp(what, lists[i].one) != 0)
            continue;
        if (json != NULL) {
            add_list(json, lists[i].many, lists[i].at);
        } else {
            if (what == NULL)
                printf("%s%s:\n", i > 0 ? "\n" : "", lists[i].many);
            print_list(lists[i].at);
        }
        found = true;
    }
    if (json != NULL && found)
        mn_json_print(json);
    cJSON_Delete(json);
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
