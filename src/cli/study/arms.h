/* arms.h -- running the arms of a study. */
#ifndef MN_CLI_ARMS_H
#define MN_CLI_ARMS_H

#include "cli/arguments.h"
#include "cli/study/manifest.h"

/* Runs the chosen arms, candidates before the arms that are chosen from them, one after the other,
 * each as a `mneme run --seeds` of its own process with its files in a folder below `folder`;
 * returns the worst exit code.  An arm that fails does not keep the others from running; one that
 * was stopped, or is a mistake, does.  `seeds` are what the command line wants of each arm; 0: the
 * manifest's. */
int mn_run_arms(mn_manifest *manifest, const char *folder, int64_t seeds,
                const mn_arguments *arguments);

#endif
