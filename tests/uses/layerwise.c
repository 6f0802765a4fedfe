/* layerwise.c -- an add-on: the network's maps stay close to those of a snapshot of the last task.
 *
 *     L = base + weight sum_l mse(f_l(x), f'_l(x)),  f' the network after the last task
 *
 * over the features and the logits; with `attention`, also over that of the map before pooling, its
 * squares summed over channels and brought to length 1 (Zagoruyko and Komodakis 2017); with
 * `norms`, also over the means of what goes into each norm and its running mean (Yin et al. 2020).
 */
#include <mneme/strategy.h>

typedef struct layerwise_options {
    double weight;
    bool attention, norms;
} layerwise_options;

static const mn_option options[] = {
    MN_REAL(layerwise_options, weight, 0.3, 0, 1000, "weight of each layer"),
    MN_BOOL(layerwise_options, attention, false, "the map before pooling, too"),
    MN_BOOL(layerwise_options, norms, false, "what goes into norms, too"),
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

/* (B, C, H, W) -> (B, H W) */
static mn_var *attention_of(const mn_out *out)
{
    mn_var *map = mn_map_of_role(out, MN_MAP_BEFORE_POOLING, 0).value;
    mn_var *sum = mn_sum_axis(mn_square(map), 1);
    const int64_t rows = mn_rows_of(sum);
    return mn_row_normalise(
        mn_reshape(sum, MN_SHAPE(rows, mn_shape_count(mn_shape_of(sum)) / (rows > 0 ? rows : 1))));
}

/* Sum over norms of the squared distances of a batch's means from the running ones. */
static mn_var *distance_of_means(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const mn_out *out =
        mn_forward_with(learner, mn_learner_network(learner), batch, MN_EVAL | MN_NORM_INPUTS);
    mn_var *sum = NULL;
    mn_role_map in = mn_map_of_role(out, MN_MAP_INTO_NORM, 0);
    for (int i = 1; in.value != NULL && mn_tape_status(tape) == MN_OK; i++) {
        mn_var *mean = mn_mean_axis(in.value, 0);
        while (mn_shape_of(mean).rank > 1) /* (C, H, W) */
            mean = mn_mean_axis(mean, mn_shape_of(mean).rank - 1);
        mn_var *apart = mn_sum(mn_square(mn_sub(mean, mn_const(tape, in.mean))));
        sum = sum == NULL ? apart : mn_add(sum, apart);
        in = mn_map_of_role(out, MN_MAP_INTO_NORM, i);
    }
    return sum != NULL ? sum : in.value;
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    static const char *const names[] = {"features", "logits"};
    const layerwise_options *o = mn_options(learner);
    const layerwise_state *s = mn_state(learner);
    if (n == 0 || mn_task(learner) == 0 || published[0]->network != mn_learner_network(learner) ||
        published[0]->batch->count == 0)
        return MN_OK;
    mn_var *mine[] = {published[0]->features, published[0]->logits};
    for (int i = 0; i < 2; i++)
        mn_term(learner, names[i], o->weight,
                mn_mse(mine[i], mn_target(learner, s->snapshot, published[0]->batch, names[i])));
    if (o->attention) {
        const mn_out *old =
            mn_forward_with(learner, s->snapshot, published[0]->batch, MN_EVAL | MN_NO_GRADIENT);
        mn_term(learner, "attention", o->weight,
                mn_mse(attention_of(published[0]), mn_detach(attention_of(old))));
    }
    if (o->norms)
        mn_term(learner, "norms", o->weight, distance_of_means(learner, tape, published[0]->batch));
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
