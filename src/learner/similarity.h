/* similarity.h -- how like its snapshots a network's features are. */
#ifndef MN_LEARNER_SIMILARITY_H
#define MN_LEARNER_SIMILARITY_H

#include <mneme/strategy.h>

/* Linear centred kernel alignment (Kornblith et al. 2019) of the rows of x (B,K) and y (B,L), from
 * 0 to 1: |Y'X|^2 / (|X'X| |Y'Y|), with columns brought to mean 0 and Frobenius' norms. */
mn_var *mn_linear_cka(mn_var *x, mn_var *y);

/* When a task's training has ended and nobody has been told: notes the alignment of the shared
 * network with every network like it that a strategy keeps, on evaluated images of earlier tasks,
 * in the run file's table `scalar` as "cka/OWNER/NAME". */
mn_status mn_learner_note_similarity(mn_learner *learner);

#endif
