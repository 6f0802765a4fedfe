/* lucir.c -- a unified classifier, learned by rebalancing: cosines for logits, features that keep
 * their direction, and past classes that stay ahead of the new ones on their exemplars.
 *
 *     L = CE(sigma cos(phi(x), w) over seen classes, y)
 *         + lambda sqrt(past / present classes) mean(1 - cos(phi(x), phi_old(x)))
 *         + rank mean [margin - cos(phi(x), w_y) + cos(phi(x), w_k)]+,  exemplars of past classes,
 *                                                          k the nearest of the present classes
 *     x from the task and the buffer, mixed as one data set
 *
 * Vectors of present classes begin as the mean direction of their images and are the only ones that
 * move.  Exemplars are chosen by herding; from the second task on all vectors are then trained on
 * them alone, by the first and the third term.  (The authors do so with ImageNet, and not in their
 * script for CIFAR-100: finetune=0.)
 * The vectors are the rows of the network's own classifier, and sigma is that of its cosines, as
 * network.head=cosine has it.  A linear classifier has biases instead, for which cosines have no
 * use: the first of them serves as sigma - 1, so that sigma is trained and kept like any other
 * parameter.
 */
#include <math.h>
#include <mneme/strategy.h>

typedef struct lucir_options {
    double lambda, rank, margin, finetune_lr;
    int64_t nearest, finetune, finetune_drop;
    bool finetune_rank, finetune_sigma;
} lucir_options;

static const mn_option options[] = {
    MN_REAL(lucir_options, lambda, 5, 0, 1000, "weight of keeping the features' direction"),
    MN_REAL(lucir_options, rank, 1, 0, 1000, "weight of keeping past classes ahead"),
    MN_REAL(lucir_options, margin, 0.5, 0, 2, "by which they are to be ahead, as a cosine"),
    MN_INT(lucir_options, nearest, 2, 1, 4096,
           "present classes that each exemplar is held against"),
    MN_INT(lucir_options, finetune, 20, 0, 100000, "epochs of the classifier on the exemplars"),
    MN_REAL(lucir_options, finetune_lr, 0.01, 0, 100, "their learning rate"),
    MN_INT(lucir_options, finetune_drop, 10, 0, 100000,
           "epochs of them after which it falls to a tenth; 0: never"),
    MN_BOOL(lucir_options, finetune_rank, true, "in them, too, keep past classes ahead"),
    MN_BOOL(lucir_options, finetune_sigma, false, "in them, train sigma, too"),
    MN_END,
};

static const char *const differs[] = {
    "The authors take the ReLU from the last features; here the network is as it is.",
    "The authors' fine-tuning has their weight decay; here it has none. The DER authors' moves "
    "the vectors of the newest task alone and lets the rate fall after 10 steps, not epochs.",
    "The DER authors take the cross-entropy over all classes, those to come included; here it "
    "is over the classes seen, as the authors' is.",
    NULL,
};

typedef struct lucir_state {
    mn_network *before;    /* the network before the task */
    mn_tensor *directions; /* (classes, features) sums of the task's features of length 1 */
    int weight, bias;      /* of the classifier among the parameters; -1: sigma is one of its own */
    int sigma;
} lucir_state;

static mn_status open(mn_learner *learner)
{
    const lucir_options *o = mn_options(learner);
    lucir_state *s = mn_state(learner);
    mn_train_classes(learner, MN_SEEN);
    mn_network *network = mn_learner_network(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    const int64_t features = mn_network_features(network);
    s->weight = mn_network_head(network, MN_WEIGHT);
    s->bias = mn_network_head(network, MN_BIAS);
    s->sigma = mn_network_head(network, MN_NORM_SCALE);
    if (features == 0 || s->weight < 0 || (s->bias < 0 && s->sigma < 0))
        return mn_fail(MN_UNSUPPORTED,
                       "the network has neither a classifier of cosines nor a linear "
                       "one with biases; set network.head=cosine");
    mn_require_rows(learner, classes, "class");
    MN_TRY(mn_add_network(learner, "before", NULL, &s->before));
    MN_TRY(mn_add_head_optimiser(learner, "classifier", "sgd", "{\"momentum\": 0.9}", network,
                                 o->finetune_lr));
    return mn_keep_tensor(learner, "directions", MN_SHAPE(classes, features), &s->directions);
}

static mn_status before_task(mn_learner *learner)
{
    const lucir_state *s = mn_state(learner);
    MN_TRY(mn_tensor_fill(s->directions, 0));
    return mn_network_copy(s->before, mn_learner_network(learner));
}

/* --- the classifier --- */

/* (1, 1) */
static mn_var *sigma_of(mn_learner *learner, mn_var *like, mn_mode mode)
{
    const lucir_state *s = mn_state(learner);
    mn_network *network = mn_learner_network(learner);
    if (s->sigma >= 0)
        return mn_reshape(mn_network_leaf(network, s->sigma, like, mode), MN_SHAPE(1, 1));
    mn_var *biases = mn_network_leaf(network, s->bias, like, mode);
    return mn_shift(mn_reshape(mn_rows(biases, 0, 1), MN_SHAPE(1, 1)), 1);
}

/* (B, K) -> (B, K) */
static mn_var *scaled(mn_var *cosines, mn_var *sigma)
{
    const mn_shape shape = mn_shape_of(cosines);
    mn_var *flat = mn_reshape(cosines, MN_SHAPE(mn_shape_count(shape), 1));
    return mn_reshape(mn_matmul(flat, sigma), shape);
}

/* (B, features) -> (B, seen).  The vectors of the first `still` classes do not move. */
static mn_var *cosines_of(mn_learner *learner, mn_var *features, int64_t still, mn_mode mode)
{
    const lucir_state *s = mn_state(learner);
    const int64_t seen = mn_classes(learner, MN_SEEN).count;
    mn_var *all = mn_network_leaf(mn_learner_network(learner), s->weight, features, mode);
    mn_var *parts[] = {mn_detach(mn_rows(all, 0, still)), mn_rows(all, still, seen - still)};
    return mn_cosines(features, mn_concat_rows(parts, 2));
}

/* --- vectors for new classes --- */

static int64_t only_later_tasks(mn_learner *learner)
{
    return mn_task(learner) > 0;
}

static mn_status add_directions(mn_learner *learner, mn_tape *tape, const mn_batch *rows)
{
    const lucir_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, rows, MN_EVAL | MN_NO_GRADIENT);
    mn_var *labels = mn_one_hot(tape, rows->labels, rows->count, mn_classes(learner, MN_ALL).count);
    mn_var *sums = mn_matmul(mn_transpose(labels), mn_row_normalise(out->features));
    return mn_store(mn_add(mn_const(tape, s->directions), sums), s->directions);
}

static double mean_length(const float *rows, int64_t count, int64_t width)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double square = 0;
        for (int64_t j = 0; j < width; j++)
            square += (double)rows[i * width + j] * (double)rows[i * width + j];
        sum += sqrt(square);
    }
    return sum / (double)count;
}

/* The present classes' vectors point where their images do, as long as past ones on average. */
static mn_status imprint(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)nothing;
    const lucir_state *s = mn_state(learner);
    const mn_range past = mn_classes(learner, MN_PAST), present = mn_classes(learner, MN_PRESENT);
    mn_tensor *weight = mn_network_parameter(mn_learner_network(learner), s->weight)->value;
    mn_var *kept = mn_rows(mn_const(tape, weight), 0, past.count);
    const float *vectors;
    MN_TRY(mn_values(kept, &vectors));
    const double length = mean_length(vectors, past.count, mn_shape_of(kept).size[1]);
    mn_var *own = mn_rows(mn_const(tape, s->directions), present.first, present.count);
    return mn_store_rows(mn_scale(mn_row_normalise(own), length), weight, present.first);
}

/* --- training --- */

/* mean(1 - cos) of rows */
static mn_var *turned(mn_var *features, mn_var *old)
{
    mn_var *cosine =
        mn_row_sum(mn_mul(mn_row_normalise(features), mn_row_normalise(mn_detach(old))));
    return mn_shift(mn_scale(mn_mean(cosine), -1), 1);
}

static bool is_past(const mn_batch *batch, int64_t row, void *context)
{
    const int64_t *past = context;
    return batch->labels[row] < *past;
}

/* mean [margin - own + other]+ over the exemplars and the nearest of the present classes */
static mn_var *overtaken(mn_learner *learner, mn_tape *tape, const mn_batch *batch, mn_var *cosines)
{
    const lucir_options *o = mn_options(learner);
    const mn_range present = mn_classes(learner, MN_PRESENT);
    int64_t past = present.first;
    const int64_t *places, seen = past + present.count;
    const int64_t k = o->nearest < present.count ? o->nearest : present.count;
    const mn_batch *old = mn_subset(learner, batch, is_past, &past, &places);
    mn_var *rows = mn_gather_rows(cosines, places, old->count);
    mn_var *nearest = mn_row_top(mn_columns(rows, past, present.count), k);
    mn_var *own = mn_row_sum(mn_mul(rows, mn_one_hot(tape, old->labels, old->count, seen)));
    mn_var *across = mn_shift(mn_zeros(tape, MN_SHAPE(1, k)), 1);
    mn_var *lead = mn_sub(mn_matmul(mn_reshape(own, MN_SHAPE(old->count, 1)), across), nearest);
    return mn_mean(mn_hinge(lead, o->margin));
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const lucir_options *o = mn_options(learner);
    const lucir_state *s = mn_state(learner);
    const int64_t past = mn_classes(learner, MN_PAST).count;
    const int64_t present = mn_classes(learner, MN_PRESENT).count;
    mn_var *features = mn_forward(learner, batch, MN_TRAIN)->features;
    mn_var *cosines = cosines_of(learner, features, past, MN_TRAIN);
    mn_term(learner, "labels", 1,
            mn_cross_entropy(scaled(cosines, sigma_of(learner, cosines, MN_TRAIN)), batch->labels));
    if (past == 0)
        return MN_OK;
    const mn_out *old = mn_forward_with(learner, s->before, batch, MN_EVAL | MN_NO_GRADIENT);
    mn_term(learner, "turned", o->lambda * sqrt((double)past / (double)present),
            turned(features, old->features));
    mn_term(learner, "overtaken", o->rank, overtaken(learner, tape, batch, cosines));
    return MN_OK;
}

static mn_status finetune(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const lucir_options *o = mn_options(learner);
    mn_var *features = mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->features;
    mn_var *cosines = cosines_of(learner, features, 0, MN_TRAIN);
    mn_var *sigma = sigma_of(learner, cosines, MN_TRAIN);
    const bool dropped = o->finetune_drop > 0 && mn_epoch(learner) >= o->finetune_drop;
    mn_set_learning_rate(learner, dropped ? o->finetune_lr / 10 : o->finetune_lr);
    mn_term(learner, "balance", 1,
            mn_cross_entropy(scaled(cosines, o->finetune_sigma ? sigma : mn_detach(sigma)),
                             batch->labels));
    if (o->finetune_rank)
        mn_term(learner, "balance overtaken", o->rank, overtaken(learner, tape, batch, cosines));
    return MN_OK;
}

static int64_t finetune_epochs(mn_learner *learner)
{
    const lucir_options *o = mn_options(learner);
    return mn_task(learner) > 0 ? o->finetune : 0;
}

/* Classes to come have no cosine yet: they are as far as any can be. */
static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    mn_var *cosines = cosines_of(learner, mn_forward(learner, batch, mode)->features, 0, mode);
    const int64_t unseen = mn_classes(learner, MN_FUTURE).count;
    mn_var *parts[] = {cosines, mn_shift(mn_zeros(tape, MN_SHAPE(batch->count, unseen)), -1)};
    return scaled(mn_concat_columns(parts, 2), sigma_of(learner, cosines, mode));
}

static const mn_update finetunes[] = {
    {.name = "finetune", .optimiser = "classifier", .loss = finetune},
    {.name = NULL},
};
static const mn_phase phases[] = {
    {.name = "directions",
     .source = MN_FROM_STREAM,
     .epochs = only_later_tasks,
     .visit = add_directions},
    {.name = "imprint", .source = MN_FROM_NOTHING, .epochs = only_later_tasks, .visit = imprint},
    {.name = "train", .source = MN_FROM_BOTH},
    {.name = "finetune",
     .source = MN_FROM_BUFFER,
     .epochs = finetune_epochs,
     .updates = finetunes,
     .after_selection = true},
    {.name = NULL},
};

MN_STRATEGY(lucir) = {
    MN_STRATEGY_HEADER,
    .name = "lucir",
    .summary = "LUCIR: a cosine classifier, features that keep their direction, exemplars that "
               "stay ahead of new classes.",
    .cite = "Hou et al., Learning a Unified Classifier Incrementally via Rebalancing, CVPR 2019",
    .options = options,
    .options_size = sizeof(lucir_options),
    .state_size = sizeof(lucir_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES |
             MN_NEEDS_SELECTION,
    .policy = "herding",
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .loss = loss,
    .scores = scores,
    .differs = differs,
};
