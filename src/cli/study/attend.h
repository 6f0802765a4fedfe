/* attend.h -- from the arguments of `mneme run` to an experiment, a run under observation, and its
 * results. */
#ifndef MN_CLI_ATTEND_H
#define MN_CLI_ATTEND_H

#include "cli/arguments.h"

#include <mneme/run.h>

/* An experiment with everything that was typed, resolved.  With a `seed`, one of several runs side
 * by side: on one thread unless told otherwise. */
mn_status mn_requested_experiment(const mn_arguments *arguments, const char *seed,
                                  mn_experiment **experiment);

/* A number of the run's own options ("seed") as it was resolved, wherever it came from. */
mn_status mn_resolved_number(const mn_experiment *experiment, const char *name, int64_t *value);

/* Sets every option and --set that was given. */
mn_status mn_set_given(mn_experiment *experiment, const mn_arguments *arguments);

/* Whether --overwrite may remove a file: what is no run file, or is being written, is refused.
 * MN_OK where nothing is there. */
mn_status mn_may_remove_run(const char *path);
/* Removes a run file that may be removed, so that a run begins anew. */
mn_status mn_remove_run(const char *path);

/* What is there already of a run. */
typedef enum mn_begun { MN_NOT_BEGUN, MN_UNFINISHED, MN_FINISHED } mn_begun;
/* A file that is there must come from the same settings: to go on with it, or to take it for this
 * run, would mix two. */
mn_status mn_begun_already(const mn_experiment *experiment, const char *path, mn_begun *begun);

/* A finished file must come from the data that are there now; data that cannot be read are not
 * missed. */
mn_status mn_check_finished_data(const mn_experiment *experiment, const char *path);

/* Runs or continues a file under observation: shows progress, says how to go on after an
 * interruption, and returns the exit code.  A file that the same experiment has begun is continued.
 * `experiment` NULL: resumes. */
int mn_attended_run(mn_experiment *experiment, const char *path, bool quiet);
/* Prints the results of a finished file, for people or as JSON; returns the exit code. */
int mn_show_file(const char *path, bool json);

#endif
