/* curves.h -- accuracy over time, averaged over the runs of a group. */
#ifndef MN_CLI_CURVES_H
#define MN_CLI_CURVES_H

#include "cli/runs.h"

typedef struct mn_mean_point {
    double when; /* tasks learned; 2.5 is the middle of the third */
    mn_summary accuracy;
} mn_mean_point;

/* Mean accuracy over the tasks seen, after each task; the caller frees.  Returns how many. */
int64_t mn_group_averages(const mn_runs *runs, int group, mn_scope scope, mn_mean_point **points);
/* Accuracy on one task from when it was learned on, evaluations inside tasks included. */
mn_status mn_group_curve(const mn_runs *runs, int group, mn_scope scope, int64_t on_task,
                         mn_mean_point **points, int64_t *count);

#endif
