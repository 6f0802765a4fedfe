/* json.h -- what the commands print with --json. */
#ifndef MN_CLI_JSON_H
#define MN_CLI_JSON_H

#include <cjson/cJSON.h>
#include <mneme/statistics.h>

/* What JSON for printing begins with: from then on, cJSON gets memory or the program ends, for most
 * of its functions leave out what they have no memory for. */
cJSON *mn_json_object(void);
cJSON *mn_json_array(void);
/* Prints the document and a newline on standard output. */
void mn_json_print(const cJSON *json);
/* NaN becomes null: JSON has no NaN. */
cJSON *mn_json_number(double value);
cJSON *mn_summary_json(const mn_summary *summary);

#endif
