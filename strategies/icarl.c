/* icarl.c -- iCaRL: sigmoid outputs that past classes' old answers hold in place, exemplars chosen
 * by herding, and prediction by the nearest mean of exemplars.
 *
 *     L = BCE(f(x), t) + decay |theta|^2,  x from the task and the buffer, mixed as one data set
 *     t = 1 at the label and 0 elsewhere; for past classes sigmoid of the network before the task
 *     score of class k = -| phi(x) - mu_k |^2,  phi of length 1, mu_k its exemplars' mean phi
 *
 * BCE is the mean over rows and all classes, future ones included, whose target is 0, as the
 * authors' is; with classes=seen (van de Ven and Tolias 2019) the sum over the classes seen so far,
 * and these authors divide the old answers by a temperature of 2; with classes=seen_mean (the DER
 * authors) the mean over them.  Means are made after herding, in evaluation mode, and brought to
 * length 1.
 */
#include <mneme/strategy.h>

typedef struct icarl_options {
    double decay, temperature;
    int64_t classes;
} icarl_options;

enum { ALL_CLASSES, SEEN_CLASSES, MEAN_OF_SEEN };
static const char *const extents[] = {"all", "seen", "seen_mean", NULL};

static const mn_option options[] = {
    MN_REAL(icarl_options, decay, 1e-5, 0, 1, "weight of the sum of squares of all parameters"),
    MN_REAL(icarl_options, temperature, 1, 0.01, 1000,
            "divides the old network's outputs before their sigmoid"),
    MN_CHOICE(
        icarl_options, classes, ALL_CLASSES, extents,
        "outputs that are trained: the mean over all, or the sum or the mean over those seen so "
        "far"),
    MN_END,
};

static const char *const differs[] = {
    "The authors also average over mirrored exemplars; the paper's text does not, and digits "
    "have no mirror image.",
    "The DER authors choose exemplars and measure distances by features as they are, not of "
    "length 1, and give weight decay half of `decay` (their decay is the optimiser's).",
    NULL,
};

typedef struct icarl_state {
    mn_network *before;   /* the network as it was before the task */
    mn_tensor *exemplars; /* (classes, features) sums of the exemplars' features of length 1 */
    int64_t *known;       /* classes whose exemplars are in these sums */
} icarl_state;

static mn_status open(mn_learner *learner)
{
    icarl_state *s = mn_state(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    const int64_t features = mn_network_features(mn_learner_network(learner));
    if (features == 0)
        return mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
    mn_require_rows(learner, classes, "class");
    MN_TRY(mn_add_network(learner, "before", NULL, &s->before));
    MN_TRY(mn_keep_tensor(learner, "exemplars", MN_SHAPE(classes, features), &s->exemplars));
    return mn_keep_int(learner, "known", &s->known);
}

static mn_status before_task(mn_learner *learner)
{
    icarl_state *s = mn_state(learner);
    *s->known = 0;
    MN_TRY(mn_tensor_fill(s->exemplars, 0));
    return mn_network_copy(s->before, mn_learner_network(learner));
}

/* (B, classes) */
static mn_var *targets(mn_learner *learner, mn_tape *tape, const mn_batch *batch, int64_t classes)
{
    const icarl_options *o = mn_options(learner);
    const icarl_state *s = mn_state(learner);
    const int64_t past = mn_classes(learner, MN_PAST).count;
    mn_var *labels = mn_one_hot(tape, batch->labels, batch->count, classes);
    if (past == 0)
        return labels;
    const mn_out *old = mn_forward_with(learner, s->before, batch, MN_EVAL | MN_NO_GRADIENT);
    mn_var *answers = mn_sigmoid(mn_scale(old->logits, 1 / o->temperature));
    mn_var *parts[] = {mn_columns(answers, 0, past), mn_columns(labels, past, classes - past)};
    return mn_concat_columns(parts, 2);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const icarl_options *o = mn_options(learner);
    const bool all = o->classes == ALL_CLASSES;
    const int64_t classes = mn_classes(learner, all ? MN_ALL : MN_SEEN).count;
    mn_var *logits = mn_columns(mn_forward(learner, batch, MN_TRAIN)->logits, 0, classes);
    mn_term(learner, "binary", o->classes == SEEN_CLASSES ? (double)classes : 1,
            mn_binary_cross_entropy(logits, targets(learner, tape, batch, classes)));
    return MN_OK;
}

static mn_status gradients(mn_learner *learner) /* of decay |theta|^2 */
{
    const icarl_options *o = mn_options(learner);
    mn_network *network = mn_learner_network(learner);
    return mn_tensor_axpby(mn_network_gradients(network), (float)(2 * o->decay),
                           mn_network_values(network), 1);
}

static mn_status add_exemplars(mn_learner *learner, mn_tape *tape, const mn_batch *rows)
{
    icarl_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, rows, MN_EVAL | MN_NO_GRADIENT);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    mn_var *labels = mn_one_hot(tape, rows->labels, rows->count, classes);
    mn_var *sums = mn_matmul(mn_transpose(labels), mn_row_normalise(out->features));
    *s->known = mn_classes(learner, MN_SEEN).count;
    return mn_store(mn_add(mn_const(tape, s->exemplars), sums), s->exemplars);
}

/* -|phi - mu|^2 = 2 phi.mu - 2 for rows of length 1.  A class without exemplars has a mean of 0 and
 * is as far as any can be whose features are not negative. */
static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const icarl_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT);
    if (*s->known < mn_classes(learner, MN_SEEN).count)
        return out->logits; /* there are no exemplars of the newest classes yet */
    mn_var *means = mn_row_normalise(mn_const(tape, s->exemplars));
    mn_var *products = mn_matmul(mn_row_normalise(out->features), mn_transpose(means));
    return mn_shift(mn_scale(products, 2), -2);
}

static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_BOTH},
    {.name = "means", .source = MN_FROM_BUFFER, .visit = add_exemplars, .after_selection = true},
    {.name = NULL},
};

MN_STRATEGY(icarl) = {
    MN_STRATEGY_HEADER,
    .name = "icarl",
    .summary = "iCaRL: distilled sigmoid outputs, herding, and the nearest mean of exemplars.",
    .cite = "Rebuffi et al., iCaRL: Incremental Classifier and Representation Learning, CVPR 2017",
    .options = options,
    .options_size = sizeof(icarl_options),
    .state_size = sizeof(icarl_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES |
             MN_NEEDS_SELECTION,
    .policy = "herding",
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .loss = loss,
    .gradients = gradients,
    .scores = scores,
    .differs = differs,
};
