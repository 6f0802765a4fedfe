/* losses.h -- what losses are made of (autograd.h has the tape, and the letters in shapes).
 */
#ifndef MNEME_LOSSES_H
#define MNEME_LOSSES_H

#include <mneme/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- losses: scalars, means over the batch, 0 for an empty batch ------------------------------ */
/* -mean_i log softmax(logits_i)[label_i].  Labels are copied; one outside 0..K-1, MN_UNLABELLED
 * (-1) among them, is MN_BAD_VALUE. */
MN_API mn_var *mn_cross_entropy(mn_var *logits, const int32_t *labels);
/* The same with a softmax over columns first..first+count-1 alone; labels lie in that range. */
MN_API mn_var *mn_cross_entropy_columns(mn_var *logits, const int32_t *labels, int64_t first,
                                        int64_t count);
MN_API mn_var *mn_mse(mn_var *x, mn_var *y); /* mean over all elements of (x - y)^2 */
/* Mean over all elements of -t log s(x) - (1 - t) log(1 - s(x)), s(x) = 1 / (1 + exp(-x)): each
 * logit against a target t of its own. */
MN_API mn_var *mn_binary_cross_entropy(mn_var *logits, mn_var *targets);
/* T^2 mean_i sum_k p log(p / q), p = softmax(teacher / T), q = softmax(student / T) (Hinton et al.
 * 2015).  Gradient flows to both unless the teacher is constant or detached. */
MN_API mn_var *mn_kl(mn_var *student, mn_var *teacher, double temperature);
/* Supervised contrastive loss (Khosla et al. 2020) of the rows of x (B,K), brought to length 1; a
 * row's positives are the others of its label.  One without positives adds 0. */
MN_API mn_var *mn_supervised_contrastive(mn_var *x, const int32_t *labels, double temperature);
/* Batch-hard triplets (Hermans et al. 2017): the mean of [margin + d(i, r-th farthest row of its
 * label) - d(i, r-th nearest of another)]+ over rows i of x (B,K) and r = 1..hardest for which both
 * exist, d squared distances; 0 where there are none.  Without `attract` the first d is left out. */
MN_API mn_var *mn_triplets(mn_var *x, const int32_t *labels, int64_t hardest, double margin,
                           bool attract);

/* --- nearest neighbours (Assran et al. 2021) ---------------------------------------------------- */
/* Softmax-weighted votes of supports (S,D) with label rows (S,K), for queries (B,D) -> (B,K):
 * softmax(q s^T / temperature) labels, q and s the rows brought to length 1. */
MN_API mn_var *mn_soft_neighbours(mn_var *queries, mn_var *supports, mn_var *labels,
                                  double temperature);
/* Rows of probabilities to the power 1 / temperature, brought to sum 1. */
MN_API mn_var *mn_sharpen(mn_var *probabilities, double temperature);
/* (1 - smoothing) y + smoothing / K, of one-hot rows y (B,K). */
MN_API mn_var *mn_smooth_labels(mn_var *one_hot, double smoothing);
/* -mean_i sum_k targets_ik log p_ik, for rows of probabilities p above 0. */
MN_API mn_var *mn_soft_cross_entropy(mn_var *probabilities, mn_var *targets);
/* sum_k m_k log m_k of the mean m of the rows: minus the entropy of that mean. */
MN_API mn_var *mn_mean_negentropy(mn_var *probabilities);

/* --- X-DER (Boschini et al. 2022); no gradient passes ------------------------------------------- */
/* `old` (B,K) with columns first..first+count-1 taken from `now`, so scaled in each row where their
 * largest is above old[label] that it becomes gamma old[label]; where that is not above 0, cut off
 * below it instead, or, with `reference`, scaled all the same, as the authors' code does. */
MN_API mn_var *mn_implant(mn_var *old, mn_var *now, const int32_t *labels, int64_t first,
                          int64_t count, double gamma, bool reference);
/* The corners of a regular simplex about 0 as columns of length 1: (classes - 1, classes). */
MN_API mn_var *mn_simplex(mn_tape *tape, int64_t classes);

/* --- penalties on gradients ------------------------------------------------------------------- */
/* A scalar made of x on x's tape. */
typedef mn_var *mn_scalar_of(mn_var *x, void *context);
/* loss(d f / d x), a scalar in which the gradient itself stands (R1, penalties on gradients), and
 * whose own gradient flows to f's parameters and to x.  It is made of first-order sweeps alone:
 * with v = d loss / d g at g = d f / d x, the gradient is that of (f(x + e v) - f(x - e v)) / 2e,
 * as e v stays below 0.01 in every element; its error is of the order of e^2, or of e where a kink
 * lies between.  f runs three times and may not be random. */
MN_API mn_var *mn_loss_of_gradient(mn_scalar_of *f, mn_scalar_of *loss, void *context, mn_var *x);

#ifdef __cplusplus
}
#endif
#endif
