/* ewc.c -- online elastic weight consolidation: hold on to the weights that the past depends on.
 *
 *     g = dL/dtheta + 2 lambda F (theta - theta*)
 *
 * and at the end of each task, over its N images,
 *
 *     F = gamma F + 1/N sum_i p(y_i|x_i) (d log p(y_i|x_i) / dtheta)^2,   theta* = theta
 *
 * The squares are those of every image's own gradient, never of a batch's.  p is over the classes
 * that the base's cross-entropy is over: outputs that nothing trains have a say in neither.  The
 * pass over the task is made in evaluation mode and without augmentation, so that it changes
 * nothing.
 */
#include <mneme/strategy.h>

typedef struct ewc_options {
    double lambda, gamma;
    bool weighted;
} ewc_options;

static const mn_option options[] = {
    MN_REAL(ewc_options, lambda, 10, 0, 1e12, "strength of the pull: half the papers' lambda"),
    MN_REAL(ewc_options, gamma, 1, 0, 1, "what is left of the old importance after a task"),
    MN_BOOL(ewc_options, weighted, true,
            "weigh an image's squared gradient by its probability, as the DER authors' code does"),
    MN_END,
};

static const char *const differs[] = {
    "The penalty is lambda F (theta - theta*)^2, as in the DER authors' code; the papers' has "
    "a 1/2.",
    "The DER authors weigh each image's squared gradient by p(y|x), as `weighted` does; the "
    "papers do not. van de Ven and Tolias's code of 2019 takes the predicted class in place of "
    "the label, their later one all classes, each weighed by its probability.",
    "The DER authors make the Fisher pass in training mode, with an augmented image at a time "
    "through batch norm; here it is made in evaluation mode on plain images. Without batch "
    "norm and augmentation the two agree.",
    NULL,
};

typedef struct ewc_state {
    mn_tensor *fisher, *anchor, *sum; /* like the network's slab */
    int64_t *images;                  /* in the sum */
} ewc_state;

static mn_status open(mn_learner *learner)
{
    ewc_state *s = mn_state(learner);
    const mn_shape slab = mn_tensor_shape(mn_network_values(mn_learner_network(learner)));
    MN_TRY(mn_keep_tensor(learner, "fisher", slab, &s->fisher));
    MN_TRY(mn_keep_tensor(learner, "anchor", slab, &s->anchor));
    MN_TRY(mn_keep_tensor(learner, "sum", slab, &s->sum));
    return mn_keep_int(learner, "images", &s->images);
}

static mn_status gradients(mn_learner *learner)
{
    const ewc_options *o = mn_options(learner);
    const ewc_state *s = mn_state(learner);
    mn_network *network = mn_learner_network(learner);
    if (mn_task(learner) == 0)
        return MN_OK;
    return mn_tensor_pull(mn_network_gradients(network), (float)(2 * o->lambda), s->fisher,
                          mn_network_values(network), s->anchor);
}

/* sum_i w_i log p(y_i|x_i), whose squared gradients are w_i^2 (d log p)^2. */
static mn_var *log_likelihood(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const ewc_options *o = mn_options(learner);
    const mn_range range = mn_trained_classes(learner);
    const mn_range all = mn_classes(learner, MN_ALL);
    mn_var *logits =
        mn_columns(mn_forward(learner, batch, MN_EVAL)->logits, range.first, range.count);
    mn_var *label = mn_columns(mn_one_hot(tape, batch->labels, batch->count, all.count),
                               range.first, range.count);
    if (o->weighted)
        label = mn_mul(label, mn_sqrt(mn_softmax(mn_detach(logits))));
    return mn_sum(mn_mul(mn_log_softmax(logits), label));
}

static mn_status visit(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const ewc_state *s = mn_state(learner);
    *s->images += batch->count;
    return mn_add_squared_gradients(learner, batch, log_likelihood, s->sum);
}

static mn_status after_task(mn_learner *learner)
{
    const ewc_options *o = mn_options(learner);
    const ewc_state *s = mn_state(learner);
    if (*s->images > 0)
        MN_TRY(mn_tensor_axpby(s->fisher, 1 / (float)*s->images, s->sum, (float)o->gamma));
    *s->images = 0;
    MN_TRY(mn_tensor_fill(s->sum, 0));
    return mn_tensor_copy(s->anchor, mn_network_values(mn_learner_network(learner)));
}

static const mn_phase phases[] = {
    {.name = "importance", .source = MN_FROM_STREAM, .visit = visit},
    {.name = NULL},
};

MN_STRATEGY(ewc) = {
    MN_STRATEGY_HEADER,
    .name = "ewc",
    .summary = "Online elastic weight consolidation: a pull towards old weights by their "
               "importance (add-on).",
    .cite = "Kirkpatrick et al., Overcoming catastrophic forgetting in neural networks, PNAS 2017; "
            "Schwarz et al., Progress & Compress, ICML 2018",
    .options = options,
    .options_size = sizeof(ewc_options),
    .state_size = sizeof(ewc_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .phases = phases,
    .gradients = gradients,
    .after_task = after_task,
    .differs = differs,
};
