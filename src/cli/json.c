/* json.c -- JSON for machines, on standard output. */
#include "cli/json.h"
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void mn_json_print(const cJSON *json)
{
    char *text = mn_or_die(cJSON_Print(json));
    puts(text);
    free(text);
}

cJSON *mn_json_number(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}
