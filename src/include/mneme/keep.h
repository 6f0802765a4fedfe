/* keep.h -- what a strategy adds to the run: networks, optimisers, and state that is saved with
 * every commit.
 */
#ifndef MNEME_KEEP_H
#define MNEME_KEEP_H

#include <mneme/optimiser.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_learner mn_learner; /* the run, as it is lent to a strategy */

/* --- networks, optimisers, and state that is kept --------------------------------------------- */
MN_API mn_network *mn_learner_network(mn_learner *learner); /* the shared one */
/* Draws its initial weights anew, by seed and task.  A shared network that the run began with
 * weights from a file (--init) goes back to those; only a head that they left out is drawn. */
MN_API mn_status mn_reinitialise(mn_learner *learner, mn_network *network);
/* In open: a network of the strategy's own, saved with the run.  NULL spec: like the shared one. */
MN_API mn_status mn_add_network(mn_learner *learner, const char *name, const mn_network_spec *spec,
                                mn_network **network);
/* One of a type of the strategy's own; see mn_network_new_of(). */
MN_API mn_status mn_add_network_of(mn_learner *learner, const char *name,
                                   const mn_network_type *type, const void *options,
                                   const mn_network_spec *spec, mn_network **network);
MN_API mn_status mn_add_optimiser(mn_learner *learner, const char *name, const char *kind,
                                  const char *options, mn_network *network, double learning_rate);
/* One that moves the classifier alone. */
MN_API mn_status mn_add_head_optimiser(mn_learner *learner, const char *name, const char *kind,
                                       const char *options, mn_network *network,
                                       double learning_rate);
/* In open: the run's optimiser moves `network`, the strategy's own, as well (a projection head): by
 * the same rule at the same rate, clipped by their common norm. */
MN_API mn_status mn_train_with_shared(mn_learner *learner, mn_network *network);
MN_API mn_status mn_keep_tensor(mn_learner *learner, const char *name, mn_shape shape,
                                mn_tensor **tensor);
/* In open: memory to work in.  Not kept: its contents are lost at any commit, between steps. */
MN_API mn_status mn_add_scratch(mn_learner *learner, mn_shape shape, mn_tensor **tensor);
MN_API mn_status mn_keep_int(mn_learner *learner, const char *name, int64_t **value);
MN_API mn_status mn_keep_real(mn_learner *learner, const char *name, double **value);

#ifdef __cplusplus
}
#endif
#endif
