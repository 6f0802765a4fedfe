/* report.h -- what is printed about runs: for people, and as JSON. */
#ifndef MN_CLI_REPORT_H
#define MN_CLI_REPORT_H

#include <cjson/cJSON.h>
#include <mneme/groups.h>

/* Prints one run: where it stands, its settings, accuracy matrices and metrics. */
void mn_report_run(const mn_run *run);
/* Prints the networks and tensors that strategies keep, and how many images would take as many
 * bytes; prints nothing if there are none. */
void mn_report_kept(const mn_results *results);
cJSON *mn_report_kept_json(const mn_results *results); /* the caller deletes */
/* Prints a line for each run, and mean and deviation of each group. */
void mn_report_runs(const mn_runs *runs);
/* The same for machines; the caller deletes. */
cJSON *mn_report_run_json(const mn_run *run);
cJSON *mn_report_runs_json(const mn_runs *runs);

#endif
