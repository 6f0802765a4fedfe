/* provenance.h -- what made a run: versions, machine, data, tasks. */
#ifndef MN_RUN_PROVENANCE_H
#define MN_RUN_PROVENANCE_H

#include "store/handle.h"

#include <mneme/data.h>

/* MN_CORRUPT unless the run in the file began with this data set. */
mn_status mn_check_same_data(mn_runfile *file, const mn_dataset *dataset);

#endif
