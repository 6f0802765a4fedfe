/* memory.c -- what runs keep, in bytes: a method's accuracy is worth what it has to keep for it. */
#include "cli/show/memory.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/table.h"

#include <mneme/memory.h>
#include <mneme/results.h>
#include <stdio.h>
#include <string.h>

static int64_t sum_of(const mn_memory_part *parts, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += parts[i].bytes;
    return sum;
}

/* --- one run --- */

static void add_row(mn_table *table, const char *name, const char *role, int64_t bytes, int64_t all)
{
    char text[32];
    mn_table_text(table, "%s", name);
    mn_table_text(table, "%s", role);
    mn_table_number(table, (double)bytes, 0);
    mn_table_text(table, "%s", mn_bytes((double)bytes, text, sizeof text));
    mn_table_number(table, 100 * (double)bytes / (double)all, 1);
}

mn_status mn_memory_print(const mn_run *run, mn_writer *writer)
{
    static const char *const heading[] = {"kept", "is", "bytes", "in words", "per cent"};
    mn_memory_part *parts;
    int64_t count;
    MN_TRY(mn_results_memory(run->results, &parts, &count));
    const int64_t all = sum_of(parts, count);
    mn_table *table = mn_table_new(5);
    mn_table_title(table, "%s: %s keeps %lld bytes beside its network", run->path, run->strategy,
                   (long long)all);
    for (int i = 0; i < 5; i++)
        mn_table_text(table, "%s", heading[i]);
    for (int64_t i = 0; i < count; i++)
        add_row(table, parts[i].name, parts[i].role, parts[i].bytes, all);
    mn_table_print(table, writer);
    mn_table_free(table);
    mn_memory_give(parts);
    return MN_OK;
}

mn_status mn_memory_json(const mn_run *run, cJSON **json)
{
    mn_memory_part *parts;
    int64_t count;
    *json = mn_json_object();
    MN_TRY(mn_results_memory(run->results, &parts, &count));
    cJSON_AddStringToObject(*json, "path", run->path);
    cJSON_AddNumberToObject(*json, "bytes", (double)sum_of(parts, count));
    cJSON *list = cJSON_AddArrayToObject(*json, "parts");
    for (int64_t i = 0; i < count; i++) {
        cJSON *one = mn_json_object();
        cJSON_AddStringToObject(one, "name", parts[i].name);
        cJSON_AddStringToObject(one, "role", parts[i].role);
        cJSON_AddNumberToObject(one, "bytes", (double)parts[i].bytes);
        cJSON_AddItemToArray(list, one);
    }
    mn_memory_give(parts);
    return MN_OK;
}

/* --- groups of runs --- */

typedef struct sums {
    double exemplars, beside, others; /* beside: labels, columns, the codec's parameters */
    int64_t runs;
} sums;

static mn_status add_run(const mn_run *run, sums *s)
{
    mn_memory_part *parts;
    int64_t count;
    MN_TRY(mn_results_memory(run->results, &parts, &count));
    for (int64_t i = 0; i < count; i++) {
        const bool buffer = strcmp(parts[i].role, "buffer") == 0;
        const bool rows = buffer && strcmp(parts[i].name, "exemplars") == 0;
        *(rows ? &s->exemplars : buffer ? &s->beside : &s->others) += (double)parts[i].bytes;
    }
    s->runs++;
    mn_memory_give(parts);
    return MN_OK;
}

mn_status mn_memory_print_groups(const mn_runs *runs, mn_writer *writer)
{
    static const char *const heading[] = {"kept, in bytes", "exemplars", "labels, columns",
                                          "networks, tensors", "in all"};
    mn_table *table = mn_table_new(5);
    mn_status status = MN_OK;
    for (int i = 0; i < 5; i++)
        mn_table_text(table, "%s", heading[i]);
    for (int64_t group = 0; group < runs->group_count && status == MN_OK; group++) {
        sums s = {.runs = 0};
        for (int64_t i = 0; i < runs->count && status == MN_OK; i++)
            if (runs->run[i].group == group)
                status = add_run(&runs->run[i], &s);
        const double n = s.runs > 0 ? (double)s.runs : 1;
        mn_table_text(table, "%s", runs->group[group].label);
        mn_table_number(table, s.exemplars / n, 0);
        mn_table_number(table, s.beside / n, 0);
        mn_table_number(table, s.others / n, 0);
        mn_table_number(table, (s.exemplars + s.beside + s.others) / n, 0);
    }
    if (status == MN_OK) {
        mn_say(writer, "\n");
        mn_table_print(table, writer);
    }
    mn_table_free(table);
    return status;
}
