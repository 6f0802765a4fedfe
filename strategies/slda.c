/* slda.c -- deep streaming linear discriminant analysis: a mean of each class and one covariance
 * for all, moved by one image after the other.
 *
 *     d = phi(x) - mu_y,   S <- (n S + n / (n + 1) d d') / (n + 1),   mu_y <- mu_y + d / (c_y + 1)
 *     score_k = x' L mu_k - mu_k' L mu_k / 2,   L = ((1 - e) S + e I)^-1
 *
 * n images came before, c_y of them of class y; mu begins at 0, as the authors' does.  The network
 * is not trained.  What is summed is n S; scores are solved for at the end of each task.
 */
#include "strategies/shared/prototypes.h"

#include <math.h>

enum { TOGETHER = 256 }; /* rows that go into the covariance by one product */

typedef struct slda_options {
    double shrinkage;
} slda_options;

static const mn_option options[] = {
    MN_REAL(slda_options, shrinkage, 1e-4, 1e-12, 1, "e, the identity's share in the covariance"),
    MN_END,
};

static const char *const differs[] = {
    "The authors may begin with a covariance estimated on a first part of the data (fit_base); "
    "here every image is streamed.",
    NULL,
};

typedef struct slda_state {
    mn_prototypes of;           /* mu = sum / count */
    mn_tensor *scatter;         /* (D,D), n S */
    mn_tensor *weight, *offset; /* (C,D), (C): of the scores */
    int64_t *images;            /* n */
} slda_state;

static mn_status open(mn_learner *learner)
{
    slda_state *s = mn_state(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    MN_TRY(mn_prototypes_open(learner, &s->of));
    const int64_t width = mn_prototypes_width(&s->of);
    MN_TRY(mn_keep_tensor(learner, "scatter", MN_SHAPE(width, width), &s->scatter));
    MN_TRY(mn_keep_tensor(learner, "weight", MN_SHAPE(classes, width), &s->weight));
    MN_TRY(mn_keep_tensor(learner, "offset", MN_SHAPE(classes), &s->offset));
    return mn_keep_int(learner, "images", &s->images);
}

/* sqrt(n / (n + 1)) d of one row, which then moves its mean. */
static mn_status deviation(mn_learner *learner, mn_var *x, const int32_t *label, mn_var **weighted)
{
    const slda_state *s = mn_state(learner);
    mn_tape *tape = mn_tape_of(x);
    const int64_t class = *label;
    const double n = (double)(*s->images)++;
    mn_var *sum = mn_gather_rows(mn_const(tape, s->of.sum), &class, 1);
    const double count = mn_item(mn_gather_rows(mn_const(tape, s->of.count), &class, 1));
    *weighted = mn_scale(mn_axpby(1, x, -1 / fmax(count, 1), sum), sqrt(n / (n + 1)));
    return mn_prototypes_add(&s->of, x, label);
}

static mn_status stream(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const slda_state *s = mn_state(learner);
    mn_var *x = mn_prototypes_features(learner, batch), *row[TOGETHER];
    (void)tape;
    for (int64_t first = 0; first < batch->count; first += TOGETHER) {
        int rows = 0;
        for (int64_t i = first; i < batch->count && i < first + TOGETHER; i++)
            MN_TRY(deviation(learner, mn_rows(x, i, 1), &batch->labels[i], &row[rows++]));
        mn_var *d = mn_concat_rows(row, rows);
        MN_TRY(mn_add_products(d, d, s->scatter));
    }
    return MN_OK;
}

static mn_status solve(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    const slda_options *o = mn_options(learner);
    const slda_state *s = mn_state(learner);
    (void)nothing;
    const double share = (1 - o->shrinkage) / fmax((double)*s->images, 1);
    mn_var *means = mn_prototypes_means(&s->of, tape), *weight;
    MN_TRY(mn_solve_symmetric(mn_scale(mn_const(tape, s->scatter), share), o->shrinkage, means,
                              &weight));
    MN_TRY(mn_store(weight, s->weight));
    return mn_store(mn_scale(mn_row_sum(mn_mul(means, weight)), -0.5), s->offset);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const slda_state *s = mn_state(learner);
    mn_var *x = mn_prototypes_features(learner, batch);
    return mn_prototypes_known(&s->of,
                               mn_linear(x, mn_const(tape, s->weight), mn_const(tape, s->offset)));
}

static const mn_phase phases[] = {
    {.name = "stream", .source = MN_FROM_STREAM, .visit = stream},
    {.name = "solve", .source = MN_FROM_NOTHING, .visit = solve},
    {.name = NULL},
};

MN_STRATEGY(slda) = {
    MN_STRATEGY_HEADER,
    .name = "slda",
    .summary = "Deep SLDA: class means and one covariance in the features of a frozen network.",
    .cite = "Hayes and Kanan, Lifelong machine learning with deep streaming linear discriminant "
            "analysis, CVPR Workshops 2020",
    .options = options,
    .options_size = sizeof(slda_options),
    .state_size = sizeof(slda_state),
    .open = open,
    .phases = phases,
    .scores = scores,
    .differs = differs,
};
