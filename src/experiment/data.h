/* data.h -- the data set, stream, transform and schedule that a configuration describes. */
#ifndef MN_EXPERIMENT_DATA_H
#define MN_EXPERIMENT_DATA_H

#include "experiment/configuration.h"

#include <mneme/data.h>
#include <mneme/network.h>
#include <mneme/stream.h>

/* Reads the data and makes the stream; whatever was made is the caller's to free, also when a later
 * part failed. */
mn_status mn_experiment_data(const mn_experiment *experiment, mn_dataset **dataset,
                             mn_stream **stream, mn_transform *transform);
mn_status mn_experiment_schedule(const mn_experiment *experiment, mn_schedule *schedule);

#endif
