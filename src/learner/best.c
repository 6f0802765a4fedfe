/* best.c -- the best weights of a network so far.
 *
 * The copy is one kept tensor: the network's slab, then its statistics. */
#include "learner/best.h"
#include "learner/keep.h"
#include "learner/learner.h"
#include "tensor/tensor.h"

#include <stdio.h>

static mn_status add_best(mn_learner *learner, mn_network *network, const char *owner,
                          const char *name, mn_best *best)
{
    char part[128];
    int64_t floats = mn_tensor_count(mn_network_values(network));
    for (int i = 0; i < mn_network_statistic_count(network); i++)
        floats += mn_tensor_count(mn_network_statistic(network, i, NULL));
    *best = (mn_best){.network = network};
    snprintf(part, sizeof part, "%s/weights", name);
    MN_TRY(mn_learner_keep_tensor(learner, owner, part, MN_SHAPE(floats), &best->weights));
    snprintf(part, sizeof part, "%s/value", name);
    MN_TRY(mn_learner_keep_real(learner, owner, part, &best->value));
    snprintf(part, sizeof part, "%s/offers", name);
    MN_TRY(mn_learner_keep_int(learner, owner, part, &best->offers));
    snprintf(part, sizeof part, "%s/waited", name);
    return mn_learner_keep_int(learner, owner, part, &best->waited);
}

mn_status mn_learner_add_best(mn_learner *learner, const char *owner, const char *name,
                              mn_network *network, mn_best **best)
{
    if (network == NULL)
        return mn_fail(MN_BAD_VALUE, "best '%s': the network is NULL; declare it first", name);
    if (learner->bests == MN_MOST_NETWORKS)
        return mn_fail(MN_UNSUPPORTED, "best '%s': more than %d in one run", name,
                       MN_MOST_NETWORKS);
    *best = &learner->best[learner->bests++];
    return add_best(learner, network, owner, name, *best);
}

static mn_status copy(const mn_best *best, bool back)
{
    int64_t first = 0;
    for (int i = -1; i < mn_network_statistic_count(best->network); i++) {
        mn_tensor part, *whole = i < 0 ? mn_network_values(best->network)
                                       : mn_network_statistic(best->network, i, NULL);
        MN_TRY(mn_tensor_view(best->weights, first, mn_tensor_shape(whole), &part));
        MN_TRY(back ? mn_tensor_copy(whole, &part) : mn_tensor_copy(&part, whole));
        first += mn_tensor_count(whole);
    }
    return MN_OK;
}

mn_status mn_best_offer(mn_best *best, double value)
{
    const bool better = *best->offers == 0 || value > *best->value;
    ++*best->offers;
    ++*best->waited;
    if (!better)
        return MN_OK;
    *best->value = value;
    *best->waited = 0;
    return copy(best, false);
}

int64_t mn_best_waited(const mn_best *best)
{
    return *best->waited;
}

void mn_best_wait_anew(mn_best *best)
{
    *best->waited = 0;
}

mn_status mn_best_restore(mn_best *best)
{
    return *best->offers > 0 ? copy(best, true) : MN_OK;
}

void mn_best_forget(mn_best *best)
{
    *best->offers = *best->waited = 0;
    *best->value = 0;
}
