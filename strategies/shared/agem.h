/* agem.h -- what A-GEM and A-GEM-R share: they differ in what is remembered alone. */
#ifndef MN_STRATEGIES_AGEM_STEPS_H
#define MN_STRATEGIES_AGEM_STEPS_H

#include <mneme/strategy.h>

typedef struct mn_agem_state {
    mn_tensor *reference; /* like the network's slab */
} mn_agem_state;

/* In open, with a state that begins with mn_agem_state. */
mn_status mn_agem_open(mn_learner *learner);
/* The stream's cross-entropy. */
mn_status mn_agem_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now);
/* In gradients: g -= (<g, r> / |r|^2) r where the two disagree (eq. 11 of the paper), r the
 * gradient of the cross-entropy of `replay` exemplars. */
mn_status mn_agem_project(mn_learner *learner, int64_t replay);

#endif
