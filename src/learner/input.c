/* input.c -- how a batch comes onto the tape of the step: once, however many networks see it.
 *
 * A batch is known by the memory of its images, which nobody writes to after a service has handed
 * the batch out: copies of a batch that differ in their labels share it. */
#include "learner/input.h"
#include "learner/learner.h"

mn_var *mn_learner_input(mn_learner *learner, const mn_batch *batch)
{
    mn_shape shape = {.rank = batch->image.rank + 1, .size = {batch->count}};
    for (int i = 0; i < batch->image.rank; i++)
        shape.size[i + 1] = batch->image.size[i];
    for (int i = 0; i < learner->brought_count; i++) {
        const mn_brought *brought = &learner->brought[i];
        if (brought->x == batch->x && mn_shape_equal(mn_shape_of(brought->on_tape), shape))
            return brought->on_tape;
    }
    mn_var *on_tape = mn_input(learner->tape, shape, batch->x, learner->image_gradients);
    mn_learner_brought(learner, batch, on_tape);
    return on_tape;
}

void mn_learner_brought(mn_learner *learner, const mn_batch *batch, mn_var *on_tape)
{
    if (mn_tape_status(learner->tape) == MN_OK && learner->brought_count < MN_MOST_SPACES)
        learner->brought[learner->brought_count++] = (mn_brought){batch->x, on_tape};
}
