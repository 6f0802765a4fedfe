/* gan.h -- what Genifer's two halves share: the classifier's training, and the generator's.
 */
#ifndef MN_STRATEGIES_GENIFER_GAN_H
#define MN_STRATEGIES_GENIFER_GAN_H

#include "strategies/genifer/networks.h"
#include <mneme/strategy.h>

enum { MN_GENIFER_FEATURES, MN_GENIFER_PIXELS }; /* what the discriminator sees */
enum {                                           /* by which networks normalise in later tasks */
       MN_GENIFER_BATCH_STATISTICS,
       MN_GENIFER_RUNNING_STATISTICS, /* the old one alone */
       MN_GENIFER_FROZEN_STATISTICS,
};

typedef struct mn_genifer_options {
    /* the classifier */
    const char *stage;
    double new_weight, old_weight, feature_weight, temperature, later_lr;
    int64_t statistics;
    bool augment_replay;
    /* the generator's training */
    bool generator;
    int64_t sees, steps, later_steps, gan_batch;
    double generator_lr, discriminator_lr, gamma, distil, half_life, most_augmented, collapsed;
    /* networks */
    int64_t latent, embedding, style, width, doublings;
    int64_t discriminator_width, discriminator_most, blocks, convolutions, dense, projection;
    int64_t samples;
} mn_genifer_options;

typedef struct mn_genifer_state {
    mn_network *before;                 /* the classifier before the task */
    mn_tensor *first_rows, *first_bias; /* of its outputs, as the run began */
    mn_network *generator, *average, *previous, *discriminator;
    mn_generator_options generator_options;
    mn_discriminator_options discriminator_options;
    mn_shape image;            /* (C, H, W) */
    int64_t noise;             /* floats of an image's noise maps */
    int64_t *updates;          /* of the generator in this task */
    double *augmented, *signs; /* probability of each change; sum of signs of D(real) */
    double *certainty;         /* running mean of the discriminator's loss */

    /* of this step; the discriminator's update leaves them to the generator's */
    mn_var *fakes, *old_fakes, *old_reals, *fake_maps, *fake_classes, *real_scores;
} mn_genifer_state;

/* --- genifer_gan.c --- */
mn_status mn_genifer_open_gan(mn_learner *learner);
mn_status mn_genifer_begin_gan(mn_learner *learner); /* before a task */
int64_t mn_genifer_gan_steps(mn_learner *learner);
int64_t mn_genifer_gan_batch(mn_learner *learner);
mn_status mn_genifer_discriminator_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
mn_status mn_genifer_generator_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
/* After a step of the two: averages, adapts the augmentation, and looks for collapse. */
mn_status mn_genifer_after_updates(mn_learner *learner);
/* Images (count, C, H, W) of the averaged generator, without gradient, of classes drawn from a
 * range, which `labels` (count) receives. */
mn_var *mn_genifer_replay(mn_learner *learner, mn_tape *tape, const char *name, mn_range classes,
                          int64_t count, int32_t *labels);
int64_t mn_genifer_classes_to_keep(mn_learner *learner);
mn_status mn_genifer_keep_class(mn_learner *learner, mn_tape *tape, const mn_batch *nothing);

/* The stage's maps that a classifier sees in images. */
mn_var *mn_genifer_maps(mn_learner *learner, mn_network *classifier, mn_var *images, mn_mode mode);

#endif
