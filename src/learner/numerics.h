/* numerics.h -- which numbers a run is made with, when it goes on under others. */
#ifndef MN_LEARNER_NUMERICS_H
#define MN_LEARNER_NUMERICS_H

#include "store/handle.h"

#include <mneme/observer.h>

/* A run goes on, in a file that is being written to.  Where this mneme's numerics are others than
 * those it had last, the file keeps both, "1 then 2", which no other run has, and the observer is
 * warned. */
mn_status mn_numerics_continue(mn_runfile *file, const mn_observer *observer);

#endif
