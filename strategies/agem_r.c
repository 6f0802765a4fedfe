/* agem_r.c -- A-GEM over a buffer that is filled step by step, for streams without tasks.
 *
 *     g = dCE(f(x), y),  r = dCE(f(x'), y'),  (x', y') drawn from the buffer
 *     g -= (<g, r> / |r|^2) r   where <g, r> < 0
 */
#include "strategies/shared/agem.h"

typedef struct agem_r_options {
    int64_t replay;
} agem_r_options;

static const mn_option options[] = {
    MN_INT(agem_r_options, replay, 128, 1, 65536, "exemplars behind the reference gradient"),
    MN_END,
};

static const char *const differs[] = {
    "In the DER authors' code the remembered images behind the reference gradient are "
    "neither augmented nor normalised; here, as everywhere, they are both, as training's "
    "are.",
    NULL,
};

static mn_status gradients(mn_learner *learner)
{
    const agem_r_options *o = mn_options(learner);
    return mn_agem_project(learner, o->replay);
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
    .state_size = sizeof(mn_agem_state),
    .needs = MN_NEEDS_BUFFER,
    .open = mn_agem_open,
    .loss = mn_agem_loss,
    .gradients = gradients,
    .after_step = after_step,
    .differs = differs,
};
