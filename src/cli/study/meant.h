/* meant.h -- the runs that a user means by files, folders and manifests. */
#ifndef MN_CLI_MEANT_H
#define MN_CLI_MEANT_H

#include <mneme/groups.h>

/* mn_runs_open(), where a word may also be the manifest of a sweep: it stands for the run files of
 * its arms below runs/NAME, without those that an arm was chosen from; their groups are then called
 * what the manifest calls the arms. */
mn_status mn_runs_meant(const char *const *words, int count, mn_runs **runs);

#endif
