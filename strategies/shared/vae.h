/* vae.h -- what strategies share whose replay is drawn by a variational autoencoder, a network of
 * type vae: what it draws, what it learns, and what of it can be looked at.
 */
#ifndef MN_STRATEGIES_VAE_H
#define MN_STRATEGIES_VAE_H

#include <mneme/strategy.h>

/* In open: the generator and how it was before the task, "generator" and "old_generator", of the
 * images that the shared network sees; `options` are the network's, as a JSON object, and `where`
 * names the strategy's option that has them. */
mn_status mn_vae_add(mn_learner *learner, const char *options, const char *where,
                     mn_network **generator, mn_network **old_generator);
int64_t mn_vae_latent(const mn_network *vae);

/* Images (rows, pixels) in [0,1] of codes (rows, latent), without gradient, in evaluation. */
mn_var *mn_vae_images(mn_network *vae, mn_var *codes);
/* The same of codes drawn by `name` at this step. */
mn_var *mn_vae_draw(mn_learner *learner, mn_tape *tape, mn_network *vae, const char *name,
                    int64_t rows);

/* Adds the two terms of weight V(x) for images x (rows, pixels) under these names,
 *     V = BCE(x^, x) + KL(q(z|x) || N(0, I)) / pixels,
 * the encoder's noise drawn by `noise`. */
void mn_vae_terms(mn_learner *learner, mn_tape *tape, mn_network *vae, const char *const name[2],
                  const char *noise, double weight, mn_var *x);
/* The same of a task's batch and, where it is not NULL, of what the old generator drew, weighted
 * 1/t and 1 - 1/t in the t-th task. */
void mn_vae_learn(mn_learner *learner, mn_tape *tape, mn_network *vae, const mn_batch *now,
                  mn_var *drawn);

/* Keeps images of the same codes after every task, labelled by the shared network among the classes
 * seen, to be looked at. */
mn_status mn_vae_keep_samples(mn_learner *learner, mn_network *vae, int64_t count);

#endif
