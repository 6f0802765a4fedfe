/* knn.c -- the nearest neighbours among the exemplars of the buffer, in the features of a network
 * that is not trained.
 *
 *     score_c = neighbours of class c among the k nearest + softmax(-|phi(x) - phi(x_j)|^2)_c / 2
 *
 * The second part, summed over the exemplars of a class, decides between equal counts by who is
 * nearer. What the buffer holds is the policy's affair, and how many there are room for that of
 * buffer_bytes: many small images against few large ones (dataset.size), as in Pelosin and Torsello
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

/* Row by slot of the buffer, as it was after the last task. */
typedef struct knn_state {
    mn_prototypes of;  /* of the exemplars: which classes there are */
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
    mn_require_rows(learner, o->k, "neighbour");
    MN_TRY(mn_prototypes_open(learner, &s->of));
    MN_TRY(
        mn_keep_tensor(learner, "point", MN_SHAPE(slots, mn_prototypes_width(&s->of)), &s->point));
    MN_TRY(mn_keep_tensor(learner, "vote", MN_SHAPE(slots, classes), &s->vote));
    return mn_keep_tensor(learner, "absent", MN_SHAPE(slots), &s->absent);
}

static mn_status before_task(mn_learner *learner)
{
    const knn_state *s = mn_state(learner);
    MN_TRY(mn_tensor_fill(s->of.sum, 0));
    MN_TRY(mn_tensor_fill(s->of.count, 0));
    MN_TRY(mn_tensor_fill(s->vote, 0));
    return mn_tensor_fill(s->absent, 1e30F);
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
    mn_var *x = mn_prototypes_features(learner, rows);
    MN_TRY(mn_prototypes_add(&s->of, x, rows->labels));
    MN_TRY(mn_store_at(x, s->point, rows->slots));
    MN_TRY(mn_store_at(mn_one_hot(tape, rows->labels, rows->count, classes), s->vote, rows->slots));
    return mn_store_at(mn_zeros(tape, MN_SHAPE(rows->count)), s->absent, rows->slots);
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
    return mn_prototypes_known(&s->of, mn_matmul(both, mn_const(tape, s->vote)));
}

static const mn_phase phases[] = {
    {.name = "remember", .source = MN_FROM_STREAM, .visit = remember},
    {.name = "exemplars", .source = MN_FROM_BUFFER, .visit = look, .after_selection = true},
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
    .before_task = before_task,
    .phases = phases,
    .scores = scores,
};
