/* dsa.h -- the changes of images under which condensed images and real ones are compared. */
#ifndef MN_STRATEGIES_SHARED_DSA_H
#define MN_STRATEGIES_SHARED_DSA_H

#include <mneme/strategy.h>

enum { MN_MOST_DSA = 1024 }; /* rows that each have a draw of their own */

/* x (B, C, H, W), normalised, so that zeros are the data's mean, changed by one operation that
 * `key` draws: colours, a shift by an eighth, a square cut out, a flip (where `flip`), another
 * size, a turn (differentiable siamese augmentation, Zhao and Bilen, ICML 2021).  Its strengths are
 * drawn once for all rows, or for `each` of them; equal keys give equal draws, whatever the number
 * of rows.  Gradient flows to x. */
mn_var *mn_dsa(mn_var *x, bool flip, bool each, mn_key key);

#endif
