/* augment.h -- random changes of images before a discriminator sees them. */
#ifndef MN_STRATEGIES_GENIFER_AUGMENT_H
#define MN_STRATEGIES_GENIFER_AUGMENT_H

#include <mneme/strategy.h>

enum { MN_MOST_AUGMENTED = 512 }; /* rows */

/* Each row of x (B, C, H, W) flipped, turned by quarters, moved, scaled, turned, stretched, and
 * changed in brightness and contrast, with three channels also in luma, hue and saturation; each of
 * them with probability p (Karras et al., StyleGAN2-ADA, 2020).  Gradient flows to x.  Keyed by
 * strategy, `name` and step. */
mn_var *mn_augmented(mn_learner *learner, const char *name, mn_var *x, double p);

/* p after a look at the discriminator: up by a thousandth where the mean sign of its scores of real
 * images is above a half, as it then knows them by heart, down where it is below; 0 to `most`. */
double mn_augmentation_adapted(double p, double mean_sign, double most);

#endif
