// cplusplus.cc -- the installed headers serve C++ too: replay of logits, with every macro and flag that
// C and C++ write differently.
#include <mneme/strategy.h>

namespace
{

struct options {
    double noise;
    int64_t replay;
    bool replays;
};

const mn_option table[] = {
    MN_REAL(options, noise, 0.1, 0, 1000, "deviation of what is added to the logits"),
    MN_INT(options, replay, 10, 1, 4096, "images drawn from the buffer in each step"),
    MN_BOOL(options, replays, true, "replay at all"),
    MN_END,
};

struct state {
    mn_tensor *mean; // of the last batch's logits
};

mn_status open(mn_learner *learner)
{
    auto *s = static_cast<state *>(mn_state(learner));
    MN_TRY(mn_keep_tensor(learner, "mean", MN_SCALAR, &s->mean));
    MN_TRY(mn_keep_column(learner, "logits", 0));
    return mn_keep_column(learner, "features", mn_network_features(mn_learner_network(learner)));
}

mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const auto *o = static_cast<const options *>(mn_options(learner));
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    mn_var *noise =
        mn_noise(learner, tape, "noise", MN_SHAPE(now->count, mn_classes(learner, MN_ALL).count));
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_axpby(1, logits, o->noise, noise), now->labels));
    if (o->replays) {
        const mn_batch *old = mn_draw(learner, "replay", o->replay);
        const mn_out *out = mn_forward(learner, old, MN_TRAIN_FROZEN);
        mn_term(learner, "dark", 1, mn_mse(out->logits, mn_column(tape, old, "logits")));
    }
    const auto *s = static_cast<const state *>(mn_state(learner));
    return mn_store(mn_mean(logits), s->mean);
}

mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    return mn_remember(learner, now,
                       MN_WITH({"logits", out->logits}, {"features", out->features}));
}

mn_var *scores(mn_learner *learner, mn_tape *, const mn_batch *batch)
{
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    return mn_forward(learner, batch, mode)->logits;
}

} // namespace

MN_STRATEGY(cplusplus) = {
    MN_STRATEGY_HEADER,
    .name = "cplusplus",
    .summary = "Replay of logits in C++.",
    .options = table,
    .options_size = sizeof(options),
    .state_size = sizeof(state),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
    .scores = scores,
};
