/* er.c -- experience replay: every step also sees a minibatch of remembered images.
 *
 *     L = CE(f([x; x']), [y; y']),  (x', y') drawn from the buffer
 *
 * One forward of the concatenated batch: batch statistics are shared, and the mean over b + m rows
 * lets the weight of the stream fall as the replay minibatch m grows.
 */
#include <mneme/strategy.h>

typedef struct er_options {
    int64_t replay;
} er_options;

static const mn_option options[] = {
    MN_INT(er_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_END,
};

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const er_options *o = mn_options(learner);
    const mn_batch *both = mn_join(learner, now, mn_draw(learner, "replay", o->replay));
    mn_term(learner, "stream+replay", 1,
            mn_cross_entropy(mn_forward(learner, both, MN_TRAIN)->logits, both->labels));
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

MN_STRATEGY(er) = {
    MN_STRATEGY_HEADER,
    .name = "er",
    .summary = "Experience replay: stream and remembered images in one batch.",
    .cite = "Chaudhry et al., On Tiny Episodic Memories in Continual Learning, 2019; Riemer et "
            "al., Learning to Learn without Forgetting by Maximizing Transfer and Minimizing "
            "Interference, ICLR 2019",
    .options = options,
    .options_size = sizeof(er_options),
    .needs = MN_NEEDS_BUFFER,
    .loss = loss,
    .after_step = after_step,
};
