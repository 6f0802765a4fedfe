/* fecam.c -- FeCAM: the nearest class mean by a distance that knows how features vary together.
 *
 *     t(x) = max(0, x)^beta,   q(x) = t(x) / |t(x)|
 *     score_k = -(q(phi(x)) - q(mu_k))' P_k (q(phi(x)) - q(mu_k)),   mu_k the mean of phi
 *     P_k = (D^-1/2 S D^-1/2)^-1,  D the diagonal of  S = s(s(cov of t(phi) in class k))
 *     s(C) = C + shrinkage_1 a I + shrinkage_2 b (1 - I),  a and b the means of C's diagonal and
 * rest
 *
 * With shared=true all classes have one P = C^-1,  C = (old n C + new n s(cov of t(phi) in the
 * task)) / all n, n classes.  The network is not trained.  What a class keeps is D x D floats.
 */
#include "strategies/shared/prototypes.h"

enum { MOST_FEATURES = 16384 };

typedef struct fecam_options {
    double shrinkage_1, shrinkage_2, tukey;
    bool shared;
} fecam_options;

static const mn_option options[] = {
    MN_REAL(fecam_options, shrinkage_1, 1, 0, 1e6, "shrinkage towards variances that are equal"),
    MN_REAL(fecam_options, shrinkage_2, 1, 0, 1e6, "shrinkage towards covariances that are equal"),
    MN_REAL(fecam_options, tukey, 0.5, 0.01, 10,
            "beta, the power of features; those below 0 count as 0"),
    MN_BOOL(fecam_options, shared, false, "one covariance for all classes instead of one for each"),
    MN_END,
};

static const char *const differs[] = {
    "The authors leave the first task to the network's own classifier and shrink its shared "
    "covariance not at all; here every task is treated alike.",
    "b is the mean of all that is not on the diagonal; theirs leaves out what is exactly 0.",
    NULL,
};

typedef struct fecam_state {
    mn_prototypes of;
    mn_tensor *moved;             /* (G,D), sums of t: of each class, or of the task (shared) */
    mn_tensor *rows;              /* (G,1), of them */
    mn_tensor *precision;         /* (G,D,D): sums of t t' until the end of the task, then P */
    mn_tensor *shared;            /* (D,D), C of all tasks before; NULL: not shared */
    int64_t *inverted;            /* classes of the task that have their P */
    int32_t place[MOST_FEATURES]; /* 0, 1, ... */
} fecam_state;

static mn_status open(mn_learner *learner)
{
    const fecam_options *o = mn_options(learner);
    fecam_state *s = mn_state(learner);
    const int64_t groups = o->shared ? 1 : mn_classes(learner, MN_ALL).count;
    MN_TRY(mn_prototypes_open(learner, &s->of));
    const int64_t width = mn_prototypes_width(&s->of);
    if (width > MOST_FEATURES)
        return mn_fail(MN_UNSUPPORTED, "%lld features; at most %d have a covariance here",
                       (long long)width, MOST_FEATURES);
    MN_TRY(mn_keep_int(learner, "inverted", &s->inverted));
    if (o->shared)
        MN_TRY(mn_keep_tensor(learner, "shared", MN_SHAPE(width, width), &s->shared));
    MN_TRY(mn_keep_tensor(learner, "moved", MN_SHAPE(groups, width), &s->moved));
    MN_TRY(mn_keep_tensor(learner, "rows", MN_SHAPE(groups, 1), &s->rows));
    return mn_keep_tensor(learner, "precision", MN_SHAPE(groups, width, width), &s->precision);
}

/* The shared sums are of one task. */
static mn_status before_task(mn_learner *learner)
{
    const fecam_state *s = mn_state(learner);
    *s->inverted = 0;
    if (s->shared == NULL)
        return MN_OK;
    MN_TRY(mn_tensor_fill(s->moved, 0));
    MN_TRY(mn_tensor_fill(s->rows, 0));
    return mn_tensor_fill(s->precision, 0);
}

static mn_var *power(mn_learner *learner, mn_var *x)
{
    const fecam_options *o = mn_options(learner);
    mn_var *above = mn_relu(x);
    return o->tukey == 1     ? above
           : o->tukey == 0.5 ? mn_sqrt(above)
                             : mn_exp(mn_scale(mn_log(mn_clamp(above, 1e-30, 1e30)), o->tukey));
}

/* --- sums ------------------------------------------------------------------------------------- */

static bool is_of_class(const mn_batch *batch, int64_t row, void *context)
{
    return batch->labels[row] == *(const int32_t *)context;
}

static mn_status add_group(const fecam_state *s, mn_var *t, int32_t group, int64_t count)
{
    mn_var *ones = mn_shift(mn_zeros(mn_tape_of(t), MN_SHAPE(1, count)), 1);
    mn_var *number = mn_shift(mn_zeros(mn_tape_of(t), MN_SHAPE(1, 1)), (double)count);
    MN_TRY(mn_add_by_label(mn_matmul(ones, t), &group, s->moved));
    MN_TRY(mn_add_by_label(number, &group, s->rows));
    return mn_add_products_to(t, t, s->precision, group);
}

static mn_status sum(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const fecam_state *s = mn_state(learner);
    const mn_range present = mn_classes(learner, MN_PRESENT);
    mn_var *x = mn_prototypes_features(learner, batch), *t = power(learner, x);
    (void)tape;
    MN_TRY(mn_prototypes_add(&s->of, x, batch->labels));
    if (s->shared != NULL)
        return add_group(s, t, 0, batch->count);
    for (int64_t k = present.first; k < present.first + present.count; k++) {
        int32_t label = (int32_t)k;
        const int64_t *places;
        const mn_batch *rows = mn_subset(learner, batch, is_of_class, &label, &places);
        if (rows->count > 0)
            MN_TRY(add_group(s, mn_gather_rows(t, places, rows->count), label, rows->count));
    }
    return MN_OK;
}

/* --- covariances ------------------------------------------------------------------------------ */

static mn_var *identity(mn_tape *tape, fecam_state *s)
{
    const int64_t width = mn_prototypes_width(&s->of);
    for (int64_t i = 0; i < width; i++)
        s->place[i] = (int32_t)i;
    return mn_one_hot(tape, s->place, width, width);
}

/* Of the rows summed in a group, n - 1 of which are free. */
static mn_var *covariance(const fecam_state *s, mn_tape *tape, int64_t group, double rows)
{
    const int64_t width = mn_prototypes_width(&s->of);
    mn_var *sum = mn_rows(mn_const(tape, s->moved), group, 1);
    mn_var *squares =
        mn_reshape(mn_rows(mn_const(tape, s->precision), group, 1), MN_SHAPE(width, width));
    mn_var *of_mean = mn_matmul(mn_transpose(sum), sum);
    const double free_rows = rows > 1 ? rows - 1 : 1;
    return mn_axpby(1 / free_rows, squares, -1 / (rows * free_rows), of_mean);
}

static mn_var *shrunk(mn_learner *learner, mn_var *c, mn_var *one)
{
    const fecam_options *o = mn_options(learner);
    const double width = (double)mn_rows_of(c), diagonal = mn_item(mn_sum(mn_mul(c, one)));
    const double rest = width > 1 ? (mn_item(mn_sum(c)) - diagonal) / (width * (width - 1)) : 0;
    const double a = o->shrinkage_1 * diagonal / width, b = o->shrinkage_2 * rest;
    return mn_shift(mn_axpby(1, c, a - b, one), b);
}

static mn_var *correlation(mn_var *c, mn_var *one)
{
    const int64_t width = mn_rows_of(c);
    mn_var *variance = mn_row_sum(mn_mul(c, one));
    mn_var *scale = mn_exp(mn_scale(mn_log(mn_clamp(variance, 1e-30, 1e30)), -0.5));
    mn_var *rows = mn_broadcast_mul(c, mn_reshape(scale, MN_SHAPE(width, 1)));
    return mn_broadcast_mul(rows, mn_reshape(scale, MN_SHAPE(1, width)));
}

static mn_status store_inverse(const fecam_state *s, mn_var *c, mn_var *one, int64_t group)
{
    const int64_t width = mn_rows_of(c);
    mn_var *inverse;
    MN_TRY(mn_solve_symmetric(c, 0, one, &inverse));
    return mn_store_rows(mn_reshape(inverse, MN_SHAPE(1, width, width)), s->precision, group);
}

/* Past classes count by their number, as the authors' do. */
static mn_status invert_shared(mn_learner *learner, mn_tape *tape, double rows, mn_var *one)
{
    const fecam_state *s = mn_state(learner);
    const double past = (double)mn_classes(learner, MN_PAST).count;
    const double share = past / (double)mn_classes(learner, MN_SEEN).count;
    mn_var *now = shrunk(learner, covariance(s, tape, 0, rows), one);
    mn_var *all = mn_axpby(share, mn_const(tape, s->shared), 1 - share, now);
    MN_TRY(mn_store(all, s->shared));
    return store_inverse(s, all, one, 0);
}

/* One class in a step. */
static mn_status invert(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    fecam_state *s = mn_state(learner);
    const int64_t first = mn_classes(learner, MN_PRESENT).first;
    const int64_t group = s->shared != NULL ? 0 : first + (*s->inverted)++;
    (void)nothing;
    const double rows = mn_item(mn_rows(mn_const(tape, s->rows), group, 1));
    mn_var *one = identity(tape, s);
    if (!(rows > 0))
        return MN_OK;
    if (s->shared != NULL)
        return invert_shared(learner, tape, rows, one);
    mn_var *twice = shrunk(learner, shrunk(learner, covariance(s, tape, group, rows), one), one);
    return store_inverse(s, correlation(twice, one), one, group);
}

static int64_t inversions(mn_learner *learner)
{
    const fecam_state *s = mn_state(learner);
    return s->shared != NULL ? 1 : mn_classes(learner, MN_PRESENT).count;
}

/* --- scores ----------------------------------------------------------------------------------- */

/* m_k' P_k m_k of every class, (C) */
static mn_var *of_means(const fecam_state *s, mn_var *precision, mn_var *m)
{
    const int64_t classes = mn_rows_of(m), width = mn_prototypes_width(&s->of);
    mn_var *products =
        s->shared != NULL ? mn_matmul(m, mn_reshape(precision, MN_SHAPE(width, width)))
                          : mn_reshape(mn_batched_matmul(mn_reshape(m, MN_SHAPE(classes, 1, width)),
                                                         precision, false, false),
                                       MN_SHAPE(classes, width));
    return mn_row_sum(mn_mul(products, m));
}

/* -(q - m_k)' P_k (q - m_k), multiplied out; q' P q of one P for all is left out. */
static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const fecam_state *s = mn_state(learner);
    mn_var *q = mn_row_normalise(power(learner, mn_prototypes_features(learner, batch)));
    mn_var *m = mn_row_normalise(power(learner, mn_prototypes_means(&s->of, tape)));
    mn_var *precision = mn_const(tape, s->precision), *constant = of_means(s, precision, m);
    const int64_t classes = mn_rows_of(m), width = mn_prototypes_width(&s->of);
    const int64_t groups = mn_rows_of(precision), rows = batch->count;
    mn_var *y = mn_linear(q, mn_reshape(precision, MN_SHAPE(groups * width, width)), NULL);
    if (s->shared != NULL)
        return mn_prototypes_known(&s->of, mn_linear(mn_scale(y, 2), m, mn_scale(constant, -1)));
    mn_var *each = mn_reshape(y, MN_SHAPE(rows, classes, width));
    mn_var *squares =
        mn_sum_axis(mn_broadcast_mul(each, mn_reshape(q, MN_SHAPE(rows, 1, width))), 2);
    mn_var *products = mn_sum_axis(mn_broadcast_mul(each, m), 2);
    return mn_prototypes_known(
        &s->of, mn_broadcast_add(mn_axpby(2, products, -1, squares), mn_scale(constant, -1)));
}

static const mn_phase phases[] = {
    {.name = "sums", .source = MN_FROM_STREAM, .visit = sum},
    {.name = "invert", .source = MN_FROM_NOTHING, .steps = inversions, .visit = invert},
    {.name = NULL},
};

MN_STRATEGY(fecam) = {
    MN_STRATEGY_HEADER,
    .name = "fecam",
    .summary =
        "FeCAM: the nearest class mean by Mahalanobis distance, of a frozen network's features.",
    .cite = "Goswami et al., FeCAM: exploiting the heterogeneity of class distributions in "
            "exemplar-free continual learning, NeurIPS 2023",
    .options = options,
    .options_size = sizeof(fecam_options),
    .state_size = sizeof(fecam_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES,
    .open = open,
    .before_task = before_task,
    .phases = phases,
    .scores = scores,
    .differs = differs,
};
