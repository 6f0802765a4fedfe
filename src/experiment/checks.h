/* checks.h -- whether a configuration can be. */
#ifndef MN_EXPERIMENT_CHECKS_H
#define MN_EXPERIMENT_CHECKS_H

#include "experiment/configuration.h"

/* MN_BAD_OPTION or MN_UNSUPPORTED where parts of a configuration contradict each other. */
mn_status mn_experiment_check(const mn_experiment *experiment);
/* Whether the longest task, of so many steps, gets through the warm-up. */
mn_status mn_experiment_check_warm_up(const mn_experiment *experiment, int64_t steps);
/* Whether a strategy of the run has a buffer. */
bool mn_experiment_needs_buffer(const mn_experiment *experiment);

#endif
