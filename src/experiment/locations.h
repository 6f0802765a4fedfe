/* locations.h -- where the files lie that a configuration names. */
#ifndef MN_EXPERIMENT_LOCATIONS_H
#define MN_EXPERIMENT_LOCATIONS_H

#include "experiment/configuration.h"

/* In the JSON of a benchmark's file: paths to what lies beside that file become absolute. */
mn_status mn_locations_beside(cJSON *benchmark, const char *file);
/* Paths to what is found from the current folder become absolute, so that a run goes on from any
 * other folder. */
mn_status mn_locations_resolve(mn_experiment *experiment);

/* A path from the root on, which the caller gives back; NULL where it begins there already, or
 * nothing is there. */
mn_status mn_location_found(const char *path, char **absolute);

#endif
