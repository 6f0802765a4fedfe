/* forward.c -- services that run a network on a batch and publish the result. */
#include "autograd/memory.h"
#include "learner/input.h"
#include "learner/learner.h"
#include "learner/services/random.h"

/* What a forward drops at random belongs to the strategy, its network and the place among the
 * forwards that the strategy has made with it in this step: another's move nothing. */
static mn_key key_of_drops(const mn_learner *learner, const mn_network *network)
{
    uint64_t earlier = 0;
    int i = 0;
    for (int out = 0; out < learner->published_count; out++)
        earlier += learner->published[out].network == network &&
                   learner->published_by[out] == learner->current;
    while (i < learner->networks && learner->network[i].network != network)
        i++;
    const char *name = i < learner->networks ? learner->network[i].name : "";
    return mn_key_at(mn_learner_key(learner, "dropout", name), earlier);
}

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
    mn_network_key_next(network, key_of_drops(learner, network));
    const mn_forwarded forwarded =
        mn_network_forward(network, mn_learner_input(learner, batch), mode);
    if ((mode & MN_NO_GRADIENT) == 0)
        learner->images += batch->count;
    mn_var_keep(forwarded.logits);
    mn_var_keep(forwarded.features);
    learner->published_by[learner->published_count] = learner->current;
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
