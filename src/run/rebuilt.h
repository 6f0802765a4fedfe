/* rebuilt.h -- a run in memory, made from what its file says: the one way to open a run. */
#ifndef MN_RUN_REBUILT_H
#define MN_RUN_REBUILT_H

#include "learner/learner.h"

#include <mneme/stream.h>

/* The parts of a run in the order in which they are opened: each is made from those before it. */
typedef enum mn_rebuilt_part {
    MN_REBUILT_CONFIGURATION, /* the experiment */
    MN_REBUILT_DATA,          /* data set, stream and transform; the data are those it began with */
    MN_REBUILT_LEARNER,       /* as of the last commit */
} mn_rebuilt_part;

typedef struct mn_rebuilt {
    mn_runfile *file;
    mn_experiment *experiment;
    mn_dataset *dataset;
    mn_stream *stream;
    mn_transform transform; /* of training */
    mn_learner *learner;
    bool restored; /* the experiment comes from the file, and is freed with the run */
    bool begun;    /* the file held a state: false for a learner that begins */
} mn_rebuilt;

/* Opens all parts up to `last` that are not open yet.  The file must be.  An experiment that is
 * there is taken; a learner begins where the file holds no state.  What was opened before a failure
 * stays open. */
mn_status mn_rebuilt_open(mn_rebuilt *run, mn_rebuilt_part last);
/* Closes all parts and the file, whose status it returns. */
mn_status mn_rebuilt_close(mn_rebuilt *run);

#endif
