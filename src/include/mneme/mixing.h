/* mixing.h -- mixup (Zhang et al. 2018): rows of a batch that are blended in pairs.
 *
 * Partners and shares are drawn once and then applied to whatever belongs to the rows: images,
 * targets, features.
 */
#ifndef MNEME_MIXING_H
#define MNEME_MIXING_H

#include <mneme/services.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_mixing {
    int64_t count;
    const int64_t *partner; /* (count): a permutation of the rows */
    const float *share;     /* (count): of the row itself, from 0.5 to 1 */
} mn_mixing;

/* share = max(s, 1 - s), s ~ Beta(alpha, alpha), alpha from 0.01 to 4.  Keyed by strategy, `name`
 * and step; valid until the step ends. */
MN_API mn_mixing mn_draw_mixing(mn_learner *learner, const char *name, int64_t count, double alpha);
/* x_i becomes share_i x_i + (1 - share_i) x_partner(i).  All else is that of row i; columns do not
 * travel, and no row is the stream's, so that none is remembered. */
MN_API const mn_batch *mn_mix_batch(mn_learner *learner, const mn_batch *batch,
                                    const mn_mixing *mixing);
/* The same of the rows of x (count, K). */
MN_API mn_var *mn_mix_rows(mn_var *x, const mn_mixing *mixing);

#ifdef __cplusplus
}
#endif
#endif
