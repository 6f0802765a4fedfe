/* input.h -- how a batch comes onto the tape of the step. */
#ifndef MN_LEARNER_INPUT_H
#define MN_LEARNER_INPUT_H

#include <mneme/services.h>

/* The images of a batch on the step's tape, (B, image...). */
mn_var *mn_learner_input(mn_learner *learner, const mn_batch *batch);
/* They are on the tape already: images that were made there. */
void mn_learner_brought(mn_learner *learner, const mn_batch *batch, mn_var *on_tape);

#endif
