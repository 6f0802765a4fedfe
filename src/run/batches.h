/* batches.h -- where a phase's batches come from. */
#ifndef MN_RUN_BATCHES_H
#define MN_RUN_BATCHES_H

#include "learner/learner.h"

#include <mneme/stream.h>

typedef struct mn_batches {
    mn_source kind;
    bool as_stored;    /* neither shuffled nor augmented */
    mn_loader *loader; /* where the stream takes part */
    int64_t *items;    /* (count) places of the stream, and buffer slots as -1 - slot */
    int64_t *order;    /* (length) the items in the order of the epoch */
    int64_t *split;    /* scratch: a batch's places of the stream, then its slots */
    int64_t count, batch;
    int64_t steps;  /* of an epoch */
    int64_t length; /* rows of an epoch: more than the items where they come again */
} mn_batches;

mn_status mn_batches_open(mn_learner *learner, const mn_phase *phase, mn_batches *batches);
void mn_batches_close(mn_batches *batches);
mn_status mn_batches_begin_epoch(mn_learner *learner, mn_batches *batches, int64_t epoch);
/* The i-th batch of the epoch, valid until the step ends. */
mn_status mn_batches_get(mn_learner *learner, mn_batches *batches, int64_t epoch, int64_t i,
                         const mn_batch **batch);

#endif
