/* der.c -- dark experience replay: match the logits the network once gave.
 *
 *     L = CE(f(x), y) + alpha MSE(f(x'), z'),  (x', z') drawn from the buffer
 *
 * z is what the network answered when the image came by, heads of future classes included (eq. 6
 * of the paper; the mean runs over rows and all logits).
 */
#include <mneme/strategy.h>
#include <string.h>

typedef struct der_options {
    double alpha;
    int64_t replay;
} der_options;

static const mn_option options[] = {
    MN_REAL(der_options, alpha, 0.5, 0, 1000, "weight of matching the remembered logits"),
    MN_INT(der_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_END,
};

static mn_status open(mn_learner *learner)
{
    return mn_keep_column(learner, "logits", 0);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const der_options *o = mn_options(learner);
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    mn_backward_now(learner);
    const mn_batch *old = mn_draw(learner, "dark", o->replay);
    mn_term(learner, "dark", o->alpha,
            mn_mse(mn_forward(learner, old, MN_TRAIN)->logits, mn_column(tape, old, "logits")));
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    return mn_remember(learner, now, MN_WITH({"logits", out->logits}));
}

/* Of images that another strategy has made: what the network answers now. */
static mn_var *column(mn_learner *learner, mn_tape *tape, const mn_batch *rows, const char *name)
{
    (void)tape;
    return strcmp(name, "logits") == 0 ? mn_forward(learner, rows, MN_EVAL | MN_NO_GRADIENT)->logits
                                       : NULL;
}

MN_STRATEGY(der) = {
    MN_STRATEGY_HEADER,
    .name = "der",
    .summary = "Dark experience replay: matches the logits remembered with each image.",
    .cite = "Buzzega et al., Dark Experience for General Continual Learning: a Strong, Simple "
            "Baseline, NeurIPS 2020",
    .options = options,
    .options_size = sizeof(der_options),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
    .column = column,
};
