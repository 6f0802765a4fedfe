/* forward.c -- services that run a network on a batch and publish the result. */
#include "autograd/memory.h"
#include "learner/input.h"
#include "learner/learner.h"

static const mn_out *refuse(mn_learner *learner, mn_out out, mn_status status)
{
    out.logits = out.features = mn_tape_refuse(learner->tape, "forward", status);
    learner->unpublished = out;
    return &learner->unpublished;
}

const mn_out *mn_forward_with(mn_learner *learner, mn_network *network, const mn_batch *batch,
                              mn_mode mode)
{
    static const mn_batch nothing;
    if (batch == NULL)
        batch = &nothing;
    const mn_out nothing_out = {.batch = batch, .network = network, .mode = mode};
    if (network == NULL)
        return refuse(learner, nothing_out,
                      mn_fail(MN_BAD_VALUE, "the network is NULL; was it declared in open?"));
    if (learner->published_count == MN_MOST_PUBLISHED)
        return refuse(
            learner, nothing_out,
            mn_fail(MN_UNSUPPORTED, "more than %d forwards in one step", MN_MOST_PUBLISHED));
    const mn_forwarded forwarded =
        mn_network_forward(network, mn_learner_input(learner, batch), mode);
    if ((mode & MN_NO_GRADIENT) == 0)
        learner->images += batch->count;
    mn_var_keep(forwarded.logits);
    mn_var_keep(forwarded.features);
    mn_out *out = &learner->published[learner->published_count++];
    *out = (mn_out){forwarded.logits, forwarded.features, batch, network, mode, forwarded.maps};
    return out;
}

mn_var *mn_out_map(const mn_out *out, const char *name)
{
    return mn_network_map(&(mn_forwarded){out->logits, out->features, out->maps}, name);
}

const mn_out *mn_forward(mn_learner *learner, const mn_batch *batch, mn_mode mode)
{
    return mn_forward_with(learner, mn_learner_network(learner), batch, mode);
}
