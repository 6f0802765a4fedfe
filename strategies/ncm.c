/* ncm.c -- the nearest class mean: the network is not trained, and each class is one point.
 *
 *     p_k = mean of phi(x), x of class k;   score_k = -|phi(x) - p_k|^2, or cos(phi(x), p_k)
 *
 * Euclidean as in Pelosin (2022), whose text says cosine and whose code does not; cosine as in
 * Janson et al. (2022) and SimpleCIL.  Named after another strategy, `er+ncm`, it classifies in its
 * place, by the network that is trained there: the share of what was forgotten that the classifier
 * alone forgot. The means are then best of exemplars (from=buffer), which the network of today has
 * seen.
 */
#include "strategies/shared/prototypes.h"

typedef struct ncm_options {
    int64_t metric, from;
} ncm_options;

enum { EUCLIDEAN, COSINE };
static const char *const metrics[] = {"euclidean", "cosine", NULL};
enum { FROM_STREAM, FROM_BUFFER };
static const char *const origins[] = {"stream", "buffer", NULL};

static const mn_option options[] = {
    MN_CHOICE(ncm_options, metric, EUCLIDEAN, metrics, "how far features are from a mean"),
    MN_CHOICE(ncm_options, from, FROM_STREAM, origins,
              "means of all images as the network saw them in their task, or of the buffer's as it "
              "sees them now"),
    MN_END,
};

typedef struct ncm_state {
    mn_prototypes of;
} ncm_state;

static bool from_buffer(const mn_learner *learner)
{
    const ncm_options *o = mn_options(learner);
    return o->from == FROM_BUFFER;
}

static mn_status open(mn_learner *learner)
{
    ncm_state *s = mn_state(learner);
    if (from_buffer(learner) && mn_learner_buffer(learner) == NULL)
        return mn_fail(MN_UNSUPPORTED, "from=buffer: there is none; name a strategy that has one "
                                       "before, as in er+ncm");
    return mn_prototypes_open(learner, &s->of);
}

static mn_status before_task(mn_learner *learner)
{
    const ncm_state *s = mn_state(learner);
    if (!from_buffer(learner))
        return MN_OK;
    MN_TRY(mn_tensor_fill(s->of.sum, 0));
    return mn_tensor_fill(s->of.count, 0);
}

static mn_status add(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const ncm_state *s = mn_state(learner);
    (void)tape;
    return mn_prototypes_add(&s->of, mn_prototypes_features(learner, batch), batch->labels);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const ncm_options *o = mn_options(learner);
    const ncm_state *s = mn_state(learner);
    mn_var *x = mn_prototypes_features(learner, batch), *means = mn_prototypes_means(&s->of, tape);
    return mn_prototypes_known(&s->of, o->metric == COSINE ? mn_cosines(x, means)
                                                           : mn_prototypes_nearness(x, means));
}

static int64_t once_if_stream(mn_learner *learner)
{
    return !from_buffer(learner);
}

static int64_t once_if_buffer(mn_learner *learner)
{
    return from_buffer(learner);
}

static const mn_phase phases[] = {
    {.name = "means", .source = MN_FROM_STREAM, .epochs = once_if_stream, .visit = add},
    {.name = "exemplars",
     .source = MN_FROM_BUFFER,
     .epochs = once_if_buffer,
     .visit = add,
     .after_selection = true},
    {.name = NULL},
};

MN_STRATEGY(ncm) = {
    MN_STRATEGY_HEADER,
    .name = "ncm",
    .summary =
        "The nearest class mean in the features of a frozen network, or of another strategy's.",
    .cite =
        "Pelosin, Simpler is better: off-the-shelf continual learning through pretrained "
        "backbones, 2022; Janson et al., A simple baseline that questions the use of pretrained "
        "models in continual learning, 2022",
    .options = options,
    .options_size = sizeof(ncm_options),
    .state_size = sizeof(ncm_state),
    .open = open,
    .before_task = before_task,
    .phases = phases,
    .scores = scores,
};
