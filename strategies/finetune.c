/* finetune.c -- train on each task as it comes and do nothing against forgetting: the lower bound.
 *
 *     L = CE(f(x), y)
 */
#include <mneme/strategy.h>

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

MN_STRATEGY(finetune) = {
    MN_STRATEGY_HEADER,
    .name = "finetune",
    .summary = "Trains on each task in turn and does nothing against forgetting (lower bound).",
    .loss = loss,
};
