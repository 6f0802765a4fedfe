/* early.c -- each task's phase ends when its validation loss no longer falls, or after so many
 * steps; the best weights come back, and a temperature is then fitted to the validation images.
 *
 *     scores = t f(x),  t = argmin CE(t f(x), y) over validation images   (Guo et al. 2017)
 *
 * Without validation images it ends by steps alone.
 */
#include <mneme/strategy.h>

typedef struct early_options {
    int64_t patience, steps;
} early_options;

static const mn_option options[] = {
    MN_INT(early_options, patience, 1, 1, 1000000, "epochs without a lower validation loss"),
    MN_INT(early_options, steps, 9, 1, 1000000, "steps of a task at most"),
    MN_END,
};

typedef struct early_state {
    mn_best *best;
    mn_network *temperature;
    int64_t *steps; /* of the task's first phase */
    bool validates;
} early_state;

static mn_status open(mn_learner *learner)
{
    early_state *s = mn_state(learner);
    s->validates = mn_check_validation(learner) == MN_OK;
    MN_TRY(mn_add_best(learner, "best", mn_learner_network(learner), &s->best));
    MN_TRY(
        mn_add_parameters(learner, "temperature", MN_SHAPE(1), MN_INITIAL_ONE, 1, &s->temperature));
    MN_TRY(mn_add_optimiser(learner, "temper", "sgd", NULL, s->temperature, 0.1));
    return mn_keep_int(learner, "steps", &s->steps);
}

static mn_status before_task(mn_learner *learner)
{
    const early_state *s = mn_state(learner);
    *s->steps = 0;
    mn_best_forget(s->best);
    return mn_reinitialise(learner, s->temperature);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const early_options *o = mn_options(learner);
    const early_state *s = mn_state(learner);
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return ++*s->steps == o->steps ? mn_end_phase(learner) : MN_OK;
}

static mn_status after_epoch(mn_learner *learner)
{
    const early_options *o = mn_options(learner);
    const early_state *s = mn_state(learner);
    mn_validation now;
    if (!s->validates)
        return MN_OK;
    MN_TRY(mn_validate(learner, &now));
    MN_TRY(mn_note(learner, "accuracy", now.accuracy));
    MN_TRY(mn_best_offer(s->best, -now.loss));
    return mn_best_waited(s->best) >= o->patience ? mn_end_phase(learner) : MN_OK;
}

static mn_var *tempered(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const early_state *s = mn_state(learner);
    return mn_broadcast_mul(mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->logits,
                            mn_parameters(s->temperature, tape));
}

static mn_status temper(mn_learner *learner, mn_tape *tape, const mn_batch *held_out)
{
    mn_term(learner, "temper", 1,
            mn_cross_entropy(tempered(learner, tape, held_out), held_out->labels));
    return MN_OK;
}

/* The best weights come back before the temperature is fitted to them. */
static mn_status restore(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    const early_state *s = mn_state(learner);
    (void)tape, (void)nothing;
    return mn_best_restore(s->best);
}

static int64_t one_if_validated(mn_learner *learner)
{
    const early_state *s = mn_state(learner);
    return s->validates ? 1 : 0;
}

static const mn_update fit[] = {{.name = "temper", .optimiser = "temper", .loss = temper},
                                {.name = NULL}};
static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM},
    {.name = "restore", .source = MN_FROM_NOTHING, .visit = restore},
    {.name = "temper", .source = MN_FROM_VALIDATION, .epochs = one_if_validated, .updates = fit},
    {.name = NULL}};

MN_STRATEGY(early) = {
    MN_STRATEGY_HEADER,
    .name = "early",
    .summary = "For tests: stops early, goes back to the best weights, and fits a temperature.",
    .options = options,
    .options_size = sizeof(early_options),
    .state_size = sizeof(early_state),
    .open = open,
    .before_task = before_task,
    .phases = phases,
    .loss = loss,
    .after_epoch = after_epoch,
    .scores = tempered,
};
