/* report_json.c -- what is said of runs to programs: all that the run files' own views have. */
#include "cli/show/report_json.h"
#include "base/numbers.h"
#include "cli/complain.h"
#include "cli/json.h"

#include <mneme/memory.h>

const char *mn_run_standing(const mn_run *run)
{
    if (mn_run_is_finished(run))
        return "finished";
    const char *status = mn_results_value(run->results, "status");
    return status != NULL ? status : "unfinished";
}

mn_status mn_read_intransigence(const mn_runs *runs, mn_difference **list, int64_t *count)
{
    static const char *const metrics[] = {"intransigence", NULL};
    return mn_differences(runs, metrics, MN_SCOPES, list, count);
}

cJSON *mn_report_kept_json(const mn_results *results)
{
    mn_kept_state *kept;
    int64_t count;
    cJSON *list = mn_json_array();
    if (mn_results_kept(results, &kept, &count) != MN_OK)
        return list;
    for (int64_t i = 0; i < count; i++) {
        cJSON *one = mn_json_object();
        cJSON_AddStringToObject(one, "name", kept[i].name);
        cJSON_AddBoolToObject(one, "network", kept[i].network);
        cJSON_AddNumberToObject(one, "numbers", (double)kept[i].numbers);
        cJSON_AddNumberToObject(one, "bytes", (double)kept[i].bytes);
        cJSON_AddItemToArray(list, one);
    }
    mn_memory_give(kept);
    return list;
}

static cJSON *matrix_json(const mn_run *run, mn_scope scope)
{
    cJSON *rows = mn_json_array();
    for (int64_t after = 0; after < run->finished; after++) {
        cJSON *row = mn_json_array();
        for (int64_t on = 0; on < run->tasks; on++)
            cJSON_AddItemToArray(
                row, mn_json_number(mn_results_accuracy(run->results, scope, after, on)));
        cJSON_AddItemToArray(rows, row);
    }
    return rows;
}

static cJSON *metrics_json(const mn_run *run, mn_scope scope)
{
    cJSON *metrics = mn_json_object();
    const char *name, *meaning;
    for (int i = 0; (name = mn_metric_name(i, &meaning)) != NULL; i++)
        cJSON_AddItemToObject(metrics, name,
                              mn_json_number(mn_results_metric(run->results, name, scope)));
    return metrics;
}

/* What the run table says, which holds texts alone.  A digest of digits is no number. */
static void add_told(cJSON *json, const mn_run *run)
{
    static const struct {
        const char *key;
        bool number;
    } told[] = {{"evaluated_on", false},
                {"seconds", true},
                {"images", true},
                {"started", false},
                {"version", false},
                {"build", false},
                {"numerics", true},
                {"dataset_digest", false},
                {"host", false},
                {"threads", true},
                {"libraries", false},
                {"instruction_set", false},
                {"onednn_instruction_set", false},
                {"error", false}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        const char *value = mn_results_value(run->results, told[i].key);
        double number;
        if (value != NULL && told[i].number && mn_number_real(value, &number))
            cJSON_AddNumberToObject(json, told[i].key, number);
        else if (value != NULL)
            cJSON_AddStringToObject(json, told[i].key, value);
    }
}

cJSON *mn_report_run_json(const mn_run *run)
{
    cJSON *json = mn_json_object();
    cJSON_AddStringToObject(json, "file", run->path);
    cJSON_AddStringToObject(json, "benchmark", run->benchmark);
    cJSON_AddStringToObject(json, "strategy", run->strategy);
    cJSON_AddNumberToObject(json, "seed", (double)run->seed);
    cJSON_AddStringToObject(json, "status", mn_run_standing(run));
    add_told(json, run);
    cJSON_AddNumberToObject(json, "tasks", (double)run->tasks);
    cJSON_AddNumberToObject(json, "tasks_finished", (double)run->finished);
    cJSON *classes = cJSON_AddArrayToObject(json, "task_classes");
    for (int64_t task = 0; task < run->tasks; task++) {
        const char *names = mn_results_task_classes(run->results, task);
        cJSON_AddItemToArray(classes, cJSON_CreateString(names != NULL ? names : ""));
    }
    cJSON *domains = mn_results_task_domain(run->results, 0) != NULL
                         ? cJSON_AddArrayToObject(json, "task_domains")
                         : NULL;
    for (int64_t task = 0; task < run->tasks && domains != NULL; task++) {
        const char *name = mn_results_task_domain(run->results, task);
        cJSON_AddItemToArray(domains, cJSON_CreateString(name != NULL ? name : ""));
    }
    cJSON *accuracy = cJSON_AddObjectToObject(json, "accuracy");
    cJSON *metrics = cJSON_AddObjectToObject(json, "metrics");
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++) {
        if (!mn_results_has(run->results, scope))
            continue;
        cJSON_AddItemToObject(accuracy, mn_scope_name(scope), matrix_json(run, scope));
        cJSON_AddItemToObject(metrics, mn_scope_name(scope), metrics_json(run, scope));
    }
    cJSON_AddItemToObject(json, "kept", mn_report_kept_json(run->results));
    cJSON_AddItemToObject(json, "config",
                          mn_or_die(cJSON_Parse(mn_results_value(run->results, "config"))));
    return json;
}

static cJSON *group_json(const mn_runs *runs, int group)
{
    cJSON *json = mn_json_object();
    cJSON_AddStringToObject(json, "benchmark", runs->group[group].run->benchmark);
    cJSON_AddStringToObject(json, "strategy", runs->group[group].run->strategy);
    cJSON_AddStringToObject(json, "label", runs->group[group].label);
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++) {
        if (!mn_runs_have(runs, scope))
            continue;
        cJSON *metrics = cJSON_AddObjectToObject(json, mn_scope_name(scope));
        const char *name, *meaning;
        for (int i = 0; (name = mn_metric_name(i, &meaning)) != NULL; i++) {
            mn_summary summary;
            mn_ok_or_die(mn_group_summary(runs, group, name, scope, &summary));
            cJSON_AddItemToObject(metrics, name, mn_summary_json(&summary));
        }
    }
    return json;
}

static cJSON *intransigence_json(const mn_runs *runs)
{
    cJSON *rows = mn_json_array();
    mn_difference *list;
    int64_t count;
    mn_ok_or_die(mn_read_intransigence(runs, &list, &count));
    for (int64_t i = 0; i < count; i++) {
        cJSON *row = mn_summary_json(&list[i].summary);
        cJSON_AddStringToObject(row, "of", runs->group[list[i].minus].label);
        cJSON_AddStringToObject(row, "scope", mn_scope_name(list[i].scope));
        cJSON_AddItemToArray(rows, row);
    }
    mn_memory_give(list);
    return rows;
}

cJSON *mn_report_runs_json(const mn_runs *runs)
{
    cJSON *json = mn_json_object();
    cJSON *list = cJSON_AddArrayToObject(json, "runs");
    for (int i = 0; i < runs->count; i++)
        cJSON_AddItemToArray(list, mn_report_run_json(&runs->run[i]));
    cJSON *groups = cJSON_AddArrayToObject(json, "groups");
    for (int group = 0; group < runs->group_count; group++)
        cJSON_AddItemToArray(groups, group_json(runs, group));
    cJSON_AddItemToObject(json, "intransigence", intransigence_json(runs));
    return json;
}
