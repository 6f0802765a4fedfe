/* prototypes.c -- sums of features by class, and their means. */
#include "strategies/shared/prototypes.h"

mn_status mn_prototypes_find_width(mn_learner *learner, int64_t *width)
{
    *width = mn_network_features(mn_learner_network(learner));
    return *width > 0
               ? MN_OK
               : mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
}

mn_status mn_prototypes_open(mn_learner *learner, mn_prototypes *prototypes)
{
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    int64_t features;
    MN_TRY(mn_prototypes_find_width(learner, &features));
    MN_TRY(mn_keep_tensor(learner, "sum", MN_SHAPE(classes, features), &prototypes->sum));
    return mn_keep_tensor(learner, "count", MN_SHAPE(classes, 1), &prototypes->count);
}

int64_t mn_prototypes_width(const mn_prototypes *prototypes)
{
    return mn_tensor_shape(prototypes->sum).size[1];
}

mn_var *mn_prototypes_features(mn_learner *learner, const mn_batch *batch)
{
    return mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->features;
}

mn_status mn_prototypes_add(const mn_prototypes *prototypes, mn_var *features,
                            const int32_t *labels)
{
    mn_var *one = mn_shift(mn_zeros(mn_tape_of(features), MN_SHAPE(mn_rows_of(features), 1)), 1);
    MN_TRY(mn_add_by_label(one, labels, prototypes->count));
    return mn_add_by_label(features, labels, prototypes->sum);
}

mn_var *mn_prototypes_means(const mn_prototypes *prototypes, mn_tape *tape)
{
    mn_var *count = mn_clamp(mn_const(tape, prototypes->count), 1, 1e30);
    mn_var *share = mn_exp(mn_scale(mn_log(count), -1));
    return mn_broadcast_mul(mn_const(tape, prototypes->sum), share);
}

mn_var *mn_prototypes_known(const mn_prototypes *prototypes, mn_var *scores)
{
    bool known[MN_MAX_CLASSES];
    const float *count = mn_host(mn_const(mn_tape_of(scores), prototypes->count));
    for (int64_t k = 0; count != NULL && k < mn_shape_of(scores).size[1]; k++)
        known[k] = count[k] > 0;
    return count != NULL ? mn_mask_columns(scores, known, -1e9) : scores;
}

/* Both less the mean of all p: of long vectors that differ by little, floats would keep little. */
mn_var *mn_prototypes_nearness(mn_var *x, mn_var *points)
{
    mn_var *centre = mn_scale(mn_mean_axis(points, 0), -1);
    mn_var *p = mn_broadcast_add(points, centre);
    mn_var *squares = mn_row_sum(mn_square(p));
    return mn_linear(mn_scale(mn_broadcast_add(x, centre), 2), p, mn_scale(squares, -1));
}
