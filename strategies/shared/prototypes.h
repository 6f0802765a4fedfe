/* prototypes.h -- what classifiers share that sum features of a frozen network by class. */
#ifndef MN_STRATEGIES_PROTOTYPES_H
#define MN_STRATEGIES_PROTOTYPES_H

#include <mneme/strategy.h>

typedef struct mn_prototypes {
    mn_tensor *sum, *count; /* (C,D), (C,1) */
} mn_prototypes;

/* How wide the features of the run's network are.  MN_UNSUPPORTED: it has none. */
mn_status mn_prototypes_find_width(mn_learner *learner, int64_t *width);
/* In open: sums of nothing, kept with the run.  MN_UNSUPPORTED: the network has no features. */
mn_status mn_prototypes_open(mn_learner *learner, mn_prototypes *prototypes);
/* Width of the features, D. */
int64_t mn_prototypes_width(const mn_prototypes *prototypes);
/* The rows of a batch as the network sees them in evaluation, (B,D). */
mn_var *mn_prototypes_features(mn_learner *learner, const mn_batch *batch);
mn_status mn_prototypes_add(const mn_prototypes *prototypes, mn_var *features,
                            const int32_t *labels);
/* (C,D), zeros of a class without rows. */
mn_var *mn_prototypes_means(const mn_prototypes *prototypes, mn_tape *tape);
/* Scores (B,C) with -1e9 for every class without rows: it is nobody's nearest. */
mn_var *mn_prototypes_known(const mn_prototypes *prototypes, mn_var *scores);
/* Of rows x (B,D) to points p (N,D): 2 x.p - |p|^2, which orders points as -|x - p|^2 does. */
mn_var *mn_prototypes_nearness(mn_var *x, mn_var *points);

#endif
