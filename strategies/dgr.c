/* dgr.c -- deep generative replay: a second network learns to draw what was seen, and each step
 * also trains on its drawings, labelled by the solver as it was before the task.
 *
 *     solver:     L = 1/t CE(f(x), y) + (1 - 1/t) CE(f(x'), y')
 *     generator:  L = 1/t V(x) + (1 - 1/t) V(x'),   V = BCE(x^, x) + KL(q(z|x) || N(0, I)) / pixels
 *     x' = g_old(z), z ~ N(0, I);   y' = argmax of f_old(x') over the past classes
 *
 * in the t-th task.  The same x' train both networks in a step.  Cross-entropies are over the
 * classes seen so far.  The generator is a variational autoencoder, as in van de Ven and Tolias's
 * version (Shin et al.'s is a WGAN-GP); it sees images without augmentation.  labels=soft is their
 * "DGR + distill": in place of CE(f(x'), y') the distillation of f_old at a temperature, in which
 * classes that are new have probability 0.  Equations and evidence: docs/methods/dgr.md.
 */
#include "strategies/shared/vae.h"

typedef struct dgr_options {
    const char *generator;
    double lr, temperature;
    int64_t replay, labels, samples;
    bool squared;
} dgr_options;

enum { HARD_LABELS, SOFT_LABELS };
static const char *const labels[] = {"hard", "soft", NULL};

static const mn_option options[] = {
    MN_TEXT(dgr_options, generator, "{\"widths\": \"400,400\", \"latent\": 100}",
            "options of the generator, a network of type vae, as a JSON object"),
    MN_REAL(dgr_options, lr, 0.001, 0, 100, "learning rate of the generator (Adam)"),
    MN_INT(dgr_options, replay, 0, 0, 65536, "images drawn in a step; 0: as many as a batch has"),
    MN_CHOICE(dgr_options, labels, HARD_LABELS, labels,
              "what the old solver gives: the most probable class, or its probabilities"),
    MN_REAL(dgr_options, temperature, 2, 0.01, 1000, "labels=soft: flattens probabilities above 1"),
    MN_BOOL(dgr_options, squared, true,
            "labels=soft: multiply the distillation by temperature^2, as the code of 2019 does; "
            "later code does not"),
    MN_INT(dgr_options, samples, 100, 0, 65536,
           "images that the run file keeps after a task, to be looked at"),
    MN_END,
};

static const char *const differs[] = {
    "Shin et al.'s generator is a WGAN-GP; this is van de Ven and Tolias's version, a "
    "variational autoencoder.",
    "Their loader leaves out the last, smaller batch of a pass; here it is trained on.",
    "The generator sees images without augmentation. Where every task brings all classes, "
    "drawn images are labelled among all of them.",
    NULL,
};

typedef struct dgr_state {
    mn_network *old_solver, *generator, *old_generator;
    mn_var *drawn; /* (rows, pixels) by the old generator in this step; NULL in the first task */
} dgr_state;

static mn_status open(mn_learner *learner)
{
    const dgr_options *o = mn_options(learner);
    dgr_state *s = mn_state(learner);
    mn_train_classes(learner, MN_SEEN);
    MN_TRY(mn_add_network(learner, "old_solver", NULL, &s->old_solver));
    MN_TRY(mn_vae_add(learner, o->generator, "dgr.generator", &s->generator, &s->old_generator));
    return mn_add_optimiser(learner, "generator", "adam", "", s->generator, o->lr);
}

static mn_status before_task(mn_learner *learner)
{
    const dgr_state *s = mn_state(learner);
    MN_TRY(mn_network_copy(s->old_solver, mn_learner_network(learner)));
    return mn_network_copy(s->old_generator, s->generator);
}

/* Where every task has all classes, all are past from the second task on. */
static mn_range past_classes(const mn_learner *learner)
{
    const mn_range past = mn_classes(learner, MN_PAST);
    return past.count > 0 ? past : mn_classes(learner, MN_SEEN);
}

static mn_var *draw(mn_learner *learner, mn_tape *tape)
{
    const dgr_options *o = mn_options(learner);
    const dgr_state *s = mn_state(learner);
    const int64_t rows = o->replay > 0 ? o->replay : mn_batch_size(learner);
    return mn_vae_draw(learner, tape, s->old_generator, "code", rows);
}

/* --- the solver --- */

static mn_var *distillation(mn_learner *learner, const mn_batch *drawn, mn_var *logits)
{
    const dgr_options *o = mn_options(learner);
    const dgr_state *s = mn_state(learner);
    const mn_range past = past_classes(learner), seen = mn_classes(learner, MN_SEEN);
    mn_var *old = mn_forward_with(learner, s->old_solver, drawn, MN_EVAL | MN_NO_GRADIENT)->logits;
    mn_var *q = mn_softmax(mn_scale(mn_columns(old, 0, past.count), 1 / o->temperature));
    mn_var *log_p = mn_log_softmax(mn_scale(mn_columns(logits, 0, seen.count), 1 / o->temperature));
    const double weight = o->squared ? o->temperature * o->temperature : 1;
    return mn_scale(mn_mean(mn_row_sum(mn_mul(q, mn_columns(log_p, 0, past.count)))), -weight);
}

static mn_status solve(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const dgr_options *o = mn_options(learner);
    dgr_state *s = mn_state(learner);
    const mn_range seen = mn_classes(learner, MN_SEEN);
    const double share = 1 / (double)(mn_task(learner) + 1);
    const mn_out *out = mn_forward(learner, now, MN_TRAIN);
    mn_term(learner, "stream", share,
            mn_cross_entropy_columns(out->logits, now->labels, seen.first, seen.count));
    mn_backward_now(learner);
    s->drawn = mn_task(learner) > 0 ? draw(learner, tape) : NULL;
    if (s->drawn == NULL)
        return MN_OK;
    const mn_batch *old = mn_plain_images(learner, s->drawn, s->old_solver, past_classes(learner));
    mn_var *logits = mn_forward(learner, old, MN_TRAIN)->logits;
    mn_term(learner, "replay", 1 - share,
            o->labels == SOFT_LABELS
                ? distillation(learner, old, logits)
                : mn_cross_entropy_columns(logits, old->labels, seen.first, seen.count));
    return MN_OK;
}

/* --- the generator --- */

static mn_status generate(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const dgr_state *s = mn_state(learner);
    mn_vae_learn(learner, tape, s->generator, now, s->drawn);
    return MN_OK;
}

static mn_status after_task(mn_learner *learner)
{
    const dgr_options *o = mn_options(learner);
    const dgr_state *s = mn_state(learner);
    return mn_vae_keep_samples(learner, s->generator, o->samples);
}

static const mn_update updates[] = {
    {.name = "solver", .loss = solve},
    {.name = "generator", .optimiser = "generator", .loss = generate},
    {.name = NULL},
};
static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM, .updates = updates},
    {.name = NULL},
};

MN_STRATEGY(dgr) = {
    MN_STRATEGY_HEADER,
    .name = "dgr",
    .summary =
        "Deep generative replay: a variational autoencoder draws the past, nothing is stored.",
    .cite = "Shin et al., Continual Learning with Deep Generative Replay, NeurIPS 2017; van de Ven "
            "and Tolias, Three scenarios for continual learning, 2019",
    .options = options,
    .options_size = sizeof(dgr_options),
    .state_size = sizeof(dgr_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .loss = solve,
    .after_task = after_task,
    .differs = differs,
};
