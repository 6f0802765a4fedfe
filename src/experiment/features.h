/* features.h -- what a frozen network makes of a benchmark's images, in their place. */
#ifndef MN_EXPERIMENT_FEATURES_H
#define MN_EXPERIMENT_FEATURES_H

#include "experiment/configuration.h"

#include <mneme/data.h>

/* Where the section `features` names a network, the data set's images become its features, made
 * once and kept in the cache; else they stay.  `decides`: what beside the features' source tells
 * one data set from another, the options that it was read with.  Waits for another process that
 * makes the same; MN_INTERRUPTED where the experiment's watch says stop. */
mn_status mn_experiment_features(const mn_experiment *experiment, const char *decides,
                                 mn_dataset *dataset);
/* Pins the file of the network's weights by its digest. */
mn_status mn_experiment_features_resolve(mn_experiment *experiment);

#endif
