/* phase.h -- a run in progress, and the loop that trains one phase of it. */
#ifndef MN_RUN_PHASE_H
#define MN_RUN_PHASE_H

#include "run/commit.h"
#include "run/profile.h"
#include "run/progress.h"
#include "run/rebuilt.h"

typedef struct mn_runner {
    mn_rebuilt run;
    mn_commits commits;
    mn_reporter reporter;
    mn_run_profile profile;
    bool stop; /* somebody asked for it */
} mn_runner;

/* From the cursor's position to the end of the phase; commits on the way. */
mn_status mn_run_phase(mn_runner *runner);

#endif
