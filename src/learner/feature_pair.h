/* feature_pair.h -- what two networks see in the same images, for measures of how alike they are.
 */
#ifndef MN_LEARNER_FEATURE_PAIR_H
#define MN_LEARNER_FEATURE_PAIR_H

#include "learner/parts.h"

typedef struct mn_feature_pair {
    float *shared, *other; /* (rows, their widths), of the run's network and of the other one */
    int64_t rows, shared_width, other_width;
} mn_feature_pair;

/* Room for so many rows of the widths that are set. */
mn_status mn_feature_pair_take(mn_feature_pair *pair, int64_t most);
void mn_feature_pair_give(mn_feature_pair *pair);
/* Adds the first min(wanted, all) rows of a batch, as both networks see them in evaluation. */
mn_status mn_feature_pair_add(mn_learner *learner, mn_network *other, const mn_batch *batch,
                              int64_t wanted, mn_feature_pair *pair);
/* The rows as constants on the learner's tape. */
mn_var *mn_features_of_shared(mn_learner *learner, const mn_feature_pair *pair);
mn_var *mn_features_of_other(mn_learner *learner, const mn_feature_pair *pair);

#endif
