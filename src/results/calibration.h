/* calibration.h -- what the stored answers of a run are worth as probabilities, and as clusters. */
#ifndef MN_RESULTS_CALIBRATION_H
#define MN_RESULTS_CALIBRATION_H

#include "store/handle.h"

#include <mneme/results.h>

/* Metrics that are no view, as SQL cannot read logits: in the order of results.c's table. */
enum {
    MN_NLL,
    MN_CALIBRATION_ERROR,
    MN_SCALED_NLL,
    MN_RANK_SLOPE,
    MN_RANK_FIT,
    MN_ADJUSTED_RAND,
    MN_CALIBRATIONS
};

/* Of the answers to tasks 0 to `last` after the task `last`, in the scopes that `has`; what is
 * undefined, or of which answers are missing, stays as it is. */
mn_status mn_calibration_read(mn_runfile *file, int64_t last, const bool has[MN_SCOPES],
                              double values[][MN_SCOPES]);

#endif
