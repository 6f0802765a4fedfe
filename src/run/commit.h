/* commit.h -- when a run in progress is committed, and how. */
#ifndef MN_RUN_COMMIT_H
#define MN_RUN_COMMIT_H

#include "run/rebuilt.h"

typedef struct mn_commits {
    double started;       /* by the clock of this process */
    double earlier;       /* seconds that the run took before it */
    double last, seconds; /* when the last commit ended, and what it took */
    double all_seconds;   /* of all commits of this process */
    int64_t count;        /* how many they are */
    int64_t steps;        /* since the last */
} mn_commits;

/* Starts the clocks; what the run took before is in its file. */
mn_status mn_commits_start(mn_commits *commits, mn_runfile *file);
bool mn_commit_is_due(const mn_commits *commits, const mn_run_settings *settings);
/* Everything that changed, in the transaction that is open; the next one begins.  With the setting
 * `rebuild`, the run goes on with a learner made from the file. */
mn_status mn_commit(mn_commits *commits, mn_rebuilt *run);

#endif
