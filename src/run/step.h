/* step.h -- one step of a phase. */
#ifndef MN_RUN_STEP_H
#define MN_RUN_STEP_H

#include "run/profile.h"
#include "run/progress.h"

typedef struct mn_phase_step {
    const mn_phase *phase;
    int member; /* the strategy that the phase belongs to */
    const mn_batch *batch;
    double factor; /* of the learning rate, by the schedule */
} mn_phase_step;

/* The updates of the phase, or its visit, and the hooks after a step. */
mn_status mn_make_step(mn_learner *learner, const mn_phase_step *step, mn_losses *losses,
                       mn_run_profile *profile);

#endif
