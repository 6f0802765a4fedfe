/* my_idea.c -- replay with smoothed labels and remembered logits, predicted by a slow average of
 * the network.
 *
 *     L = S(f(x), y) + S(f(x'), y') + alpha MSE(f(x'), z'),  (x', y', z') drawn from the buffer
 *
 * S is cross-entropy with smoothed labels.  After each task the network also rehearses on the
 * buffer alone, where all classes are about equally frequent.
 */
#include <mneme/strategy.h>

typedef struct options {
    int64_t replay, rehearse;
    double smoothing, alpha, decay;
} options;

static const mn_option table[] = {
    MN_INT(options, replay, 10, 1, 4096, "images drawn from the buffer in each step"),
    MN_REAL(options, smoothing, 0.1, 0, 1, "share of a label that is spread over all classes"),
    MN_REAL(options, alpha, 0.5, 0, 1000, "weight of matching the remembered logits"),
    MN_REAL(options, decay, 0.99, 0, 1, "share of the average that is kept in each step"),
    MN_INT(options, rehearse, 1, 0, 1000, "passes over the buffer after each task"),
    MN_END,
};

typedef struct state {
    mn_network *average;
    int64_t *updates; /* of the average */
} state;

static mn_status open(mn_learner *learner)
{
    state *s = mn_state(learner);
    MN_TRY(mn_keep_column(learner, "logits", 0));
    MN_TRY(mn_add_network(learner, "average", NULL, &s->average));
    return mn_keep_int(learner, "updates", &s->updates);
}

/* (1 - s) cross-entropy + s times the mean of -log p over all classes. */
static mn_var *smooth_cross_entropy(mn_var *logits, const int32_t *labels, double smoothing)
{
    mn_var *uniform = mn_scale(mn_mean(mn_log_softmax(logits)), -1);
    return mn_axpby(1 - smoothing, mn_cross_entropy(logits, labels), smoothing, uniform);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const options *o = mn_options(learner);
    const mn_out *out = mn_forward(learner, now, MN_TRAIN); /* logits (B, classes) */
    mn_term(learner, "stream", 1, smooth_cross_entropy(out->logits, now->labels, o->smoothing));

    const mn_batch *old = mn_draw(learner, "replay", o->replay);
    out = mn_forward(learner, old, MN_TRAIN);
    mn_term(learner, "replay", 1, smooth_cross_entropy(out->logits, old->labels, o->smoothing));
    mn_term(learner, "dark", o->alpha, mn_mse(out->logits, mn_column(tape, old, "logits")));
    return MN_OK;
}

static mn_status rehearse(mn_learner *learner, mn_tape *tape, const mn_batch *old)
{
    (void)tape;
    const options *o = mn_options(learner);
    const mn_out *out = mn_forward(learner, old, MN_TRAIN);
    mn_term(learner, "rehearse", 1, smooth_cross_entropy(out->logits, old->labels, o->smoothing));
    return MN_OK;
}

static int64_t rehearsals(mn_learner *learner)
{
    const options *o = mn_options(learner);
    return o->rehearse;
}

/* average = d average + (1 - d) network, where d grows from 0 to the wanted decay. */
static mn_status move_average(mn_learner *learner)
{
    const options *o = mn_options(learner);
    state *s = mn_state(learner);
    const double n = (double)(*s->updates)++;
    const double early = n / (n + 10), d = early < o->decay ? early : o->decay;
    return mn_tensor_axpby(mn_network_values(s->average), (float)(1 - d),
                           mn_network_values(mn_learner_network(learner)), (float)d);
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    MN_TRY(move_average(learner));
    return mn_remember(learner, now, MN_WITH({"logits", out->logits}));
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const state *s = mn_state(learner);
    return mn_forward_with(learner, s->average, batch, MN_EVAL | MN_NO_GRADIENT)->logits;
}

static const mn_update rehearsal[] = {{.name = "rehearse", .loss = rehearse}, {.name = NULL}};
static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM},
    {.name = "rehearse", .source = MN_FROM_BUFFER, .epochs = rehearsals, .updates = rehearsal},
    {.name = NULL},
};

MN_STRATEGY(my_idea) = {
    MN_STRATEGY_HEADER,
    .name = "my_idea",
    .summary = "Replay with smoothed labels, remembered logits and an averaged network.",
    .options = table,
    .options_size = sizeof(options),
    .state_size = sizeof(state),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .phases = phases,
    .loss = loss,
    .after_step = after_step,
    .scores = scores,
};
