/* agem_r.c -- A-GEM over a buffer that is filled step by step, for streams without tasks.
 *
 *     g = dCE(f(x), y),  r = dCE(f(x'), y'),  (x', y') drawn from the buffer
 *     g -= (<g, r> / |r|^2) r   where <g, r> < 0
 */
#include <mneme/strategy.h>

typedef struct agem_r_options {
    int64_t replay;
} agem_r_options;

static const mn_option options[] = {
    MN_INT(agem_r_options, replay, 128, 1, 65536, "exemplars behind the reference gradient"),
    MN_END,
};

typedef struct agem_r_state {
    mn_tensor *reference; /* like the network's slab */
} agem_r_state;

static mn_status open(mn_learner *learner)
{
    agem_r_state *s = mn_state(learner);
    const mn_tensor *values = mn_network_values(mn_learner_network(learner));
    return mn_add_scratch(learner, mn_tensor_shape(values), &s->reference);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

/* g -= (<g, r> / |r|^2) r where the two disagree. */
static mn_status gradients(mn_learner *learner)
{
    const agem_r_options *o = mn_options(learner);
    const agem_r_state *s = mn_state(learner);
    mn_tensor *g = mn_network_gradients(mn_learner_network(learner));
    const mn_batch *old = mn_draw(learner, "reference", o->replay);
    if (old->count == 0)
        return MN_OK;
    mn_var *logits = mn_forward(learner, old, MN_TRAIN)->logits;
    MN_TRY(mn_tensor_fill(s->reference, 0));
    MN_TRY(mn_backward_into(mn_cross_entropy(logits, old->labels), g, s->reference));
    return mn_tensor_project(g, s->reference);
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

MN_STRATEGY(agem_r) = {
    MN_STRATEGY_HEADER,
    .name = "agem-r",
    .summary = "A-GEM over a buffer that is filled in every step: for streams without tasks.",
    .cite = "Chaudhry et al., Efficient Lifelong Learning with A-GEM, ICLR 2019; with a reservoir: "
            "Buzzega et al., Dark Experience for General Continual Learning, NeurIPS 2020",
    .options = options,
    .options_size = sizeof(agem_r_options),
    .state_size = sizeof(agem_r_state),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .gradients = gradients,
    .after_step = after_step,
};
