// cplusplus.cc -- the installed headers serve C++ too: a strategy in it, with options.
#include <mneme/strategy.h>

namespace
{

struct options {
    double weight;
    int64_t replay;
    bool replays;
};

const mn_option table[] = {
    MN_REAL(options, weight, 1, 0, 1000, "weight of the remembered images' loss"),
    MN_INT(options, replay, 10, 1, 4096, "images drawn from the buffer in each step"),
    MN_BOOL(options, replays, true, "replay at all"),
    MN_END,
};

mn_status loss(mn_learner *learner, mn_tape *, const mn_batch *now)
{
    const auto *o = static_cast<const options *>(mn_options(learner));
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    if (o->replays) {
        const mn_batch *old = mn_draw(learner, "replay", o->replay);
        mn_term(learner, "replay", o->weight,
                mn_cross_entropy(mn_forward(learner, old, MN_TRAIN)->logits, old->labels));
    }
    return MN_OK;
}

mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *)
{
    return mn_remember(learner, now, MN_WITHOUT);
}

} // namespace

MN_STRATEGY(cplusplus) = {
    MN_STRATEGY_HEADER,
    .name = "cplusplus",
    .summary = "Experience replay in C++.",
    .options = table,
    .options_size = sizeof(options),
    .needs = MN_NEEDS_BUFFER,
    .loss = loss,
    .after_step = after_step,
};
