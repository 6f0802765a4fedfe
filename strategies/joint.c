/* joint.c -- at every task, start over and train on the data of all tasks so far: the upper bound.
 *
 *     L = CE(f(x), y),  (x, y) from tasks 0..t,  f initialised anew for each t
 *
 * The last row of its accuracy matrix is ordinary training on the whole data set.
 */
#include <mneme/strategy.h>

static mn_status before_task(mn_learner *learner)
{
    return mn_reinitialise(learner, mn_learner_network(learner));
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "joint", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static const mn_phase phases[] = {
    /* A new network has no use for the old one's moments. */
    {.name = "train", .source = MN_FROM_SEEN, .reset = MN_FRESH_EACH_PHASE},
    {.name = NULL},
};

MN_STRATEGY(joint) = {
    MN_STRATEGY_HEADER,
    .name = "joint",
    .summary = "Trains anew on the data of all tasks so far (upper bound).",
    .needs = MN_NEEDS_PAST_DATA,
    .phases = phases,
    .before_task = before_task,
    .loss = loss,
};
