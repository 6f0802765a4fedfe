/* grouped.c -- biases without decay that rest after the first task, and a temperature of its own.
 *
 *     L = CE(t f(x), y);  t trained by Adam, the network by the run's optimiser
 *
 * The rate of the weights falls from task to task.
 */
#include <mneme/strategy.h>

typedef struct grouped_options {
    double fall;
} grouped_options;

static const mn_option options[] = {
    MN_REAL(grouped_options, fall, 0.5, 0, 1,
            "what the rate of weights is multiplied by at each task"),
    MN_END,
};

typedef struct grouped_state {
    mn_network *temperature;
    double *bias_rate, *weight_rate;
} grouped_state;

static mn_status open(mn_learner *learner)
{
    grouped_state *s = mn_state(learner);
    double *decay, *unused;
    MN_TRY(mn_add_group(learner, NULL, "*.bias", &s->bias_rate, &decay));
    MN_TRY(mn_add_group(learner, NULL, "*.weight", &s->weight_rate, &unused));
    *decay = 0;
    MN_TRY(
        mn_add_parameters(learner, "temperature", MN_SHAPE(1), MN_INITIAL_ONE, 1, &s->temperature));
    return mn_add_optimiser(learner, "warmth", "adam", "{\"groups\": \"val*,rate=0.5\"}",
                            s->temperature, 0.01);
}

static mn_status before_task(mn_learner *learner)
{
    const grouped_options *o = mn_options(learner);
    const grouped_state *s = mn_state(learner);
    if (mn_task(learner) == 0)
        return MN_OK;
    *s->bias_rate = 0;
    *s->weight_rate *= o->fall;
    return MN_OK;
}

static mn_var *warm(const grouped_state *s, mn_tape *tape, mn_var *logits)
{
    return mn_broadcast_mul(logits, mn_parameters(s->temperature, tape));
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_out *out = mn_forward(learner, now, MN_TRAIN);
    mn_term(learner, "stream", 1,
            mn_cross_entropy(warm(mn_state(learner), tape, out->logits), now->labels));
    return MN_OK;
}

static mn_status warmth(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_out *out = mn_forward(learner, now, MN_EVAL | MN_NO_GRADIENT);
    mn_term(learner, "warmth", 1,
            mn_cross_entropy(warm(mn_state(learner), tape, out->logits), now->labels));
    return MN_OK;
}

static const mn_update updates[] = {
    {.name = "train", .loss = loss},
    {.name = "warmth", .optimiser = "warmth", .loss = warmth, .every = 2},
    {.name = NULL}};
static const mn_phase phases[] = {{.name = "train", .updates = updates}, {.name = NULL}};

MN_STRATEGY(grouped) = {
    MN_STRATEGY_HEADER,
    .name = "grouped",
    .summary =
        "For tests: groups of parameters with rates of their own, and a trained temperature.",
    .options = options,
    .options_size = sizeof(grouped_options),
    .state_size = sizeof(grouped_state),
    .open = open,
    .before_task = before_task,
    .phases = phases,
    .loss = loss,
};
