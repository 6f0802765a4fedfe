/* ccic.c -- CCIC: interpolated images answer as their parts do, features of unlike classes keep
 * apart, and the buffer's nearest images answer for the method.
 *
 *     L = L_X + memory L_M + unlabelled L_U + L_S + negatives L_P
 *
 * L_X, L_M, L_U: cross-entropy (squared error for L_U) between the answer to a mixture of two
 * images and the same mixture of their labels, of the task's labelled images, remembered ones, and
 * unlabelled ones with sharpened pseudo-labels; L_S: triplets of labelled images; L_P: unlabelled
 * images of the task keep a margin from remembered ones, whose classes they cannot be of.
 *
 * docs/methods/ccic.md has the equations, and what differs from the authors' code and why.
 */
#include <mneme/mixing.h>
#include <mneme/strategy.h>

typedef struct ccic_options {
    int64_t replay, views, pseudo, hardest, neighbours;
    double sharpening, mixup, memory, unlabelled, negatives, margin;
} ccic_options;

enum { BY_CLASSIFIER, BY_NEIGHBOURS };
static const char *const judges[] = {"classifier", "neighbours", NULL};

static const mn_option options[] = {
    MN_INT(ccic_options, replay, 32, 1, 2048, "exemplars replayed in a step"),
    MN_INT(ccic_options, views, 3, 1, 16, "views of an unlabelled image that share a pseudo-label"),
    MN_CHOICE(ccic_options, pseudo, BY_CLASSIFIER, judges,
              "who labels unlabelled images: the classifier (the authors' choice), or the vote of "
              "labelled ones"),
    MN_REAL(ccic_options, sharpening, 0.5, 0.01, 100,
            "temperature that sharpens pseudo-labels: to the power 1 / this"),
    MN_REAL(ccic_options, mixup, 0.75, 0.01, 4, "a of Beta(a, a), from which mixtures are drawn"),
    MN_REAL(ccic_options, memory, 1, 0, 1000, "weight of remembered images"),
    MN_REAL(ccic_options, unlabelled, 0.5, 0, 1000, "weight of unlabelled images"),
    MN_REAL(ccic_options, negatives, 0.5, 0, 1000,
            "weight of keeping unlabelled images away from remembered ones"),
    MN_REAL(ccic_options, margin, 1, 0, 1000, "of triplets, in squared distance"),
    MN_INT(ccic_options, hardest, 0, 0, 2048,
           "triplets of each image; 0: a tenth of the batch, the authors' rule"),
    MN_INT(ccic_options, neighbours, 3, 1, 1024, "nearest exemplars that vote in an evaluation"),
    MN_END,
};

static const char *const differs[] = {
    "The authors' code mixes up what it averages in several places (docs/methods/ccic.md "
    "lists ten, each with its effect): here views of one image are averaged as "
    "probabilities, mixed images keep mixed targets, the squared error is between "
    "probabilities, and only triplets that exist count.",
    "Outputs of classes to come take no part; in the authors' code they do. The buffer "
    "holds each labelled image once, in equal shares for classes; theirs is a reservoir "
    "to which an image is offered each time it comes.",
    "Unlabelled images are seen in the benchmark's views; theirs in crops and mirror "
    "images.",
    NULL,
};

enum { MOST_ROWS = 4096 };
static const double MIXED_PART = 0.9;  /* of a task's training; features are not mixed after it */
static const double TEMPERATURE = 0.1; /* of soft votes */
static const double SOFT_SHARE = 0.5;  /* below 1: it decides among equal counts alone */

typedef struct ccic_state {
    mn_tensor *features; /* (capacity, features) of the buffer, of length 1 */
    mn_tensor *labels;   /* (capacity, classes) one-hot */
    int64_t *rows;       /* of them in use */
    int64_t *known;      /* classes that had been seen when they were made */
} ccic_state;

static mn_status open(mn_learner *learner)
{
    const ccic_options *o = mn_options(learner);
    ccic_state *s = mn_state(learner);
    const mn_view_spec view = mn_full_views(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    const int64_t width = mn_network_features(mn_learner_network(learner));
    const int64_t capacity = mn_buffer_capacity(mn_learner_buffer(learner));
    if (width == 0)
        return mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
    if (mn_batch_size(learner) + o->replay > MOST_ROWS)
        return mn_fail(MN_BAD_OPTION,
                       "batch %lld and replay %lld: more than %d images to compare; lower one",
                       (long long)mn_batch_size(learner), (long long)o->replay, MOST_ROWS);
    mn_require_rows(learner, classes, "class");
    MN_TRY(mn_check_views(learner, &view));
    MN_TRY(mn_keep_tensor(learner, "features", MN_SHAPE(capacity, width), &s->features));
    MN_TRY(mn_keep_tensor(learner, "labels", MN_SHAPE(capacity, classes), &s->labels));
    MN_TRY(mn_keep_int(learner, "rows", &s->rows));
    return mn_keep_int(learner, "known", &s->known);
}

static mn_status before_task(mn_learner *learner)
{
    const ccic_state *s = mn_state(learner);
    *s->rows = *s->known = 0;
    return MN_OK;
}

/* --- pseudo-labels and interpolation --- */

/* Images of one step, each row a view. */
typedef struct images {
    const mn_batch *task, *memory; /* labelled */
    const mn_batch *unlabelled;    /* as they came, U */
    const mn_batch *labelled;      /* task, memory */
    const mn_batch *all;           /* labelled, then views x U: first one of each, then another */
    int64_t classes;               /* seen */
} images;

static bool is_unlabelled(const mn_batch *batch, int64_t row, void *context)
{
    (void)context;
    return batch->labels[row] < 0;
}

static const mn_batch *view_of(mn_learner *learner, const char *name, const mn_batch *batch,
                               int64_t views)
{
    const mn_view_spec spec = mn_full_views(learner);
    return mn_views(learner, name, batch, &spec, views);
}

static images draw_images(mn_learner *learner, const mn_batch *now)
{
    const ccic_options *o = mn_options(learner);
    images i = {.unlabelled = mn_subset(learner, now, is_unlabelled, NULL, NULL)};
    i.task = view_of(learner, "task", mn_draw_stream(learner, "task", mn_batch_size(learner)), 1);
    i.memory = view_of(learner, "memory", mn_draw(learner, "memory", o->replay), 1);
    i.labelled = mn_join(learner, i.task, i.memory);
    i.all = mn_join(learner, i.labelled, view_of(learner, "unlabelled", i.unlabelled, o->views));
    i.classes = mn_classes(learner, MN_SEEN).count;
    return i;
}

/* (views x U, classes): the mean answer to all views of an image, sharpened, for each of them. */
static mn_var *pseudo_labels(mn_learner *learner, mn_tape *tape, const images *i)
{
    const ccic_options *o = mn_options(learner);
    const int64_t n = i->labelled->count, rows = i->unlabelled->count;
    const mn_out *out = mn_forward(learner, i->all, MN_EVAL | MN_NO_GRADIENT);
    mn_var *labels = mn_one_hot(tape, i->labelled->labels, n, i->classes);
    mn_var *answers =
        o->pseudo == BY_CLASSIFIER
            ? mn_softmax(mn_columns(mn_rows(out->logits, n, o->views * rows), 0, i->classes))
            : mn_soft_neighbours(mn_rows(out->features, n, o->views * rows),
                                 mn_rows(out->features, 0, n), labels, TEMPERATURE);
    mn_var *sum = mn_rows(answers, 0, rows), *copies[16];
    for (int64_t view = 1; view < o->views; view++)
        sum = mn_add(sum, mn_rows(answers, view * rows, rows));
    mn_var *sharp = mn_sharpen(mn_scale(sum, 1 / (double)o->views), o->sharpening);
    for (int64_t view = 0; view < o->views; view++)
        copies[view] = sharp;
    return mn_detach(mn_concat_rows(copies, (int)o->views));
}

/* -mean_i sum_k t log softmax(z) */
static mn_var *cross_entropy(mn_var *logits, mn_var *targets)
{
    return mn_scale(mn_sum(mn_mul(targets, mn_log_softmax(logits))),
                    -1 / (double)mn_rows_of(logits));
}

static void add_interpolation(mn_learner *learner, mn_tape *tape, const images *i)
{
    const ccic_options *o = mn_options(learner);
    const int64_t task = i->task->count, memory = i->memory->count, n = task + memory;
    mn_var *targets = mn_one_hot(tape, i->labelled->labels, n, i->classes);
    if (i->unlabelled->count > 0)
        targets = mn_concat_rows((mn_var *[]){targets, pseudo_labels(learner, tape, i)}, 2);
    const mn_mixing mixing = mn_draw_mixing(learner, "images", i->all->count, o->mixup);
    const mn_out *out = mn_forward(learner, mn_mix_batch(learner, i->all, &mixing), MN_TRAIN);
    mn_var *logits = mn_columns(out->logits, 0, i->classes);
    targets = mn_mix_rows(targets, &mixing);
    mn_term(learner, "task", 1, cross_entropy(mn_rows(logits, 0, task), mn_rows(targets, 0, task)));
    if (memory > 0)
        mn_term(learner, "memory", o->memory,
                cross_entropy(mn_rows(logits, task, memory), mn_rows(targets, task, memory)));
    if (i->unlabelled->count > 0) {
        const int64_t rest = i->all->count - n;
        mn_term(learner, "unlabelled", o->unlabelled,
                mn_mse(mn_softmax(mn_rows(logits, n, rest)), mn_rows(targets, n, rest)));
    }
}

/* --- features --- */

static int64_t hardest(mn_learner *learner)
{
    const ccic_options *o = mn_options(learner);
    const int64_t tenth = mn_batch_size(learner) / 10;
    return o->hardest > 0 ? o->hardest : tenth > 0 ? tenth : 1;
}

static void add_triplets(mn_learner *learner, const images *i, bool mixed)
{
    const ccic_options *o = mn_options(learner);
    const mn_batch *rows = i->labelled;
    if (mixed) {
        const mn_mixing mixing = mn_draw_mixing(learner, "features", rows->count, 1);
        rows = mn_mix_batch(learner, rows, &mixing);
    }
    mn_term(learner, "triplets", 1,
            mn_triplets(mn_forward(learner, rows, MN_TRAIN)->features, i->labelled->labels,
                        hardest(learner), o->margin, true));
}

static void add_negatives(mn_learner *learner, const images *i)
{
    const ccic_options *o = mn_options(learner);
    const mn_batch *present = view_of(learner, "present", i->unlabelled, 1);
    const mn_batch *past = view_of(learner, "past", mn_draw(learner, "past", o->replay), 1);
    const mn_batch *both = mn_join(learner, present, past);
    int32_t side[MOST_ROWS];
    if (present->count == 0 || past->count == 0)
        return;
    for (int64_t row = 0; row < both->count; row++)
        side[row] = row >= present->count;
    mn_term(learner, "negatives", o->negatives,
            mn_triplets(mn_forward(learner, both, MN_TRAIN)->features, side, hardest(learner),
                        o->margin, false));
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const images i = draw_images(learner, now);
    const bool mixed = mn_task(learner) > 0 && mn_phase_done(learner) < MIXED_PART;
    add_interpolation(learner, tape, &i);
    add_triplets(learner, &i, mixed);
    if (mixed)
        add_negatives(learner, &i);
    return MN_OK;
}

/* --- prediction --- */

static mn_status add_exemplars(mn_learner *learner, mn_tape *tape, const mn_batch *rows)
{
    const ccic_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, rows, MN_EVAL | MN_NO_GRADIENT);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    mn_var *labels = mn_one_hot(tape, rows->labels, rows->count, classes);
    MN_TRY(mn_store_rows(mn_row_normalise(out->features), s->features, *s->rows));
    MN_TRY(mn_store_rows(labels, s->labels, *s->rows));
    *s->rows += rows->count;
    *s->known = mn_classes(learner, MN_SEEN).count;
    return MN_OK;
}

/* 1 for the k largest of each row of x (B, N), those that are as large as the last of them among
 * them; 0 for the others. */
static mn_var *largest(mn_var *x, int64_t k)
{
    mn_tape *tape = mn_tape_of(x);
    mn_var *ones = mn_shift(mn_zeros(tape, MN_SHAPE(1, mn_shape_of(x).size[1])), 1);
    mn_var *least = mn_matmul(mn_columns(mn_row_top(x, k), k - 1, 1), ones);
    /* As it is, a difference in the last digit would be lost in the 1. */
    return mn_clamp(mn_threshold(mn_shift(mn_scale(mn_sub(x, least), 1e6), 1), 1), 0, 1);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const ccic_options *o = mn_options(learner);
    const ccic_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT);
    if (*s->known < mn_classes(learner, MN_SEEN).count || *s->rows == 0)
        return out->logits; /* there are no exemplars of the newest classes yet */
    mn_var *exemplars = mn_rows(mn_const(tape, s->features), 0, *s->rows);
    mn_var *labels = mn_rows(mn_const(tape, s->labels), 0, *s->rows);
    mn_var *likeness = mn_matmul(mn_row_normalise(out->features), mn_transpose(exemplars));
    const int64_t k = o->neighbours < *s->rows ? o->neighbours : *s->rows;
    mn_var *votes = mn_matmul(largest(likeness, k), labels);
    return mn_axpby(1, votes, SOFT_SHARE,
                    mn_soft_neighbours(out->features, exemplars, labels, TEMPERATURE));
}

static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM, .reset = MN_KEPT},
    {.name = "exemplars",
     .source = MN_FROM_BUFFER,
     .visit = add_exemplars,
     .after_selection = true},
    {.name = NULL},
};

MN_STRATEGY(ccic) = {
    MN_STRATEGY_HEADER,
    .name = "ccic",
    .summary = "CCIC: interpolation consistency with pseudo-labels, and the nearest neighbours.",
    .cite = "Boschini et al., Continual semi-supervised learning through contrastive "
            "interpolation consistency, Pattern Recognition Letters 2022",
    .options = options,
    .options_size = sizeof(ccic_options),
    .state_size = sizeof(ccic_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES |
             MN_USES_UNLABELLED | MN_NEEDS_SELECTION,
    .policy = "first",
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .loss = loss,
    .scores = scores,
    .differs = differs,
};
