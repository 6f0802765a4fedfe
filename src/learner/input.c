/* input.c -- how a batch comes onto the tape of the step. */
#include "learner/input.h"
#include "learner/learner.h"

mn_var *mn_learner_input(mn_learner *learner, const mn_batch *batch)
{
    mn_shape shape = {.rank = batch->image.rank + 1, .size = {batch->count}};
    for (int i = 0; i < batch->image.rank; i++)
        shape.size[i + 1] = batch->image.size[i];
    return mn_input(learner->tape, shape, batch->x, false);
}
