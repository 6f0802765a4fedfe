/* lwf.c -- learning without forgetting: the old classes' probabilities on the new images stay.
 *
 *     L = CE(f(x), y) + alpha (-mean_i sum_k q_ik log p_ik)
 *
 * p and q are the softmaxes over past classes of f(x) / T and of f_old(x) / T, f_old the network as
 * it was when the task began.  Before that the classifier alone is trained on the new classes, with
 * a softmax over these and features in evaluation mode.
 *
 * The DER authors take the cross-entropy over the classes seen so far: finetune.classes=seen, which
 * the recipes set.  van de Ven and Tolias (2019) take p over these too, weigh the two terms by 1 /
 * t and 1 - 1 / t in the t-th task, and the second by T^2 besides: lwf.classes=seen,
 * lwf.weighting=tasks, finetune.weighting=tasks, lwf.alpha=4.
 *
 * FACIL (Masana et al. 2022), and so Pelosin's thesis, spread a mass e over the new probabilities,
 * (p + e / C) / (1 + e) in place of p, C the number of past classes: lwf.smoothing=1e-5,
 * lwf.alpha=1, lwf.warm_up=0, finetune.classes=task, network.head=multi.
 */
#include <mneme/strategy.h>

typedef struct lwf_options {
    double alpha, temperature, smoothing;
    int64_t warm_up, classes, weighting;
} lwf_options;

enum { PAST_CLASSES, SEEN_CLASSES, ALL_CLASSES };
static const char *const extents[] = {"past", "seen", "all", NULL};
enum { ONE, BY_TASKS };
static const char *const weightings[] = {"one", "tasks", NULL};

static const mn_option options[] = {
    MN_REAL(lwf_options, alpha, 0.5, 0, 1e6, "weight of keeping the old probabilities"),
    MN_REAL(lwf_options, temperature, 2, 0.01, 1000, "T: flattens the probabilities above 1"),
    MN_REAL(lwf_options, smoothing, 0, 0, 1,
            "mass that is spread over the new probabilities before their logarithm"),
    MN_INT(
        lwf_options, warm_up, MN_USUAL_EPOCHS, MN_USUAL_EPOCHS, 1000000,
        "epochs in which the classifier alone is trained on a new task's classes; -1: as many as "
        "the training takes"),
    MN_CHOICE(lwf_options, classes, PAST_CLASSES, extents,
              "classes of the new probabilities; the old ones of classes that are not past are 0"),
    MN_CHOICE(lwf_options, weighting, ONE, weightings,
              "weight of keeping: alpha, or alpha times the share of past tasks in those so far"),
    MN_END,
};

static const char *const differs[] = {
    "Li and Hoiem give each task a head of its own and are told the task, which are "
    "network.head=multi, finetune.classes=task and the scope task-il; by default, as in the "
    "DER authors' code, all classes share one.",
    "The DER authors record the old network's answers once, on images that are neither "
    "augmented nor normalised; here they are computed in each step, on un-augmented, "
    "normalised ones. Where images are neither, the two agree.",
    NULL,
};

typedef struct lwf_state {
    mn_network *old;
} lwf_state;

static mn_status open(mn_learner *learner)
{
    lwf_state *s = mn_state(learner);
    MN_TRY(mn_add_network(learner, "old", NULL, &s->old));
    return mn_add_head_optimiser(learner, "classifier", "sgd", "", mn_learner_network(learner),
                                 mn_learning_rate(learner));
}

/* The warm-up will move the new classes' outputs alone, so the old ones can be kept before it. */
static mn_status before_task(mn_learner *learner)
{
    const lwf_state *s = mn_state(learner);
    return mn_network_copy(s->old, mn_learner_network(learner));
}

static int64_t warm_up_epochs(mn_learner *learner)
{
    const lwf_options *o = mn_options(learner);
    return mn_task(learner) > 0 ? o->warm_up : 0;
}

static mn_status warm_up(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const mn_range present = mn_classes(learner, MN_PRESENT);
    const mn_out *out = mn_forward(learner, now, MN_EVAL);
    mn_term(learner, "warm-up", 1,
            mn_cross_entropy_columns(out->logits, now->labels, present.first, present.count));
    return MN_OK;
}

/* (B, classes) -> (rows, count), flattened by the temperature */
static mn_var *flattened(mn_learner *learner, mn_var *logits, int64_t rows, int64_t count)
{
    const lwf_options *o = mn_options(learner);
    return mn_scale(mn_columns(mn_rows(logits, 0, rows), 0, count), 1 / o->temperature);
}

/* log p of rows of logits, of p with its smoothing */
static mn_var *log_probabilities(mn_var *logits, double smoothing)
{
    if (smoothing == 0)
        return mn_log_softmax(logits);
    const double share = smoothing / (double)mn_shape_of(logits).size[1];
    return mn_log(mn_scale(mn_shift(mn_softmax(logits), share), 1 / (1 + smoothing)));
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    (void)tape;
    const lwf_options *o = mn_options(learner);
    const lwf_state *s = mn_state(learner);
    if (mn_task(learner) == 0 || n == 0)
        return MN_OK;
    const mn_batch *now = published[0]->batch;
    const mn_out *old =
        mn_forward_with(learner, s->old, mn_plain(learner, now), MN_EVAL | MN_NO_GRADIENT);
    static const mn_when extent[] = {MN_PAST, MN_SEEN, MN_ALL};
    const int64_t rows = now->stream_rows, past = mn_classes(learner, MN_PAST).count;
    const int64_t count = mn_classes(learner, extent[o->classes]).count;
    mn_var *q = mn_softmax(flattened(learner, old->logits, rows, past));
    mn_var *log_p =
        log_probabilities(flattened(learner, published[0]->logits, rows, count), o->smoothing);
    mn_var *kept = mn_row_sum(mn_mul(q, mn_columns(log_p, 0, past)));
    const double share = 1 - 1 / (double)(mn_task(learner) + 1);
    mn_term(learner, "distil", o->weighting == ONE ? o->alpha : share * o->alpha,
            mn_scale(mn_mean(kept), -1));
    return MN_OK;
}

static const mn_update updates[] = {
    {.name = "warm-up", .optimiser = "classifier", .loss = warm_up},
    {.name = NULL},
};
static const mn_phase phases_before[] = {
    {.name = "warm-up", .source = MN_FROM_STREAM, .epochs = warm_up_epochs, .updates = updates},
    {.name = NULL},
};

MN_STRATEGY(lwf) = {
    MN_STRATEGY_HEADER,
    .name = "lwf",
    .summary = "Learning without forgetting: keeps the old classes' probabilities on new images "
               "(add-on).",
    .cite = "Li and Hoiem, Learning without Forgetting, ECCV 2016",
    .options = options,
    .options_size = sizeof(lwf_options),
    .state_size = sizeof(lwf_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES,
    .open = open,
    .before_task = before_task,
    .term = term,
    .phases_before = phases_before,
    .differs = differs,
};
