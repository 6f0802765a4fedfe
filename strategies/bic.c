/* bic.c -- bias correction: distillation on task and exemplars together, then a line through the
 * new classes' logits, fitted on images that were held out.
 *
 *     L = (1 - w) CE(f(x) over seen classes, y) + w KL(old f(x) / T || f(x) / T) over past classes
 *     w = past classes / seen classes;  x from the task and the buffer, mixed as one data set
 *     score of a class of the newest task = scale f(x) + shift, of the others f(x)
 *
 * A tenth of the buffer, and as many images of each new class as of a past one, take no part in the
 * training; scale and shift are fitted on them by Adam.  The old network's answers are corrected as
 * they were when it was the newest.
 *
 * This is the authors' loss: no T^2.  The DER authors' version of it: weight=one_task,
 * squared=true, new=as_many, bias_steps=0 (then bias_epochs count).
 */
#include <math.h>
#include <mneme/strategy.h>

typedef struct bic_options {
    double held_out, temperature, bias_lr;
    int64_t new, weight, bias_steps, bias_epochs;
    bool squared;
} bic_options;

enum { EACH_CLASS, AS_MANY };
static const char *const new_names[] = {"each_class", "as_many", NULL};
enum { PAST_CLASSES, ONE_TASK };
static const char *const weight_names[] = {"past_classes", "one_task", NULL};

static const mn_option options[] = {
    MN_REAL(bic_options, held_out, 0.1, 0, 1, "fraction of the buffer that is held out"),
    MN_CHOICE(bic_options, new, EACH_CLASS, new_names,
              "new images that are held out: of each class as many as of a past class, or in all "
              "as many as of the buffer"),
    MN_REAL(bic_options, temperature, 2, 0.001, 1000, "T, temperature of the distillation"),
    MN_BOOL(bic_options, squared, false, "multiply the distillation by T^2"),
    MN_CHOICE(bic_options, weight, PAST_CLASSES, weight_names,
              "weight of the distillation: the share of past classes, or 1 / tasks so far"),
    MN_INT(bic_options, bias_steps, 2000, 0, 10000000,
           "steps of fitting scale and shift, whatever the buffer's size; 0: bias_epochs"),
    MN_INT(bic_options, bias_epochs, 250, 0, 100000, "epochs of it, if bias_steps is 0"),
    MN_REAL(bic_options, bias_lr, 0.001, 0, 100, "its learning rate"),
    MN_END,
};

static const char *const differs[] = {
    "The authors fit scale and shift by SGD with momentum, at the network's rate and for twice "
    "its epochs, with 0.1 / 2 shift^2 in the loss; the DER authors by Adam for 250 epochs. "
    "Here it is Adam's steps that count, for a small buffer has few to an epoch.",
    "The authors hold out a tenth of every class's exemplars, rounded down; the DER authors "
    "each row with probability 0.1. Here it is a tenth of the buffer, the classes' shares "
    "being as even as they can.",
    "The authors divide weight decay by the share of tasks so far; here it stays.",
    NULL,
};

typedef struct bic_state {
    mn_network *before;                            /* the network before the task */
    double *scale, *shift, *old_scale, *old_shift; /* of the newest task, and of the one before */
    double *mean[2], *square[2];                   /* Adam's moments, of scale and of shift */
    int64_t *fitted;                               /* its steps */
    int64_t *newest;                               /* classes of the last task that is done */
} bic_state;

static mn_status open(mn_learner *learner)
{
    const bic_options *o = mn_options(learner);
    bic_state *s = mn_state(learner);
    mn_train_classes(learner, MN_SEEN);
    if (o->new == AS_MANY)
        mn_hold_out_as_many(learner, o->held_out);
    else
        mn_hold_out(learner, o->held_out);
    MN_TRY(mn_add_network(learner, "before", NULL, &s->before));
    MN_TRY(mn_keep_real(learner, "scale", &s->scale));
    MN_TRY(mn_keep_real(learner, "shift", &s->shift));
    MN_TRY(mn_keep_real(learner, "old-scale", &s->old_scale));
    MN_TRY(mn_keep_real(learner, "old-shift", &s->old_shift));
    MN_TRY(mn_keep_real(learner, "scale-mean", &s->mean[0]));
    MN_TRY(mn_keep_real(learner, "shift-mean", &s->mean[1]));
    MN_TRY(mn_keep_real(learner, "scale-square", &s->square[0]));
    MN_TRY(mn_keep_real(learner, "shift-square", &s->square[1]));
    *s->scale = *s->old_scale = 1;
    MN_TRY(mn_keep_int(learner, "newest", &s->newest));
    return mn_keep_int(learner, "fitted", &s->fitted);
}

static mn_status before_task(mn_learner *learner)
{
    bic_state *s = mn_state(learner);
    *s->old_scale = *s->scale;
    *s->old_shift = *s->shift;
    *s->scale = 1;
    *s->shift = *s->mean[0] = *s->mean[1] = *s->square[0] = *s->square[1] = 0;
    *s->fitted = 0;
    return mn_network_copy(s->before, mn_learner_network(learner));
}

/* logits (B, classes) with scale z + shift in the columns of `range`; line (1, 2) = scale, shift.
 */
static mn_var *corrected(mn_var *logits, mn_range range, mn_var *line)
{
    mn_tape *tape = mn_tape_of(logits);
    const int64_t rows = mn_rows_of(logits), all = mn_shape_of(logits).size[1];
    const int64_t after = range.first + range.count;
    mn_var *ones = mn_shift(mn_zeros(tape, MN_SHAPE(rows, 1)), 1);
    mn_var *across = mn_shift(mn_zeros(tape, MN_SHAPE(1, range.count)), 1);
    mn_var *scale = mn_matmul(ones, mn_matmul(mn_columns(line, 0, 1), across));
    mn_var *shift = mn_matmul(ones, mn_matmul(mn_columns(line, 1, 1), across));
    mn_var *parts[] = {
        mn_columns(logits, 0, range.first),
        mn_add(mn_mul(mn_columns(logits, range.first, range.count), scale), shift),
        mn_columns(logits, after, all - after),
    };
    return mn_concat_columns(parts, 3);
}

static mn_var *line_of(mn_tape *tape, double scale, double shift, bool differentiable)
{
    const float values[] = {(float)scale, (float)shift};
    return mn_input(tape, MN_SHAPE(1, 2), values, differentiable);
}

/* The old network's logits of past classes, with those of the newest task corrected. */
static mn_var *old_answers(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const bic_state *s = mn_state(learner);
    const mn_range past = mn_classes(learner, MN_PAST);
    const mn_range newest = {past.count - *s->newest, *s->newest};
    const mn_out *out = mn_forward_with(learner, s->before, batch, MN_EVAL | MN_NO_GRADIENT);
    mn_var *line = line_of(tape, *s->old_scale, *s->old_shift, false);
    return mn_columns(corrected(out->logits, newest, line), 0, past.count);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const bic_options *o = mn_options(learner);
    const int64_t past = mn_classes(learner, MN_PAST).count;
    const int64_t seen = mn_classes(learner, MN_SEEN).count;
    const double share =
        o->weight == ONE_TASK ? 1 / (double)(mn_task(learner) + 1) : (double)past / (double)seen;
    const double weight = past > 0 ? share : 0;
    mn_var *logits = mn_forward(learner, batch, MN_TRAIN)->logits;
    mn_term(learner, "labels", 1 - weight,
            mn_cross_entropy_columns(logits, batch->labels, 0, seen));
    const double squared = o->squared ? 1 : o->temperature * o->temperature; /* mn_kl has T^2 */
    if (past > 0)
        mn_term(
            learner, "distil", weight / squared,
            mn_kl(mn_columns(logits, 0, past), old_answers(learner, tape, batch), o->temperature));
    return MN_OK;
}

static void adam(double *value, double *mean, double *square, double gradient, double rate,
                 int64_t step)
{
    *mean = 0.9 * *mean + 0.1 * gradient;
    *square = 0.999 * *square + 0.001 * gradient * gradient;
    const double m = *mean / (1 - pow(0.9, (double)step));
    const double v = *square / (1 - pow(0.999, (double)step));
    *value -= rate * m / (sqrt(v) + 1e-8);
}

static mn_status fit(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const bic_options *o = mn_options(learner);
    bic_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT);
    mn_var *line = line_of(tape, *s->scale, *s->shift, true);
    mn_var *loss =
        mn_cross_entropy_columns(corrected(out->logits, mn_classes(learner, MN_PRESENT), line),
                                 batch->labels, 0, mn_classes(learner, MN_SEEN).count);
    const float *gradient;
    MN_TRY(mn_values(mn_gradient_of(loss, line), &gradient));
    ++*s->fitted;
    adam(s->scale, s->mean[0], s->square[0], (double)gradient[0], o->bias_lr, *s->fitted);
    adam(s->shift, s->mean[1], s->square[1], (double)gradient[1], o->bias_lr, *s->fitted);
    return MN_OK;
}

/* Two phases, of which one has a length: in the first task there is nothing to fit. */
static int64_t bias_steps(mn_learner *learner)
{
    const bic_options *o = mn_options(learner);
    return mn_task(learner) > 0 && o->held_out > 0 ? o->bias_steps : 0;
}

static int64_t bias_epochs(mn_learner *learner)
{
    const bic_options *o = mn_options(learner);
    const bool by_epochs = mn_task(learner) > 0 && o->held_out > 0 && o->bias_steps == 0;
    return by_epochs ? o->bias_epochs : 0;
}

static mn_status after_task(mn_learner *learner)
{
    bic_state *s = mn_state(learner);
    *s->newest = mn_classes(learner, MN_PRESENT).count;
    return MN_OK;
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const bic_state *s = mn_state(learner);
    return corrected(mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->logits,
                     mn_classes(learner, MN_PRESENT), line_of(tape, *s->scale, *s->shift, false));
}

static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_BOTH},
    {.name = "bias",
     .source = MN_FROM_HELD_OUT,
     .steps = bias_steps,
     .visit = fit,
     .as_trained = true},
    {.name = "bias by epochs",
     .source = MN_FROM_HELD_OUT,
     .epochs = bias_epochs,
     .visit = fit,
     .as_trained = true},
    {.name = NULL},
};

MN_STRATEGY(bic) = {
    MN_STRATEGY_HEADER,
    .name = "bic",
    .summary = "Bias correction: distillation with exemplars, and a line through new classes' "
               "logits.",
    .cite = "Wu et al., Large Scale Incremental Learning, CVPR 2019",
    .options = options,
    .options_size = sizeof(bic_options),
    .state_size = sizeof(bic_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES |
             MN_NEEDS_SELECTION,
    .policy = "herding",
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .loss = loss,
    .after_task = after_task,
    .scores = scores,
    .differs = differs,
};
