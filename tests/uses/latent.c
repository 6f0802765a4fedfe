/* latent.c -- replays features instead of images, through the classifier alone.
 *
 *     L = CE(stream) + CE(classifier(kept features))
 */
#include <mneme/strategy.h>

static mn_status open(mn_learner *learner)
{
    const int64_t features = mn_network_features(mn_learner_network(learner));
    return features > 0 ? mn_keep_rows(learner, MN_SHAPE(features))
                        : mn_fail(MN_UNSUPPORTED, "latent: the network has no features");
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    const mn_batch *old = mn_draw(learner, "features", 16);
    if (old->count == 0)
        return MN_OK;
    mn_var *kept = mn_input(tape, MN_SHAPE(old->count, old->image.size[0]), old->x, false);
    mn_term(learner, "features", 1,
            mn_cross_entropy(mn_network_classify(mn_learner_network(learner), kept, MN_TRAIN),
                             old->labels));
    return MN_OK;
}

/* Two rows of each batch: while there is room in free slots, then over rows drawn by chance. */
static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    const mn_buffer *buffer = mn_learner_buffer(learner);
    if (now->count < 2)
        return MN_OK;
    mn_var *two = mn_rows(out->features, 0, 2);
    if (mn_buffer_capacity(buffer) - mn_buffer_used(buffer) >= 2)
        return mn_put(learner, two, now->labels, NULL, MN_WITHOUT);
    const mn_batch *over = mn_draw(learner, "over", 2);
    return over->count == 2 ? mn_put(learner, two, now->labels, over->slots, MN_WITHOUT) : MN_OK;
}

MN_STRATEGY(latent) = {
    MN_STRATEGY_HEADER,
    .name = "latent",
    .summary = "For tests: replays features.",
    .needs = MN_NEEDS_BUFFER | MN_FILLS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
};
