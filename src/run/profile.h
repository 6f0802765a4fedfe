/* profile.h -- `--profile`: where the steps of a run spend their time. */
#ifndef MN_RUN_PROFILE_H
#define MN_RUN_PROFILE_H

#include "autograd/profile.h"
#include "run/commit.h"

#include <mneme/observer.h>

typedef struct mn_run_profile {
    mn_profile parts; /* ops by layer, and what is between the marks below */
    double begun, marked, ops_at_mark, seconds;
    int64_t steps;               /* begun, the first few among them */
    double training, evaluation; /* seconds of the whole run so far */
    bool running;
} mn_run_profile;

/* Around a step; nothing unless the run is profiled. */
void mn_run_profile_begin(mn_run_profile *profile, const mn_learner *learner);
void mn_run_profile_end(mn_run_profile *profile, const mn_learner *learner);
/* Since the last mark, time outside of ops was spent on that. */
void mn_run_profile_mark(mn_run_profile *profile, const char *on);
/* A table for the observer's log; nothing unless steps were profiled. */
void mn_run_profile_report(mn_run_profile *profile, const mn_commits *commits, int threads,
                           const mn_observer *observer);
void mn_run_profile_free(mn_run_profile *profile);

#endif
