/* networks.h -- the generator and the discriminator of Genifer, sized by options. */
#ifndef MN_STRATEGIES_GENIFER_NETWORKS_H
#define MN_STRATEGIES_GENIFER_NETWORKS_H

#include <mneme/layers.h>

/* --- generator: latent numbers, a class and noise maps -> an image --- */
typedef struct mn_generator_options {
    int64_t latent, embedding, style; /* widths: of the latent, of a class, of the style */
    int64_t width;                    /* channels of the first maps; halved at each doubling */
    int64_t doublings;                /* of height and width, from first maps to image */
} mn_generator_options;

/* Its spec's input is the image that it makes, (C, H, W), whose sides 2^doublings divides. */
const mn_network_type *mn_generator_type(void);
/* Floats of all noise maps of one image (C, H, W). */
int64_t mn_generator_noise(const mn_generator_options *options, mn_shape image);
/* latent (B, latent), classes (B, classes) one-hot, noise (B, noise) -> (B, C, H, W) */
mn_var *mn_generator_images(mn_network *generator, const mn_generator_options *options,
                            mn_var *latent, mn_var *classes, mn_var *noise, mn_mode mode);

/* --- discriminator: maps and a class -> how real the maps look as that class --- */
typedef struct mn_discriminator_options {
    int64_t width, most_width; /* channels of the first block; doubled in each, up to the most */
    int64_t blocks;            /* each of which ends in a pooling that halves the maps */
    int64_t convolutions;      /* in a block */
    int64_t dense, projection; /* widths behind the last maps */
} mn_discriminator_options;

/* Its spec's input is the maps' shape, (C, H, W). */
const mn_network_type *mn_discriminator_type(void);
/* maps (B, C, H, W), classes (B, classes) one-hot -> (B) */
mn_var *mn_discriminator_scores(mn_network *discriminator, const mn_discriminator_options *options,
                                mn_var *maps, mn_var *classes, mn_mode mode);

/* The deviation of each element over groups of `group` rows (those n apart, for n groups), averaged
 * over a row, as one more channel of x (B, C, H, W) (Karras et al. 2018).  Where B is no multiple
 * of the group, all rows are one group. */
mn_var *mn_minibatch_deviation(mn_var *x, int64_t group);

#endif
