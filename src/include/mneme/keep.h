/* keep.h -- what a strategy adds to the run: networks, parameters, optimisers, and state that is
 * saved with every commit.
 */
#ifndef MNEME_KEEP_H
#define MNEME_KEEP_H

#include <mneme/data.h>
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
/* Networks from files that the user names for strategies to learn from (teacher=FILE,...), which stay
 * as they are: mn_target() asks them.  They answer for the run's classes about whole images, whatever
 * the run's own network sees.  The i-th; NULL past the last. */
#define MN_MOST_TEACHERS 5
MN_API int mn_teachers(const mn_learner *learner);
MN_API mn_network *mn_teacher(const mn_learner *learner, int i);
/* In open: a tensor to be trained without a network around it: condensed images, prototypes, a
 * temperature.  It is drawn from `initial`, times `scale`, by seed and name; has 1 to 4 axes; and is
 * a network of one parameter, "value", without a forward: what moves, resets, copies and reads
 * networks does so with it.  `mneme export` writes it as STRATEGY/NAME, beside the weights. */
MN_API mn_status mn_add_parameters(mn_learner *learner, const char *name, mn_shape shape,
                                   mn_initial initial, double scale, mn_network **parameters);
/* Its values on a tape; backward adds into its gradient. */
MN_API mn_var *mn_parameters(mn_network *parameters, mn_tape *tape);
MN_API mn_status mn_add_optimiser(mn_learner *learner, const char *name, const char *kind,
                                  const char *options, mn_network *network, double learning_rate);
/* One that moves the classifier alone. */
MN_API mn_status mn_add_head_optimiser(mn_learner *learner, const char *name, const char *kind,
                                       const char *options, mn_network *network,
                                       double learning_rate);
/* In open: the run's optimiser moves `network`, the strategy's own, as well (a projection head): by
 * the same rule at the same rate, clipped by their common norm. */
MN_API mn_status mn_train_with_shared(mn_learner *learner, mn_network *network);
/* In open: parameters as a group of an optimiser's, or, of NULL, of the run's and whatever moves with
 * it; see mn_optimiser_group() for patterns.  *rate and *decay, 1 at first, multiply its rate and
 * weight decay; they are kept with the run, and any hook may write them: 0 into *rate freezes.
 * Statistics of norms go on moving where a forward is MN_TRAIN. */
MN_API mn_status mn_add_group(mn_learner *learner, const char *optimiser, const char *pattern,
                              double **rate, double **decay);
MN_API mn_status mn_keep_tensor(mn_learner *learner, const char *name, mn_shape shape,
                                mn_tensor **tensor);
/* In open: memory to work in.  Not kept: its contents are lost at any commit, between steps. */
MN_API mn_status mn_add_scratch(mn_learner *learner, mn_shape shape, mn_tensor **tensor);
/* In before_scores: shows `visit` every row of the buffer whose label is known, un-augmented, in
 * order of slot, in batches as large as those of the evaluation; the tape is empty for each. */
MN_API mn_status mn_visit_buffer(mn_learner *learner,
                                 mn_status (*visit)(mn_learner *learner, mn_tape *tape,
                                                    const mn_batch *rows));
MN_API mn_status mn_keep_int(mn_learner *learner, const char *name, int64_t **value);
MN_API mn_status mn_keep_real(mn_learner *learner, const char *name, double **value);

#ifdef __cplusplus
}
#endif
#endif
