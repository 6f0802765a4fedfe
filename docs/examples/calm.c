/* calm.c -- an add-on for any strategy: keep the logits small.
 *
 *     L = the base's loss + weight mean(z^2),  z the logits of every forward of the step
 */
#include <mneme/strategy.h>

typedef struct options {
    double weight;
} options;

static const mn_option table[] = {
    MN_REAL(options, weight, 0.01, 0, 1000, "weight of the mean squared logit"),
    MN_END,
};

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    (void)tape;
    const options *o = mn_options(learner);
    for (int i = 0; i < n; i++)
        mn_term(learner, "calm", o->weight, mn_mean(mn_square(published[i]->logits)));
    return MN_OK;
}

MN_STRATEGY(calm) = {
    MN_STRATEGY_HEADER,
    .name = "calm",
    .summary = "Add-on: keeps the logits small.",
    .options = table,
    .options_size = sizeof(options),
    .term = term,
};
