/* er_ace.c -- experience replay whose stream loss leaves old classes alone.
 *
 *     L = CE(f(x) over the classes of the batch and those not yet seen, y) + CE(f(x'), y'),
 *     (x', y') drawn from the buffer; the mask and the replay begin with the second task
 *
 * A logit that is masked is -1e9, so new images cannot push old classes down: only replay moves
 * them against each other.
 *
 * The authors have f(x) = 10 cos(phi(x), w), without biases, and mask and replay from the first
 * step on: head=cosine, task_free=true.  The defaults are the DER authors' first port of the
 * method, whose settings the recipes have.
 */
#include <mneme/strategy.h>

typedef struct er_ace_options {
    int64_t replay, head;
    bool task_free;
} er_ace_options;

enum { LINEAR, COSINE };
static const char *const heads[] = {"linear", "cosine", NULL};
static const double sharpness = 10; /* of the cosines */

static const mn_option options[] = {
    MN_INT(er_ace_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_BOOL(er_ace_options, task_free, false,
            "mask and replay from the first step on instead of from the second task"),
    MN_CHOICE(er_ace_options, head, LINEAR, heads,
              "the network's classifier as it is, or 10 times the cosines of features and weights"),
    MN_END,
};

static const char *const differs[] = {
    "The authors' code also leaves the largest class seen in the softmax of a batch without it; "
    "here a "
    "class that was seen is in it only with its batch.",
    NULL,
};

typedef struct er_ace_state {
    int64_t *seen; /* classes by arrival, up to the largest that came */
    int weight;    /* of the classifier among the parameters */
} er_ace_state;

static mn_status open(mn_learner *learner)
{
    const er_ace_options *o = mn_options(learner);
    er_ace_state *s = mn_state(learner);
    if (!o->task_free && mn_tasks(learner) == 1)
        return mn_fail(MN_BAD_OPTION, "masking and replay wait for a second task, but the stream "
                                      "has one; set er-ace.task_free");
    s->weight = mn_network_head(mn_learner_network(learner), MN_WEIGHT);
    if (o->head == COSINE && s->weight < 0)
        return mn_fail(MN_UNSUPPORTED,
                       "the network has no linear classifier for er-ace.head=cosine");
    return mn_keep_int(learner, "seen", &s->seen);
}

/* Marks the classes of the batch and those that nobody has seen. */
static void mark(const mn_batch *now, int64_t *seen, int64_t classes, bool *keep)
{
    for (int64_t i = 0; i < now->count; i++)
        *seen = now->labels[i] >= *seen ? now->labels[i] + 1 : *seen;
    for (int64_t k = 0; k < classes; k++)
        keep[k] = k >= *seen;
    for (int64_t i = 0; i < now->count; i++)
        keep[now->labels[i]] = true;
}

/* (B, classes) */
static mn_var *logits(mn_learner *learner, const mn_batch *batch, mn_mode mode)
{
    const er_ace_options *o = mn_options(learner);
    const er_ace_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, batch, mode);
    if (o->head == LINEAR)
        return out->logits;
    mn_var *weight = mn_network_leaf(mn_learner_network(learner), s->weight, out->features, mode);
    return mn_scale(mn_cosines(out->features, weight), sharpness);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const er_ace_options *o = mn_options(learner);
    er_ace_state *s = mn_state(learner);
    const bool first = mn_task(learner) == 0 && !o->task_free;
    bool keep[MN_MAX_CLASSES];
    mark(now, s->seen, mn_classes(learner, MN_ALL).count, keep);
    mn_var *new = logits(learner, now, MN_TRAIN);
    mn_term(learner, "stream", 1,
            mn_cross_entropy(first ? new : mn_mask_columns(new, keep, -1e9), now->labels));
    mn_backward_now(learner);
    if (first)
        return MN_OK;
    const mn_batch *old = mn_draw(learner, "replay", o->replay);
    mn_term(learner, "replay", 1, mn_cross_entropy(logits(learner, old, MN_TRAIN), old->labels));
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    return logits(learner, batch, MN_EVAL | MN_NO_GRADIENT);
}

MN_STRATEGY(er_ace) = {
    MN_STRATEGY_HEADER,
    .name = "er-ace",
    .summary = "Experience replay with asymmetric cross-entropy: new images do not push old "
               "classes down.",
    .cite = "Caccia et al., New Insights on Reducing Abrupt Representation Change in Online "
            "Continual Learning, ICLR 2022",
    .options = options,
    .options_size = sizeof(er_ace_options),
    .state_size = sizeof(er_ace_state),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
    .scores = scores,
    .differs = differs,
};
