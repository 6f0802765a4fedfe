/* gss.c -- experience replay from a buffer of images whose gradients differ most.
 *
 *     L = CE(f([x; x']), [y; y']),  (x', y') drawn from the buffer
 *
 * What is the method's own lies in the buffer policy of the same name: which images stay.  The
 * paper takes several such steps on each batch of the stream; the DER authors' settings take one.
 */
#include <mneme/strategy.h>

typedef struct gss_options {
    int64_t replay;
} gss_options;

static const mn_option options[] = {
    MN_INT(gss_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_END,
};

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const gss_options *o = mn_options(learner);
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

MN_STRATEGY(gss) = {
    MN_STRATEGY_HEADER,
    .name = "gss",
    .summary = "Gradient-based sample selection: replay of images whose gradients are unlike each "
               "other's.",
    .cite = "Aljundi et al., Gradient based sample selection for online continual learning, "
            "NeurIPS 2019",
    .options = options,
    .options_size = sizeof(gss_options),
    .needs = MN_NEEDS_BUFFER,
    .policy = "gss",
    .loss = loss,
    .after_step = after_step,
};
