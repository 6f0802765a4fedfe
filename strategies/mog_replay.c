/* mog_replay.c -- replay of features drawn from a Gaussian mixture of each class, behind a network
 * that is frozen after the first task: the cheapest generator there is.
 *
 *     p(phi | class k) = sum_j w_kj N(phi; mean_kj, diag variance_kj)          by EM, after each
 * task L = 1/t CE(h(phi(x)), y) + (1 - 1/t) CE(h(phi'), y'),  phi' drawn from the mixture of y'
 *
 * in the t-th task, y' uniform among earlier classes; only the classifier h moves.  The first task
 * trains the whole network, unless it stays as it began (base=frozen, with --init).  A visit of the
 * task's data is the E step of one iteration; the M step is made when the next begins.  Components
 * lie component by component: row j * classes + k is the j-th of class k.  Equations:
 * docs/methods/mog-replay.md.
 */
#include <mneme/strategy.h>

enum { MOST_REPLAYED = 4096, MOST_COMPONENTS = 64 };

typedef struct mog_options {
    int64_t components, iterations, replay, base;
    double lr, least_variance;
} mog_options;

enum { BASE_TRAINED, BASE_FROZEN };
static const char *const bases[] = {"train", "frozen", NULL};

static const mn_option options[] = {
    MN_INT(mog_options, components, 1, 1, MOST_COMPONENTS, "Gaussians of each class"),
    MN_INT(mog_options, iterations, 20, 1, 100000, "of EM, where there is more than one Gaussian"),
    MN_INT(mog_options, replay, 0, 0, MOST_REPLAYED,
           "features drawn in a step; 0: as many as a batch has"),
    MN_CHOICE(mog_options, base, BASE_TRAINED, bases,
              "the network is frozen after the first task has trained it, or from the start"),
    MN_REAL(mog_options, lr, 0.001, 0, 100, "learning rate of the classifier alone (Adam)"),
    MN_REAL(mog_options, least_variance, 1e-3, 1e-12, 1e6, "no variance falls below it"),
    MN_END,
};

typedef struct mog_state {
    /* K = components * classes, D features; see above for the order of rows. */
    mn_tensor *mean, *variance, *weight;     /* (K, D), (K, D), (K, 1) */
    mn_tensor *count, *sum, *sum_of_squares; /* (K, 1), (K, D), (K, D) of the iteration so far */
    int64_t *done;                           /* iterations that have had their M step */
    int64_t features, rows;                  /* D, K */
    int64_t drawn[MOST_REPLAYED];            /* rows of this step's components */
    int32_t labels[MOST_REPLAYED];
} mog_state;

static int64_t replayed(const mn_learner *learner)
{
    const mog_options *o = mn_options(learner);
    return o->replay > 0 ? o->replay : mn_batch_size(learner);
}

static mn_status check(mn_learner *learner, int64_t features)
{
    if (features == 0)
        return mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
    if (replayed(learner) > MOST_REPLAYED)
        return mn_fail(MN_BAD_OPTION,
                       "batches of %lld: set mog-replay.replay to at most %d features a step",
                       (long long)replayed(learner), MOST_REPLAYED);
    return MN_OK;
}

static mn_status open(mn_learner *learner)
{
    const mog_options *o = mn_options(learner);
    mog_state *s = mn_state(learner);
    mn_network *network = mn_learner_network(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    s->features = mn_network_features(network);
    s->rows = o->components * classes;
    MN_TRY(check(learner, s->features));
    const mn_shape each = MN_SHAPE(s->rows, s->features), one = MN_SHAPE(s->rows, 1);
    MN_TRY(mn_keep_tensor(learner, "mean", each, &s->mean));
    MN_TRY(mn_keep_tensor(learner, "variance", each, &s->variance));
    MN_TRY(mn_keep_tensor(learner, "weight", one, &s->weight));
    MN_TRY(mn_keep_tensor(learner, "count", one, &s->count));
    MN_TRY(mn_keep_tensor(learner, "sum", each, &s->sum));
    MN_TRY(mn_keep_tensor(learner, "sum_of_squares", each, &s->sum_of_squares));
    MN_TRY(mn_keep_int(learner, "done", &s->done));
    MN_TRY(mn_tensor_fill(s->variance, 1)); /* of classes to come: their logarithm is taken */
    MN_TRY(mn_tensor_fill(s->weight, 1));
    return mn_add_head_optimiser(learner, "classifier", "adam", "", network, o->lr);
}

/* --- small expressions --- */

static mn_var *ones(mn_tape *tape, int64_t rows, int64_t columns)
{
    return mn_shift(mn_zeros(tape, MN_SHAPE(rows, columns)), 1);
}

/* (K, 1) -> (K, D) */
static mn_var *spread(mn_var *x, int64_t columns)
{
    return mn_matmul(x, ones(mn_tape_of(x), 1, columns));
}

/* 1 / x, x > 0 */
static mn_var *inverse(mn_var *x)
{
    return mn_exp(mn_scale(mn_log(x), -1));
}

/* What belongs to classes, for every component: x (C, n) -> (K, n), or (B, C) -> (B, K). */
static mn_var *for_components(mn_learner *learner, mn_var *x, bool rows)
{
    const mog_options *o = mn_options(learner);
    mn_var *same[MOST_COMPONENTS];
    for (int64_t j = 0; j < o->components; j++)
        same[j] = x;
    return (rows ? mn_concat_rows : mn_concat_columns)(same, (int)o->components);
}

static mn_status put(mn_tensor *to, mn_var *value)
{
    const float *values;
    MN_TRY(mn_values(value, &values));
    return mn_tensor_write(to, values, mn_tensor_bytes(to));
}

/* Changes the rows of the task's classes alone. */
static mn_status put_present(mn_learner *learner, mn_tensor *to, mn_var *value)
{
    mn_tape *tape = mn_tape_of(value);
    float mark[MN_MAX_CLASSES] = {0};
    const mn_range present = mn_classes(learner, MN_PRESENT);
    for (int64_t k = present.first; k < present.first + present.count; k++)
        mark[k] = 1;
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    mn_var *marks = mn_input(tape, MN_SHAPE(classes, 1), mark, false), *old = mn_const(tape, to);
    mn_var *chosen = spread(for_components(learner, marks, true), mn_shape_of(value).size[1]);
    return put(to, mn_add(old, mn_mul(chosen, mn_sub(value, old))));
}

/* --- the mixtures --- */

/* Adds the rows' share in each component, (B, K), to the sums of the iteration. */
static mn_status accumulate(mn_learner *learner, mn_var *share, mn_var *features)
{
    mog_state *s = mn_state(learner);
    mn_tape *tape = mn_tape_of(share);
    mn_var *by_row = mn_transpose(share);
    mn_var *count = mn_matmul(by_row, ones(tape, mn_rows_of(share), 1));
    MN_TRY(put(s->count, mn_add(mn_const(tape, s->count), count)));
    MN_TRY(put(s->sum, mn_add(mn_const(tape, s->sum), mn_matmul(by_row, features))));
    mn_var *squares = mn_matmul(by_row, mn_square(features));
    return put(s->sum_of_squares, mn_add(mn_const(tape, s->sum_of_squares), squares));
}

/* (K, 1) of the sums so far, away from 0 */
static mn_var *counted(mn_learner *learner, mn_tape *tape)
{
    const mog_state *s = mn_state(learner);
    return mn_clamp(mn_const(tape, s->count), 1e-6, 1e30);
}

static mn_var *average(mn_learner *learner, mn_tape *tape, const mn_tensor *sum)
{
    const mog_state *s = mn_state(learner);
    return mn_mul(mn_const(tape, sum), spread(inverse(counted(learner, tape)), s->features));
}

/* The sums make new parameters of the task's classes, and begin again. */
static mn_status maximise(mn_learner *learner, mn_tape *tape)
{
    const mog_options *o = mn_options(learner);
    mog_state *s = mn_state(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    mn_var *mean = average(learner, tape, s->sum), *count = counted(learner, tape);
    mn_var *variance = mn_sub(average(learner, tape, s->sum_of_squares), mn_square(mean));
    mn_var *of_class = mn_rows(count, 0, classes);
    for (int64_t j = 1; j < o->components; j++)
        of_class = mn_add(of_class, mn_rows(count, j * classes, classes));
    MN_TRY(put_present(learner, s->mean, mean));
    MN_TRY(put_present(learner, s->variance, mn_clamp(variance, o->least_variance, 1e30)));
    MN_TRY(put_present(learner, s->weight,
                       mn_mul(count, inverse(for_components(learner, of_class, true)))));
    MN_TRY(mn_tensor_fill(s->count, 0));
    MN_TRY(mn_tensor_fill(s->sum, 0));
    return mn_tensor_fill(s->sum_of_squares, 0);
}

static mn_var *features_of(mn_learner *learner, const mn_batch *batch)
{
    return mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->features;
}

/* (B, K): 1 in the columns of the row's class */
static mn_var *own_class(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    mn_var *own = mn_one_hot(tape, batch->labels, batch->count, classes);
    return for_components(learner, own, false);
}

/* Every component of a class takes all of the class: mean and variance of it. */
static mn_status measure(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    return accumulate(learner, own_class(learner, tape, batch), features_of(learner, batch));
}

/* Gaussians of the classes; several begin at points drawn from it. */
static mn_status start(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)nothing;
    const mog_options *o = mn_options(learner);
    mog_state *s = mn_state(learner);
    *s->done = 0;
    MN_TRY(maximise(learner, tape));
    if (o->components == 1)
        return MN_OK;
    mn_var *deviation = mn_sqrt(mn_const(tape, s->variance));
    mn_var *noise = mn_noise(learner, tape, "start", MN_SHAPE(s->rows, s->features));
    return put_present(learner, s->mean, mn_add(mn_const(tape, s->mean), mn_mul(deviation, noise)));
}

/* log w_j - 1/2 sum_d (log v_jd + (phi_d - m_jd)^2 / v_jd), up to a constant, multiplied out:
 * (B, K) */
static mn_var *log_densities(mn_learner *learner, mn_tape *tape, mn_var *features)
{
    const mog_state *s = mn_state(learner);
    mn_var *mean = mn_const(tape, s->mean), *variance = mn_const(tape, s->variance);
    mn_var *precision = inverse(variance), *scaled = mn_mul(mean, precision);
    mn_var *weight = mn_log(mn_clamp(mn_const(tape, s->weight), 1e-30, 1));
    mn_var *constant = mn_row_sum(mn_add(mn_mul(mean, scaled), mn_log(variance)));
    mn_var *of_x[] = {mn_square(features), features},
           *of_row[] = {mn_scale(precision, -0.5), scaled};
    return mn_linear(mn_concat_columns(of_x, 2), mn_concat_columns(of_row, 2),
                     mn_sub(mn_reshape(weight, MN_SHAPE(s->rows)), mn_scale(constant, 0.5)));
}

static mn_status expect(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    mog_state *s = mn_state(learner);
    if (mn_epoch(learner) > *s->done) {
        MN_TRY(maximise(learner, tape));
        ++*s->done;
    }
    mn_var *features = features_of(learner, batch), *own = own_class(learner, tape, batch);
    mn_var *others = mn_scale(mn_shift(own, -1), 1e9); /* 0 in the row's own class, else -1e9 */
    mn_var *share = mn_softmax(mn_add(log_densities(learner, tape, features), others));
    return accumulate(learner, share, features);
}

static mn_status finish(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)nothing;
    return maximise(learner, tape);
}

/* --- the classifier --- */

/* A class among the past and one of its components for each row; false after an error. */
static bool choose(mn_learner *learner, mn_tape *tape, int64_t rows)
{
    const mog_options *o = mn_options(learner);
    mog_state *s = mn_state(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    const int64_t past = mn_classes(learner, MN_PAST).count;
    const float *number = mn_host(mn_uniform(learner, tape, "component", MN_SHAPE(rows, 2)));
    const float *weight = mn_host(mn_const(tape, s->weight));
    if (number == NULL || weight == NULL)
        return false;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t label = (int64_t)(number[2 * i] * (float)past);
        double left = (double)number[2 * i + 1];
        int64_t j = 0;
        s->labels[i] = (int32_t)(label < past ? label : past - 1);
        while (j < o->components - 1 && (left -= (double)weight[j * classes + s->labels[i]]) >= 0)
            j++;
        s->drawn[i] = j * classes + s->labels[i];
    }
    return true;
}

/* (rows, D); their labels are in the state */
static mn_var *draw(mn_learner *learner, mn_tape *tape, int64_t rows)
{
    const mog_state *s = mn_state(learner);
    const mn_shape shape = MN_SHAPE(rows, s->features);
    if (!choose(learner, tape, rows))
        return mn_zeros(tape, shape);
    mn_var *mean = mn_gather_rows(mn_const(tape, s->mean), s->drawn, rows);
    mn_var *variance = mn_gather_rows(mn_const(tape, s->variance), s->drawn, rows);
    return mn_add(mean, mn_mul(mn_sqrt(variance), mn_noise(learner, tape, "features", shape)));
}

static mn_var *cross_entropy(mn_learner *learner, mn_var *logits, const int32_t *labels)
{
    const mn_range seen = mn_classes(learner, MN_SEEN);
    return mn_cross_entropy_columns(logits, labels, seen.first, seen.count);
}

static mn_status learn_classifier(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mog_state *s = mn_state(learner);
    const double share = 1 / (double)(mn_task(learner) + 1);
    mn_network *network = mn_learner_network(learner);
    mn_var *stream = mn_network_classify(network, features_of(learner, now), MN_TRAIN);
    mn_term(learner, "stream", share, cross_entropy(learner, stream, now->labels));
    if (mn_task(learner) == 0)
        return MN_OK;
    mn_var *past = mn_network_classify(network, draw(learner, tape, replayed(learner)), MN_TRAIN);
    mn_term(learner, "replay", 1 - share, cross_entropy(learner, past, s->labels));
    return MN_OK;
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    mn_term(learner, "stream", 1, cross_entropy(learner, logits, now->labels));
    return MN_OK;
}

/* --- phases --- */

static bool trains_all(const mn_learner *learner)
{
    const mog_options *o = mn_options(learner);
    return mn_task(learner) == 0 && o->base == BASE_TRAINED;
}

static int64_t base_epochs(mn_learner *learner)
{
    return trains_all(learner) ? MN_USUAL_EPOCHS : 0;
}

static int64_t classifier_epochs(mn_learner *learner)
{
    return trains_all(learner) ? 0 : MN_USUAL_EPOCHS;
}

static int64_t iterations(mn_learner *learner)
{
    const mog_options *o = mn_options(learner);
    return o->components > 1 ? o->iterations : 0;
}

static int64_t one_if_iterated(mn_learner *learner)
{
    return iterations(learner) > 0;
}

static const mn_update classifier[] = {
    {.name = "classifier", .optimiser = "classifier", .loss = learn_classifier},
    {.name = NULL},
};
static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM, .epochs = base_epochs},
    {.name = "classifier",
     .source = MN_FROM_STREAM,
     .epochs = classifier_epochs,
     .updates = classifier},
    {.name = "measure", .source = MN_FROM_STREAM, .visit = measure},
    {.name = "start", .source = MN_FROM_NOTHING, .visit = start},
    {.name = "mixtures", .source = MN_FROM_STREAM, .epochs = iterations, .visit = expect},
    {.name = "finish", .source = MN_FROM_NOTHING, .epochs = one_if_iterated, .visit = finish},
    {.name = NULL},
};

MN_STRATEGY(mog_replay) = {
    MN_STRATEGY_HEADER,
    .name = "mog-replay",
    .summary = "Draws features of past classes from Gaussian mixtures, behind a frozen network.",
    .options = options,
    .options_size = sizeof(mog_options),
    .state_size = sizeof(mog_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES,
    .open = open,
    .phases = phases,
    .loss = loss,
};
