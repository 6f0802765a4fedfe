/* profile.h -- `--profile`: where the steps of a run spend their time. */
#ifndef MN_RUN_PROFILE_H
#define MN_RUN_PROFILE_H

#include "autograd/profile.h"

struct mn_runner;

typedef struct mn_run_profile {
    mn_profile parts; /* ops by layer, and what is between the marks below */
    double begun, marked, ops_at_mark, seconds;
    int64_t steps;                        /* begun, the first few among them */
    double training, evaluation, commits; /* seconds of the whole run so far */
    int64_t commit_count;
    bool running;
} mn_run_profile;

/* Around a step; nothing unless the run is profiled. */
void mn_run_profile_begin(struct mn_runner *runner);
void mn_run_profile_end(struct mn_runner *runner);
/* Since the last mark, time outside of ops was spent on that. */
void mn_run_profile_mark(struct mn_runner *runner, const char *on);
/* A table for the observer's log. */
void mn_run_profile_report(struct mn_runner *runner);
void mn_run_profile_free(mn_run_profile *profile);

#endif
