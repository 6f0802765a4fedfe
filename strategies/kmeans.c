/* kmeans.c -- clusters of each task's images, found without a label.
 *
 *     p_j <- mean of phi(x) over the task's x that p_j is nearest to, pass after pass;
 *     score_j = -|phi(x) - p_j|^2
 *
 * (Lloyd 1982, as on the features of a frozen network in Pelosin 2022).  A task has as many
 * clusters as classes, and the j-th answers in the place of its j-th class.  It is no class, so
 * that accuracy says nothing; adjusted_rand says how far the clusters are the classes.  The first
 * points are the task's images, each drawn with a probability that grows as the square of its
 * distance to those before (Arthur and Vassilvitskii 2007).
 */
#include "strategies/shared/prototypes.h"

enum {
    CANDIDATES = 1024, /* images that the first points are drawn from */
    TOGETHER = 256     /* rows that are added at a time */
};

typedef struct kmeans_options {
    int64_t passes;
} kmeans_options;

static const mn_option options[] = {
    MN_INT(kmeans_options, passes, 20, 1, 100000, "passes over the images of a task"),
    MN_END,
};

static const char *const differs[] = {
    "The authors' test answers with the point that is farthest away; here the nearest one answers.",
    NULL,
};

typedef struct kmeans_state {
    mn_prototypes of;  /* of the images that are nearest to each point in this pass */
    mn_tensor *points; /* (C,D) */
    int64_t *pass;     /* that `of` belongs to */
} kmeans_state;

static mn_status open(mn_learner *learner)
{
    kmeans_state *s = mn_state(learner);
    MN_TRY(mn_prototypes_open(learner, &s->of));
    MN_TRY(mn_keep_tensor(learner, "points",
                          MN_SHAPE(mn_classes(learner, MN_ALL).count, mn_prototypes_width(&s->of)),
                          &s->points));
    return mn_keep_int(learner, "pass", &s->pass);
}

/* Clusters without images stay where they are. */
static mn_status move(mn_learner *learner, mn_tape *tape)
{
    const kmeans_state *s = mn_state(learner);
    mn_var *some = mn_clamp(mn_const(tape, s->of.count), 0, 1);
    mn_var *stay = mn_broadcast_mul(mn_const(tape, s->points), mn_shift(mn_scale(some, -1), 1));
    return mn_store(mn_add(mn_prototypes_means(&s->of, tape), stay), s->points);
}

static mn_status forget(mn_learner *learner, mn_tape *tape)
{
    const kmeans_state *s = mn_state(learner);
    const mn_range present = mn_classes(learner, MN_PRESENT);
    const int64_t width = mn_prototypes_width(&s->of);
    MN_TRY(mn_store_rows(mn_zeros(tape, MN_SHAPE(present.count, width)), s->of.sum, present.first));
    return mn_store_rows(mn_zeros(tape, MN_SHAPE(present.count, 1)), s->of.count, present.first);
}

/* The place at which the sum of the weights passes a share of them all. */
static int64_t place_of_share(const float *weight, int64_t count, double share)
{
    double all = 0, sum = 0;
    int64_t place = 0;
    for (int64_t i = 0; i < count; i++)
        all += (double)weight[i];
    while (place < count - 1 && (sum += (double)weight[place]) <= share * all)
        place++;
    return place;
}

static mn_status begin(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    const kmeans_state *s = mn_state(learner);
    const mn_range present = mn_classes(learner, MN_PRESENT);
    const mn_batch *from = mn_draw_images(learner, "candidates", CANDIDATES);
    (void)nothing;
    *s->pass = 0;
    if (from->count < present.count)
        return mn_fail(MN_UNSUPPORTED, "task %lld has %lld images, and %lld clusters to find",
                       (long long)mn_task(learner) + 1, (long long)from->count,
                       (long long)present.count);
    mn_var *x = mn_prototypes_features(learner, from);
    mn_var *shares = mn_uniform(learner, tape, "first points", MN_SHAPE(present.count));
    const float *share = mn_host(shares);
    mn_var *weight = mn_shift(mn_zeros(tape, MN_SHAPE(from->count)), 1);
    for (int64_t j = 0; j < present.count; j++) {
        const float *weights = mn_host(weight);
        if (share == NULL || weights == NULL)
            return mn_tape_status(tape);
        const int64_t place = place_of_share(weights, from->count, (double)share[j]);
        mn_var *point = mn_rows(x, place, 1);
        mn_var *apart = mn_row_sum(mn_square(mn_broadcast_add(x, mn_scale(point, -1))));
        MN_TRY(mn_store_rows(point, s->points, present.first + j));
        weight = j == 0 ? apart : mn_sub(weight, mn_relu(mn_sub(weight, apart))); /* the least */
    }
    return forget(learner, tape);
}

static mn_status assign(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const kmeans_state *s = mn_state(learner);
    const mn_range present = mn_classes(learner, MN_PRESENT);
    if (*s->pass != mn_epoch(learner)) {
        MN_TRY(move(learner, tape));
        MN_TRY(forget(learner, tape));
        *s->pass = mn_epoch(learner);
    }
    mn_var *x = mn_prototypes_features(learner, batch);
    mn_var *points = mn_rows(mn_const(tape, s->points), present.first, present.count);
    const float *nearest = mn_host(mn_row_argmax(mn_prototypes_nearness(x, points)));
    if (nearest == NULL)
        return mn_tape_status(tape);
    for (int64_t first = 0; first < batch->count; first += TOGETHER) {
        int32_t cluster[TOGETHER];
        int64_t rows = 0;
        for (int64_t i = first; i < batch->count && rows < TOGETHER; i++)
            cluster[rows++] = (int32_t)(present.first + (int64_t)nearest[i]);
        MN_TRY(mn_prototypes_add(&s->of, mn_rows(x, first, rows), cluster));
    }
    return MN_OK;
}

static mn_status end(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)nothing;
    return move(learner, tape);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const kmeans_state *s = mn_state(learner);
    bool known[MN_MAX_CLASSES];
    const int64_t seen = mn_classes(learner, MN_SEEN).count;
    mn_var *answers =
        mn_prototypes_nearness(mn_prototypes_features(learner, batch), mn_const(tape, s->points));
    for (int64_t k = 0; k < mn_classes(learner, MN_ALL).count; k++)
        known[k] = k < seen;
    return mn_mask_columns(answers, known, -1e9);
}

static int64_t passes(mn_learner *learner)
{
    const kmeans_options *o = mn_options(learner);
    return o->passes;
}

static const mn_phase phases[] = {
    {.name = "begin", .source = MN_FROM_NOTHING, .visit = begin},
    {.name = "clusters", .source = MN_FROM_STREAM, .epochs = passes, .visit = assign},
    {.name = "end", .source = MN_FROM_NOTHING, .visit = end},
    {.name = NULL},
};

MN_STRATEGY(kmeans) = {
    MN_STRATEGY_HEADER,
    .name = "kmeans",
    .summary = "Clusters of each task in the features of a frozen network, found without labels.",
    .cite = "Pelosin, Simpler is better: off-the-shelf continual learning through pretrained "
            "backbones, 2022; Lloyd, Least squares quantization in PCM, 1982",
    .options = options,
    .options_size = sizeof(kmeans_options),
    .state_size = sizeof(kmeans_state),
    .needs = MN_USES_UNLABELLED | MN_NEEDS_CONTIGUOUS_CLASSES,
    .open = open,
    .phases = phases,
    .scores = scores,
    .differs = differs,
};
