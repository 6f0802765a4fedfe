/* forward.h -- what networks make of a batch, and what gradients, maps and targets are asked of it.
 */
#ifndef MNEME_FORWARD_H
#define MNEME_FORWARD_H

#include <mneme/data.h>
#include <mneme/keep.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A forward that happened.  It is published: add-ons read it instead of running the network again
 * (which would move batch-norm's statistics).  Valid through after_step. */
typedef struct mn_out {
    mn_var *logits;        /* (B, classes) */
    mn_var *features;      /* (B, features) */
    const mn_batch *batch; /* its labels, tasks and where each row came from */
    mn_network *network;
    mn_mode mode;
    const mn_map *maps; /* ask mn_out_map() */
} mn_out;

/* An intermediate map of the network, by name: see mn_network_map(). */
MN_API mn_var *mn_out_map(const mn_out *out, const char *name);

/* Runs the learner's network (or another) on the step's tape and publishes the result.  Never
 * NULL; after an error its vars are the tape's poison. */
MN_API const mn_out *mn_forward(mn_learner *learner, const mn_batch *batch, mn_mode mode);
MN_API const mn_out *mn_forward_with(mn_learner *learner, mn_network *network,
                                     const mn_batch *batch, mn_mode mode);

#ifdef __cplusplus
}
#endif
#endif
