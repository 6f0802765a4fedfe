/* json.c -- JSON for machines, on standard output. */
#include "cli/json.h"
#include "base/escape.h"
#include "cli/complain.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>

static void *take_or_die(size_t bytes)
{
    return mn_or_die(mn_memory_take(bytes, 1));
}

static void give_memory_or_die(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = take_or_die, .free_fn = mn_memory_give});
}

cJSON *mn_json_object(void)
{
    give_memory_or_die();
    return cJSON_CreateObject();
}

cJSON *mn_json_array(void)
{
    give_memory_or_die();
    return cJSON_CreateArray();
}

void mn_json_print(const cJSON *json)
{
    char *text = mn_or_die(cJSON_Print(json));
    mn_write_json(stdout, text);
    putchar('\n');
    mn_memory_give(text);
}

cJSON *mn_json_number(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

cJSON *mn_summary_json(const mn_summary *summary)
{
    cJSON *json = mn_json_object();
    cJSON_AddNumberToObject(json, "n", (double)summary->n);
    cJSON_AddItemToObject(json, "mean", mn_json_number(summary->mean));
    cJSON_AddItemToObject(json, "deviation", mn_json_number(summary->deviation));
    cJSON_AddItemToObject(json, "low", mn_json_number(summary->low));
    cJSON_AddItemToObject(json, "high", mn_json_number(summary->high));
    return json;
}
