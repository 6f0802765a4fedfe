/* knn.c -- the nearest neighbours among the exemplars of the buffer, in the features of a network
 * that is not trained.
 *
 *     score_c = neighbours of class c among the k nearest + softmax(-|phi(x) - phi(x_j)|^2)_c / 2
 *
 * The second part, summed over the exemplars of a class, decides between equal counts by who is
 * nearer. What the buffer holds is the policy's affair, and how many there are room for that of
 * buffer_bytes: many crude exemplars against few faithful ones (codec), as in Pelosin and Torsello
 * (2021).
 */
#include "strategies/shared/prototypes.h"

typedef struct knn_options {
    int64_t k, metric;
} knn_options;

enum { EUCLIDEAN, COSINE };
static const char *const metrics[] = {"euclidean", "cosine", NULL};

static const mn_option options[] = {
    MN_INT(knn_options, k, 1, 1, 4096, "neighbours that vote"),
    MN_CHOICE(knn_options, metric, EUCLIDEAN, metrics, "how far features are from each other"),
    MN_END,
};

/* By slot of the buffer, made anew for every evaluation: an exemplar is kept once, in the buffer.
 */
typedef struct knn_state {
    mn_tensor *point;  /* (N,D), features */
    mn_tensor *vote;   /* (N,C), 1 at the label */
    mn_tensor *absent; /* (N), 1e30 where there is no exemplar, else 0 */
} knn_state;

static mn_status open(mn_learner *learner)
{
    const knn_options *o = mn_options(learner);
    knn_state *s = mn_state(learner);
    const int64_t slots = mn_buffer_capacity(mn_learner_buffer(learner));
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    int64_t width;
    mn_require_rows(learner, o->k, "neighbour");
    MN_TRY(mn_prototypes_find_width(learner, &width));
    MN_TRY(mn_add_scratch(learner, MN_SHAPE(slots, width), &s->point));
    MN_TRY(mn_add_scratch(learner, MN_SHAPE(slots, classes), &s->vote));
    return mn_add_scratch(learner, MN_SHAPE(slots), &s->absent);
}

static mn_status remember(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    return mn_remember(learner, batch, MN_WITHOUT);
}

static mn_status look(mn_learner *learner, mn_tape *tape, const mn_batch *rows)
{
    const knn_state *s = mn_state(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    MN_TRY(mn_store_at(mn_prototypes_features(learner, rows), s->point, rows->slots));
    MN_TRY(mn_store_at(mn_one_hot(tape, rows->labels, rows->count, classes), s->vote, rows->slots));
    return mn_store_at(mn_zeros(tape, MN_SHAPE(rows->count)), s->absent, rows->slots);
}

static mn_status before_scores(mn_learner *learner)
{
    const knn_state *s = mn_state(learner);
    MN_TRY(mn_tensor_fill(s->point, 0));
    MN_TRY(mn_tensor_fill(s->vote, 0));
    MN_TRY(mn_tensor_fill(s->absent, 1e30F));
    return mn_visit_buffer(learner, look);
}

/* -1e9 of every class without an exemplar: it is nobody's neighbour. */
static mn_var *of_those_present(const mn_learner *learner, mn_var *scores)
{
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    bool present[MN_MAX_CLASSES];
    for (int64_t k = 0; k < classes; k++)
        present[k] = mn_buffer_count_label(mn_learner_buffer(learner), (int32_t)k) > 0;
    return mn_mask_columns(scores, present, -1e9);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const knn_options *o = mn_options(learner);
    const knn_state *s = mn_state(learner);
    mn_var *x = mn_prototypes_features(learner, batch), *points = mn_const(tape, s->point);
    mn_var *near = o->metric == COSINE ? mn_cosines(x, points) : mn_prototypes_nearness(x, points);
    near = mn_broadcast_add(near, mn_scale(mn_const(tape, s->absent), -1));
    mn_var *least = mn_columns(mn_row_top(near, o->k), o->k - 1, 1);
    mn_var *above = mn_broadcast_add(near, mn_scale(least, -1));
    mn_var *votes = mn_clamp(mn_shift(mn_scale(above, 1e30), 1), 0, 1); /* 1 from the k-th on */
    mn_var *both = mn_axpby(1, votes, 0.5, mn_softmax(near));
    return of_those_present(learner, mn_matmul(both, mn_const(tape, s->vote)));
}

static const mn_phase phases[] = {
    {.name = "remember", .source = MN_FROM_STREAM, .visit = remember},
    {.name = NULL},
};

MN_STRATEGY(knn) = {
    MN_STRATEGY_HEADER,
    .name = "knn",
    .summary = "The nearest exemplars vote, in the features of a frozen network.",
    .cite = "Pelosin and Torsello, More is better: an analysis of instance quantity/quality "
            "trade-off in "
            "rehearsal-based continual learning, 2021",
    .options = options,
    .options_size = sizeof(knn_options),
    .state_size = sizeof(knn_state),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .phases = phases,
    .scores = scores,
    .before_scores = before_scores,
};
