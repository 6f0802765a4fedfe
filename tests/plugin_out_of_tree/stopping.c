/* stopping.c -- experience replay that can ask its process to stop, so that a test can interrupt a
 * plugin's run at a certain step.  Its state, a sum over steps, only survives when it is kept. */
#include <mneme/strategy.h>
#include <signal.h>
#include <stdlib.h>

typedef struct options {
    int64_t replay;
} options;

static const mn_option table[] = {
    MN_INT(options, replay, 10, 1, 4096, "images drawn from the buffer in each step"),
    MN_END,
};

typedef struct state {
    double *sum;
} state;

static mn_status open(mn_learner *learner)
{
    state *s = mn_state(learner);
    return mn_keep_real(learner, "sum", &s->sum);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const options *o = mn_options(learner);
    const mn_batch *both = mn_join(learner, now, mn_draw(learner, "replay", o->replay));
    mn_var *value = mn_cross_entropy(mn_forward(learner, both, MN_TRAIN)->logits, both->labels);
    mn_term(learner, "both", 1, value);
    const state *s = mn_state(learner);
    *s->sum += mn_item(value);
    const char *stop = getenv("STOP_AT_STEP");
    if (stop != NULL && mn_step(learner) == atol(stop))
        raise(SIGINT);
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

MN_STRATEGY(stopping) = {
    MN_STRATEGY_HEADER,
    .name = "stopping",
    .summary = "Experience replay that interrupts its own run.",
    .options = table,
    .options_size = sizeof(options),
    .state_size = sizeof(state),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
};
