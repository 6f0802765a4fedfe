/* feature_pair.c -- what two networks see in the same images. */
#include "learner/feature_pair.h"
#include "learner/learner.h"

#include <mneme/memory.h>
#include <string.h>

mn_status mn_feature_pair_take(mn_feature_pair *pair, int64_t most)
{
    pair->shared = mn_memory_take((size_t)(most * pair->shared_width), sizeof *pair->shared);
    pair->other = mn_memory_take((size_t)(most * pair->other_width), sizeof *pair->other);
    return pair->shared != NULL && pair->other != NULL
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for features to compare");
}

void mn_feature_pair_give(mn_feature_pair *pair)
{
    mn_memory_give(pair->shared);
    mn_memory_give(pair->other);
}

mn_status mn_feature_pair_add(mn_learner *learner, mn_network *other, const mn_batch *batch,
                              int64_t wanted, mn_feature_pair *pair)
{
    const int64_t count = batch->count < wanted ? batch->count : wanted;
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    const float *of_shared = NULL, *of_other = NULL;
    mn_learner_begin_step(learner);
    learner->current = 0;
    mn_var *x = mn_forward(learner, batch, mode)->features;
    mn_var *y = mn_forward_with(learner, other, batch, mode)->features;
    MN_TRY(mn_learner_check(learner));
    MN_TRY(mn_values(x, &of_shared));
    MN_TRY(mn_values(y, &of_other));
    memcpy(pair->shared + pair->rows * pair->shared_width, of_shared,
           (size_t)(count * pair->shared_width) * sizeof *of_shared);
    memcpy(pair->other + pair->rows * pair->other_width, of_other,
           (size_t)(count * pair->other_width) * sizeof *of_other);
    pair->rows += count;
    return MN_OK;
}

mn_var *mn_features_of_shared(mn_learner *learner, const mn_feature_pair *pair)
{
    return mn_input(learner->tape, MN_SHAPE(pair->rows, pair->shared_width), pair->shared, false);
}

mn_var *mn_features_of_other(mn_learner *learner, const mn_feature_pair *pair)
{
    return mn_input(learner->tape, MN_SHAPE(pair->rows, pair->other_width), pair->other, false);
}
