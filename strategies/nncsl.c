/* nncsl.c -- semi-supervised learning of classes in sequence: labelled images vote on unlabelled
 * ones, and the votes of past classes' images stay what they were.
 *
 *     P(q) = softmax(cos(q, s) / tau) y,  s the supports: labelled images, y their smoothed labels
 *     L = mean CE(P(a), t) + sum m log m + linear CE(f(s), y) + distil mean CE(P'(a), P'old(a))
 *
 * a: all views of unlabelled images; t: the sharpened vote on an image's other view, or the mean of
 * both for a small view; m: the mean of all sharpened votes, so that the second term is minus its
 * entropy; P': the vote of past classes' supports, old: by the networks as they were before the
 * task.  Votes are cast in the space of a projection head, which is thrown away: the classifier
 * answers.  paws and csl are the same without what came later:
 *
 *     paws    all supports vote in P, and the classifier's loss does not reach the network
 *     csl     only present classes' supports vote in P, and it does
 *     nncsl   and what the old networks' votes say is kept
 *
 * The authors' training never switches back to training mode after the first task: batch norms keep
 * their statistics from then on and learn only scale and shift.  freeze_norms says whether so here.
 * The old networks' norms do as the present ones', so that a task begins with P' = P'old.
 */
#include "strategies/shared/nncsl.h"

static const mn_option options[] = {MN_NNCSL_OPTIONS(true, false, 0.2)};
static const mn_phase phases[] = MN_NNCSL_PHASES;

MN_STRATEGY(nncsl) = {
    MN_STRATEGY_HEADER,
    .name = "nncsl",
    .summary = "NNCSL: labelled images vote on unlabelled ones, and past classes' votes are kept.",
    .cite = MN_NNCSL_CITE,
    .options = options,
    .phases = phases,
    MN_NNCSL_VARIANT,
};
