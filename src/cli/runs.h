/* runs.h -- several run files, in groups that differ by nothing but the seed. */
#ifndef MN_CLI_RUNS_H
#define MN_CLI_RUNS_H

#include "cli/files.h"

#include <cjson/cJSON.h>
#include <mneme/results.h>

/* One setting of a run's configuration: "train.lr", "0.03". */
typedef struct mn_fact {
    char *key, *value;
} mn_fact;

typedef struct mn_run {
    const char *path; /* owned by the runs */
    mn_results *results;
    const char *benchmark, *strategy; /* owned by results */
    int64_t seed, tasks, finished;    /* tasks in all, tasks evaluated */
    cJSON *config;
    mn_fact *facts; /* (fact_count) what can change results, without the seed */
    int fact_count;
    int group;
} mn_run;

typedef struct mn_group {
    char *label;       /* "er", or "er (buffer_size=200)" where the strategy alone is ambiguous */
    const mn_run *run; /* the first of the group */
    int members;
} mn_group;

typedef struct mn_runs {
    mn_run *run; /* (count) in the order given */
    int count;
    mn_group *group; /* (group_count) in order of appearance */
    int group_count;
    mn_paths paths;
} mn_runs;

/* A folder among the paths stands for the run files in it. */
mn_status mn_runs_open(const char *const *paths, int count, mn_runs *runs);
void mn_runs_free(mn_runs *runs);

bool mn_run_is_finished(const mn_run *run);
/* The facts of a configuration; free with mn_facts_free. */
int mn_facts_new(const cJSON *config, const char *strategy, mn_fact **facts);
void mn_facts_free(mn_fact *facts, int count);
/* The first fact of `a` that `b` has with another value; NULL: none.  A setting that only one of
 * them knows is of another version of mneme, and no difference: types of data, networks and
 * policies are settings of their own. */
const mn_fact *mn_facts_differ(const mn_fact *a, int a_count, const mn_fact *b, int b_count);
const char *mn_fact_value(const mn_fact *facts, int count, const char *key); /* NULL: absent */

/* A metric over the finished runs of a group; (count) values and seeds, NaNs left out. */
int mn_group_values(const mn_runs *runs, int group, const char *metric, mn_scope scope,
                    double *values);
mn_summary mn_group_summary(const mn_runs *runs, int group, const char *metric, mn_scope scope);
/* The run of a group with this seed; NULL: there is none. */
const mn_run *mn_runs_with_seed(const mn_runs *runs, int group, int64_t seed);
/* Group b minus group a, over the seeds that both have finished; n is 0 where neither measured it.
 */
mn_summary mn_paired_difference(const mn_runs *runs, int a, int b, const char *metric,
                                mn_scope scope);
/* Whether any run measured this scope. */
bool mn_runs_have(const mn_runs *runs, mn_scope scope);

#endif
