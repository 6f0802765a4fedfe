/* report_json.h -- what is said of runs to programs, and what both kinds of reports ask of them. */
#ifndef MN_CLI_REPORT_JSON_H
#define MN_CLI_REPORT_JSON_H

#include <cjson/cJSON.h>
#include <mneme/groups.h>

/* "finished", or what the run file says of a run that is not. */
const char *mn_run_standing(const mn_run *run);
/* What each group learns less of a new task than joint training, where that is among the runs.  The
 * caller frees the list. */
mn_status mn_read_intransigence(const mn_runs *runs, mn_difference **list, int64_t *count);

/* The caller deletes what these make. */
cJSON *mn_report_kept_json(const mn_results *results);
cJSON *mn_report_run_json(const mn_run *run);
cJSON *mn_report_runs_json(const mn_runs *runs);

#endif
