/* ranpac.c -- ridge regression on random features of a frozen network's features, summed class by
 * class.
 *
 *     h = max(0, phi(x) R),   G = sum h h',   Q = sum h y',   W = (G + lambda I)^-1 Q,   scores = h
 * W
 *
 * R (D,M) is normal and drawn by key whenever it is needed, never stored; y has 1 at the label.
 * After each task lambda is the power of ten that predicts best a fifth of the task's images, held
 * out, from the others; then all of them are in G and Q, which do not depend on the order of
 * classes. The squared error of W is  sum_k w_k' G_held w_k - 2 w_k' q_k, and 1 for each image.
 */
#include "strategies/shared/prototypes.h"

#include <math.h>

enum { LEAST_POWER = -8, GREATEST_POWER = 8 };

typedef struct ranpac_options {
    int64_t width;
    double ridge;
} ranpac_options;

static const mn_option options[] = {
    MN_INT(ranpac_options, width, 2000, 0, 65536,
           "M, random features; 0: the network's own features, without a projection"),
    MN_REAL(ranpac_options, ridge, 0, 0, 1e12,
            "lambda; 0: of 1e-8 to 1e8 the best one for held-out images of each task"),
    MN_END,
};

static const char *const differs[] = {
    "The authors hold out the last fifth of a task's images in the order of their loader; here "
    "each image is held out with probability 1/5, by key and place in the data set.",
    "Their first phase, which tunes adapters of the network on the first task, is left out.",
    NULL,
};

typedef struct sums {
    mn_tensor *gram, *by_class; /* (M,M), (C,M) */
} sums;

typedef struct ranpac_state {
    mn_prototypes of;      /* of all images so far: which classes are known */
    sums all, fit, held;   /* of the task, where lambda is chosen: those fitted to, and held out */
    mn_tensor *weight;     /* (C,M), W' */
    mn_tensor *projection; /* (D,M), R; scratch */
    mn_tensor *draw; /* (images), of which the sign of what exceeds a bound holds out; scratch */
    bool drawn;      /* both; the state is as new wherever scratch is */
    int64_t *images_held;
} ranpac_state;

/* --- making ----------------------------------------------------------------------------------- */

static bool chooses(const mn_learner *learner)
{
    const ranpac_options *o = mn_options(learner);
    return o->ridge == 0;
}

static mn_status keep_sums(mn_learner *learner, const char *gram, const char *by_class,
                           int64_t width, sums *of)
{
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    MN_TRY(mn_keep_tensor(learner, gram, MN_SHAPE(width, width), &of->gram));
    return mn_keep_tensor(learner, by_class, MN_SHAPE(classes, width), &of->by_class);
}

static mn_status open(mn_learner *learner)
{
    const ranpac_options *o = mn_options(learner);
    ranpac_state *s = mn_state(learner);
    const int64_t images = mn_train_images(learner, MN_NO_TASK);
    MN_TRY(mn_prototypes_open(learner, &s->of));
    const int64_t features = mn_prototypes_width(&s->of);
    const int64_t width = o->width > 0 ? o->width : features;
    MN_TRY(keep_sums(learner, "gram", "by_class", width, &s->all));
    if (chooses(learner)) {
        MN_TRY(keep_sums(learner, "fit_gram", "fit_by_class", width, &s->fit));
        MN_TRY(keep_sums(learner, "held_gram", "held_by_class", width, &s->held));
        MN_TRY(mn_add_scratch(learner, MN_SHAPE(images), &s->draw));
    }
    if (o->width > 0)
        MN_TRY(mn_add_scratch(learner, MN_SHAPE(features, width), &s->projection));
    MN_TRY(mn_keep_int(learner, "images_held", &s->images_held));
    return mn_keep_tensor(learner, "weight", MN_SHAPE(mn_classes(learner, MN_ALL).count, width),
                          &s->weight);
}

static mn_status draw(mn_learner *learner, mn_tape *tape)
{
    ranpac_state *s = mn_state(learner);
    if (s->drawn)
        return MN_OK;
    if (s->projection != NULL)
        MN_TRY(mn_store(mn_fixed_noise(learner, tape, "projection", mn_tensor_shape(s->projection)),
                        s->projection));
    if (s->draw != NULL)
        MN_TRY(
            mn_store(mn_fixed_noise(learner, tape, "held-out", mn_tensor_shape(s->draw)), s->draw));
    s->drawn = true;
    return MN_OK;
}

/* h, (B,M) */
static mn_var *random_features(mn_learner *learner, const mn_batch *batch)
{
    const ranpac_state *s = mn_state(learner);
    mn_var *x = mn_prototypes_features(learner, batch);
    if (s->projection == NULL)
        return x;
    return mn_relu(mn_matmul(x, mn_const(mn_tape_of(x), s->projection)));
}

/* --- sums ------------------------------------------------------------------------------------- */

/* A fifth of all normal numbers is greater. */
static const double bound = 0.8416212335729143;

typedef struct choice {
    const float *draw; /* (images) */
    bool held;
} choice;

static bool is_chosen(const mn_batch *batch, int64_t row, void *context)
{
    const choice *c = context;
    return ((double)c->draw[batch->indices[row]] > bound) == c->held;
}

static mn_status add(mn_learner *learner, const mn_batch *batch, const sums *to)
{
    if (batch->count == 0)
        return MN_OK;
    mn_var *h = random_features(learner, batch);
    MN_TRY(mn_add_by_label(h, batch->labels, to->by_class));
    return mn_add_products(h, h, to->gram);
}

static mn_status sum(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    ranpac_state *s = mn_state(learner);
    MN_TRY(draw(learner, tape));
    MN_TRY(mn_prototypes_add(&s->of, mn_prototypes_features(learner, batch), batch->labels));
    if (!chooses(learner))
        return add(learner, batch, &s->all);
    choice c = {.held = false};
    MN_TRY(mn_values(mn_const(tape, s->draw), &c.draw));
    MN_TRY(add(learner, mn_subset(learner, batch, is_chosen, &c, NULL), &s->fit));
    c.held = true;
    const mn_batch *held = mn_subset(learner, batch, is_chosen, &c, NULL);
    *s->images_held += held->count;
    return add(learner, held, &s->held);
}

/* --- the ridge -------------------------------------------------------------------------------- */

/* The squared error of held-out images; infinite where lambda is too small to solve with, or so
 * small that rounding decides, which makes squares negative. */
static double error_of(mn_learner *learner, mn_tape *tape, double ridge)
{
    const ranpac_state *s = mn_state(learner);
    mn_var *w;
    if (mn_solve_symmetric(mn_const(tape, s->fit.gram), ridge, mn_const(tape, s->fit.by_class),
                           &w) != MN_OK)
        return HUGE_VAL;
    const double squares = mn_item(mn_sum(mn_mul(mn_matmul(w, mn_const(tape, s->held.gram)), w)));
    const double products = mn_item(mn_sum(mn_mul(w, mn_const(tape, s->held.by_class))));
    const double error = squares - 2 * products + (double)*s->images_held;
    return error >= 0 ? error : HUGE_VAL;
}

static double best_ridge(mn_learner *learner, mn_tape *tape)
{
    double best = pow(10, GREATEST_POWER), least = HUGE_VAL;
    for (int power = LEAST_POWER; power <= GREATEST_POWER; power++) {
        const double ridge = pow(10, power), error = error_of(learner, tape, ridge);
        if (error < least) {
            least = error;
            best = ridge;
        }
    }
    return best;
}

static mn_status take_in(const sums *part, const sums *all)
{
    MN_TRY(mn_tensor_axpby(all->gram, 1, part->gram, 1));
    MN_TRY(mn_tensor_axpby(all->by_class, 1, part->by_class, 1));
    MN_TRY(mn_tensor_fill(part->gram, 0));
    return mn_tensor_fill(part->by_class, 0);
}

static mn_status solve(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    const ranpac_options *o = mn_options(learner);
    ranpac_state *s = mn_state(learner);
    double ridge = o->ridge;
    mn_var *w;
    (void)nothing;
    if (chooses(learner)) {
        ridge = best_ridge(learner, tape);
        MN_TRY(mn_note(learner, "ridge", ridge));
        MN_TRY(take_in(&s->fit, &s->all));
        MN_TRY(take_in(&s->held, &s->all));
        *s->images_held = 0;
    }
    MN_TRY(mn_solve_symmetric(mn_const(tape, s->all.gram), ridge, mn_const(tape, s->all.by_class),
                              &w));
    return mn_store(w, s->weight);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const ranpac_state *s = mn_state(learner);
    if (draw(learner, tape) != MN_OK)
        return mn_zeros(tape, MN_SHAPE(batch->count, mn_tensor_shape(s->weight).size[0]));
    mn_var *h = random_features(learner, batch);
    return mn_prototypes_known(&s->of, mn_linear(h, mn_const(tape, s->weight), NULL));
}

static const mn_phase phases[] = {
    {.name = "sums", .source = MN_FROM_STREAM, .visit = sum},
    {.name = "solve", .source = MN_FROM_NOTHING, .visit = solve},
    {.name = NULL},
};

MN_STRATEGY(ranpac) = {
    MN_STRATEGY_HEADER,
    .name = "ranpac",
    .summary = "RanPAC: ridge regression on random features of a frozen network.",
    .cite = "McDonnell et al., RanPAC: random projections and pre-trained models for continual "
            "learning, NeurIPS 2023",
    .options = options,
    .options_size = sizeof(ranpac_options),
    .state_size = sizeof(ranpac_state),
    .open = open,
    .phases = phases,
    .scores = scores,
    .differs = differs,
};
