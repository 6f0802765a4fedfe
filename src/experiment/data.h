/* data.h -- the data set, stream, transform and schedule that a configuration describes. */
#ifndef MN_EXPERIMENT_DATA_H
#define MN_EXPERIMENT_DATA_H

#include "experiment/configuration.h"

#include "data/encode/encoding.h"

#include <mneme/data.h>
#include <mneme/experiment.h>
#include <mneme/network.h>
#include <mneme/stream.h>

/* The codec of the run. */
mn_status mn_experiment_encoding(const mn_experiment *experiment, mn_encoding_spec *encoding);
/* Reads the data set as it is: no codec, no features. */
mn_status mn_experiment_images(const mn_experiment *experiment, mn_dataset **dataset);
/* Reads the data set, in the codec's form where that is native, without a look at whether the
 * transform fits. */
mn_status mn_experiment_read(const mn_experiment *experiment, mn_dataset **dataset);
/* Whether measurements reach the network far from unit scale, and a sentence on it. */
bool mn_experiment_is_far(const mn_dataset *dataset, const mn_transform *transform, char *line,
                          size_t bytes);
/* What is taken off each channel, and what it is divided by.  `measured_...`: the lists that a run
 * file keeps where the settings say "measured"; NULL: it does not. */
mn_status mn_experiment_normalisation(const mn_experiment *experiment, int64_t channels,
                                      const char *measured_mean, const char *measured_deviation,
                                      float mean[4], float deviation[4]);
mn_status mn_experiment_schedule(const mn_experiment *experiment, mn_schedule *schedule);

#endif
