/* mixture.h -- the images of a task and the rows of the buffer as one list. */
#ifndef MN_LEARNER_MIXTURE_H
#define MN_LEARNER_MIXTURE_H

#include "data/stream/stream.h"

#include <mneme/keep.h>

/* What MN_FROM_BOTH walks, or what mn_hold_out() takes out of it: (count) places of the current
 * task's images in this part of the stream, and rows of the buffer as -1 - slot.  *images: of the
 * task before some were held out.  The items are the caller's to free. */
mn_status mn_mixture_items(const mn_learner *learner, mn_part part, bool held_out, int64_t **items,
                           int64_t *count, int64_t *images);

#endif
