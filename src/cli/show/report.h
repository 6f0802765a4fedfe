/* report.h -- what is printed about runs: in the form that is asked for. */
#ifndef MN_CLI_REPORT_H
#define MN_CLI_REPORT_H

#include "cli/show/table.h"

#include <mneme/groups.h>

/* Writes one run: where it stands, its settings, accuracy matrices and metrics. */
void mn_report_run(const mn_run *run, mn_writer *writer);
/* Writes the networks and tensors that strategies keep, and how many images would take as many
 * bytes; writes nothing if there are none. */
void mn_report_kept(const mn_results *results, mn_writer *writer);
/* Writes mean and deviation of each group; for people also a line for each run. */
void mn_report_runs(const mn_runs *runs, mn_writer *writer);

#endif
