/* json.h -- what the commands print with --json. */
#ifndef MN_CLI_JSON_H
#define MN_CLI_JSON_H

#include <cjson/cJSON.h>
#include <mneme/statistics.h>

/* Prints the document and a newline on standard output. */
void mn_json_print(const cJSON *json);
/* NaN becomes null: JSON has no NaN. */
cJSON *mn_json_number(double value);
cJSON *mn_summary_json(const mn_summary *summary);

#endif
