/* metric_names.h -- names of the metrics and scopes of a run, in the order of its results. */
#ifndef MN_RESULTS_METRIC_NAMES_H
#define MN_RESULTS_METRIC_NAMES_H

#include "results/calibration.h"

#include <mneme/results.h>

/* First those that are views over the run file (metrics.sql), then those of calibration.h. */
enum { MN_METRIC_VIEWS = 16, MN_METRICS = MN_METRIC_VIEWS + MN_CALIBRATIONS };

/* Which metric has the name; MN_METRICS: none. */
int mn_metric_named(const char *name);
/* The scope of a name; MN_SCOPES for one of another program, or NULL. */
mn_scope mn_scope_named(const char *name);

#endif
