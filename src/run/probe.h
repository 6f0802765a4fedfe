/* probe.h -- how well other classifiers of a strategy tell unlabelled images apart. */
#ifndef MN_RUN_PROBE_H
#define MN_RUN_PROBE_H

#include "store/handle.h"

#include <mneme/services.h>

/* Asks every probe of the base and writes what it got right to the file. */
mn_status mn_probe_unlabelled(mn_learner *learner, mn_runfile *file);

#endif
