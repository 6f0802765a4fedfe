/* layerwise.c -- an add-on: the network's maps stay close to those of a snapshot of the last task.
 *
 *     L = base + weight sum_l mse(f_l(x), f'_l(x)),  f' the network after the last task
 *
 * over the features, the logits and, where there is one, the map before pooling, whose attention
 * |.|^2 summed over channels is compared (Zagoruyko and Komodakis 2017).
 */
#include <mneme/strategy.h>

typedef struct layerwise_options {
    double weight;
} layerwise_options;

static const mn_option options[] = {
    MN_REAL(layerwise_options, weight, 0.3, 0, 1000, "weight of each layer"),
    MN_END,
};

typedef struct layerwise_state {
    mn_network *snapshot;
} layerwise_state;

static mn_status open(mn_learner *learner)
{
    layerwise_state *s = mn_state(learner);
    return mn_add_network(learner, "snapshot", NULL, &s->snapshot);
}

static mn_status after_task(mn_learner *learner)
{
    const layerwise_state *s = mn_state(learner);
    return mn_network_copy(s->snapshot, mn_learner_network(learner));
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    static const char *const names[] = {"features", "logits"};
    const layerwise_options *o = mn_options(learner);
    const layerwise_state *s = mn_state(learner);
    (void)tape;
    if (n == 0 || mn_task(learner) == 0 || published[0]->network != mn_learner_network(learner) ||
        published[0]->batch->count == 0)
        return MN_OK;
    mn_var *mine[] = {published[0]->features, published[0]->logits};
    for (int i = 0; i < 2; i++)
        mn_term(learner, names[i], o->weight,
                mn_mse(mine[i], mn_target(learner, s->snapshot, published[0]->batch, names[i])));
    return MN_OK;
}

MN_STRATEGY(layerwise) = {
    MN_STRATEGY_HEADER,
    .name = "layerwise",
    .summary = "For tests: an add-on that holds layers to a snapshot of the last task.",
    .options = options,
    .options_size = sizeof(layerwise_options),
    .state_size = sizeof(layerwise_state),
    .open = open,
    .term = term,
    .after_task = after_task,
};
