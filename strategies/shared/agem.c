/* agem.c -- the gradient of exemplars, and the stream's without what opposes it. */
#include "strategies/shared/agem.h"

mn_status mn_agem_open(mn_learner *learner)
{
    mn_agem_state *s = mn_state(learner);
    const mn_tensor *values = mn_network_values(mn_learner_network(learner));
    return mn_add_scratch(learner, mn_tensor_shape(values), &s->reference);
}

mn_status mn_agem_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

mn_status mn_agem_project(mn_learner *learner, int64_t replay)
{
    const mn_agem_state *s = mn_state(learner);
    mn_tensor *g = mn_network_gradients(mn_learner_network(learner));
    const mn_batch *old = mn_draw(learner, "reference", replay);
    if (old->count == 0)
        return MN_OK;
    mn_var *logits = mn_forward(learner, old, MN_TRAIN)->logits;
    MN_TRY(mn_tensor_fill(s->reference, 0));
    MN_TRY(mn_backward_into(mn_cross_entropy(logits, old->labels), g, s->reference));
    return mn_tensor_project(g, s->reference);
}
