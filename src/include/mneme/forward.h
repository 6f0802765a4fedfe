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

/* An intermediate map of the network, by name or by role: see mn_network_map() and
 * mn_network_map_of_role(). */
MN_API mn_var *mn_out_map(const mn_out *out, const char *name);
MN_API mn_role_map mn_map_of_role(const mn_out *out, mn_map_role role, int i);

/* Runs the learner's network (or another) on the step's tape and publishes the result.  Never
 * NULL; after an error its vars are the tape's poison. */
MN_API const mn_out *mn_forward(mn_learner *learner, const mn_batch *batch, mn_mode mode);
MN_API const mn_out *mn_forward_with(mn_learner *learner, mn_network *network,
                                     const mn_batch *batch, mn_mode mode);
/* The same of images that were made on the tape, x (B, image...), normalised as training's are:
 * gradient flows back through them.  The published batch has the labels, tasks and places of
 * `about`, which has as many rows; NULL: unlabelled rows that come from nowhere.  Its pixels are the
 * nearest bytes, its images x itself, so that an add-on may show it to a network of its own. */
MN_API const mn_out *mn_forward_value(mn_learner *learner, mn_network *network, mn_var *x,
                                      const mn_batch *about, mn_mode mode);

/* In open: hands `look` what the run's network makes of two images of zeros, in evaluation, without
 * gradients, with its attentions.  What `look` fails the tape with fails open, so that a network which
 * lacks what a strategy reads is refused before the run begins.  No weight, statistic or random number
 * moves, and nothing is published. */
MN_API mn_status mn_try_forward(mn_learner *learner,
                                void (*look)(mn_learner *learner, const mn_out *out));

/* A target of distillation: the map `name` of what a snapshot of the network, or any other network,
 * makes of the batch in evaluation, as a constant; "logits" and "features" are names too.  The
 * forward is made, and published, once a step, however many targets are asked for:
 *     for (int i = 0; names[i] != NULL; i++)
 *         mn_term(learner, names[i], 1, mn_mse(mn_out_map(out, names[i]),
 *                                              mn_target(learner, old, now, names[i])));  */
MN_API mn_var *mn_target(mn_learner *learner, mn_network *network, const mn_batch *batch,
                         const char *name);

/* In open: the images of every batch become differentiable, those of another strategy's forwards
 * among them.  No weight moves by it, and no other gradient. */
MN_API void mn_want_image_gradients(mn_learner *learner);
/* A batch's images as all of its forwards in this step see them, (B, image...), normalised: once they
 * are wanted, mn_gradient_of(loss, mn_batch_images(learner, batch)) is d loss / d images. */
MN_API mn_var *mn_batch_images(mn_learner *learner, const mn_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
