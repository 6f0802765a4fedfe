/* busy.c -- a base that keeps something of every kind and trains in every kind of phase.  What is
 * kept decides what is learnt, so that losing any of it in a rebuild changes weights. */
#include "tests/learner/busy.h"

#include <check.h>
#include <mneme/losses.h>
#include <string.h>

typedef struct busy_options {
    double weight;
    int64_t replay;
} busy_options;

static const mn_option busy_table[] = {
    MN_REAL(busy_options, weight, 0.3, 0, 10, "weight of the remembered logits"),
    MN_INT(busy_options, replay, 8, 1, 64, "rows of a draw"),
    MN_END,
};

typedef struct busy_state {
    mn_network *teacher;
    mn_tensor *noise_sum; /* (2, 3) */
    int64_t *epochs;
    double *average;
} busy_state;

int busy_epochs_asked;

static mn_status busy_open(mn_learner *learner)
{
    busy_state *s = mn_state(learner);
    MN_TRY(mn_keep_column(learner, "logits", 0));
    MN_TRY(mn_keep_column(learner, "best", 1));
    MN_TRY(mn_add_network(learner, "teacher", NULL, &s->teacher));
    MN_TRY(mn_add_optimiser(learner, "slow", "adam", "{}", s->teacher, 0.01));
    MN_TRY(mn_keep_tensor(learner, "noise_sum", MN_SHAPE(2, 3), &s->noise_sum));
    MN_TRY(mn_keep_int(learner, "epochs", &s->epochs));
    return mn_keep_real(learner, "average", &s->average);
}

static mn_status busy_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const busy_options *o = mn_options(learner);
    const busy_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, now, MN_TRAIN);
    mn_var *stream = mn_cross_entropy(out->logits, now->labels);
    mn_term(learner, "stream", 1, stream);
    const mn_batch *old = mn_draw(learner, "dark", o->replay);
    /* What is kept decides what is learnt, so that a loss of it would show. */
    mn_term(learner, "dark", o->weight + 0.1 * *s->average,
            mn_mse(mn_forward(learner, old, MN_TRAIN)->logits, mn_column(tape, old, "logits")));
    const mn_batch *both = mn_join(learner, now, mn_draw_per_class(learner, "classes", 2));
    mn_term(learner, "balanced", 0.5 / (double)(1 + *s->epochs),
            mn_cross_entropy(mn_forward(learner, both, MN_TRAIN)->logits, both->labels));
    const mn_out *teacher = mn_forward_with(learner, s->teacher, now, MN_EVAL | MN_NO_GRADIENT);
    mn_term(learner, "teacher", 0.1 + 0.01 * mn_tensor_norm(s->noise_sum),
            mn_kl(out->logits, teacher->logits, 2));
    *s->average = 0.9 * *s->average + 0.1 * mn_item(stream);
    return MN_OK;
}

static mn_status busy_teacher_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const busy_state *s = mn_state(learner);
    mn_term(
        learner, "teach", 1,
        mn_cross_entropy(mn_forward_with(learner, s->teacher, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static mn_status busy_rehearse(mn_learner *learner, mn_tape *tape, const mn_batch *old)
{
    (void)tape;
    mn_term(learner, "rehearse", 1,
            mn_cross_entropy(mn_forward(learner, old, MN_TRAIN)->logits, old->labels));
    return MN_OK;
}

/* From no data at all: noise through both networks. */
static mn_status busy_dream(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    const busy_state *s = mn_state(learner);
    ck_assert_int_eq(nothing->count, 0);
    mn_var *x = mn_noise(learner, tape, "images", MN_SHAPE(4, 1, 14, 14));
    mn_var *mine = mn_network_forward(mn_learner_network(learner), x, MN_TRAIN).logits;
    mn_var *other = mn_network_forward(s->teacher, x, MN_EVAL | MN_NO_GRADIENT).logits;
    mn_term(learner, "dream", 1, mn_mse(mine, other));
    float numbers[6];
    mn_tensor *fresh = NULL;
    memcpy(numbers, mn_host(mn_noise(learner, tape, "sum", MN_SHAPE(2, 3))), sizeof numbers);
    MN_TRY(mn_tensor_new(MN_F32, MN_SHAPE(2, 3), &fresh));
    mn_status status = mn_tensor_write(fresh, numbers, sizeof numbers);
    if (status == MN_OK)
        status = mn_tensor_axpby(s->noise_sum, 1, fresh, 1);
    mn_tensor_free(fresh);
    return status;
}

static int64_t two_epochs(mn_learner *learner)
{
    (void)learner;
    busy_epochs_asked++;
    return 2;
}

static int64_t five_epochs(mn_learner *learner)
{
    (void)learner;
    busy_epochs_asked++;
    return 5;
}

/* None on the first task: skipped there. */
static int64_t as_many_as_tasks_before(mn_learner *learner)
{
    busy_epochs_asked++;
    return mn_task(learner);
}

static mn_status busy_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    if (out == NULL || now->count == 0)
        return MN_OK;
    if (now->stream_rows == 0)
        return mn_update_column(learner, now, "logits", out->logits);
    mn_var *best = mn_reshape(mn_row_max(out->logits), MN_SHAPE(mn_rows_of(out->logits), 1));
    return mn_remember(learner, now, MN_WITH({"logits", out->logits}, {"best", best}));
}

static mn_status busy_after_epoch(mn_learner *learner)
{
    const busy_state *s = mn_state(learner);
    ++*s->epochs;
    return MN_OK;
}

static mn_status busy_after_task(mn_learner *learner)
{
    const busy_state *s = mn_state(learner);
    return mn_task(learner) == 0 ? mn_network_copy(s->teacher, mn_learner_network(learner)) : MN_OK;
}

static mn_var *busy_scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const busy_state *s = mn_state(learner);
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    return mn_axpby(1, mn_forward(learner, batch, mode)->logits, 0.2,
                    mn_forward_with(learner, s->teacher, batch, mode)->logits);
}

static const mn_update busy_updates[] = {
    {.name = "main", .loss = busy_loss},
    {.name = "teacher", .optimiser = "slow", .loss = busy_teacher_loss, .every = 3},
    {.name = NULL}};
static const mn_update rehearse_updates[] = {{.name = "main", .loss = busy_rehearse},
                                             {.name = NULL}};
static const mn_update dream_updates[] = {{.name = "main", .loss = busy_dream}, {.name = NULL}};

static const mn_phase busy_phases[] = {
    {.name = "stream", .source = MN_FROM_STREAM, .updates = busy_updates},
    {.name = "rehearse",
     .source = MN_FROM_BUFFER,
     .epochs = two_epochs,
     .updates = rehearse_updates,
     .reset = MN_KEPT},
    {.name = "dream",
     .source = MN_FROM_NOTHING,
     .epochs = five_epochs,
     .updates = dream_updates,
     .reset = MN_FRESH_EACH_PHASE},
    {.name = "again",
     .source = MN_FROM_SEEN,
     .epochs = as_many_as_tasks_before,
     .updates = rehearse_updates},
    {.name = NULL}};

const mn_strategy busy = {
    MN_STRATEGY_HEADER,
    .name = "busy",
    .summary = "Uses every service.",
    .options = busy_table,
    .options_size = sizeof(busy_options),
    .state_size = sizeof(busy_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_PAST_DATA,
    .open = busy_open,
    .phases = busy_phases,
    .loss = busy_loss,
    .after_step = busy_after_step,
    .after_epoch = busy_after_epoch,
    .after_task = busy_after_task,
    .scores = busy_scores,
};
