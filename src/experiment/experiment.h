/* experiment.h -- an experiment from the configuration that a run file keeps. */
#ifndef MN_EXPERIMENT_EXPERIMENT_H
#define MN_EXPERIMENT_EXPERIMENT_H

#include "experiment/configuration.h"

mn_status mn_experiment_restore(const char *config, mn_experiment **experiment);

#endif
