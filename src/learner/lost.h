/* lost.h -- strategies are told whose rows of the buffer are gone. */
#ifndef MN_LEARNER_LOST_H
#define MN_LEARNER_LOST_H

#include "learner/learner.h"

/* Around a change of the buffer: MN_OUT_OF_ORDER inside of `forget`. */
mn_status mn_learner_may_change_buffer(const mn_learner *learner);
/* After it: calls `forget` of every strategy that has one, base first, unless nothing is gone. */
mn_status mn_learner_tell_lost(mn_learner *learner);

#endif
