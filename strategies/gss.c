/* gss.c -- experience replay from a buffer of images whose gradients differ most.
 *
 *     steps=two:  a step down CE(f(x), y), then one down CE(f(x'), y')
 *     steps=one:  a step down CE(f([x; x']), [y; y']),  a mean over all rows
 *     (x', y') drawn from the buffer, anew in each of `iterations`
 *
 * What is the method's own lies in the buffer policy of the same name: which images stay.  The
 * authors' code takes two steps, and repeats them on each batch of the stream: 3 times for digits,
 * 10 times for CIFAR-10.  The DER authors' port takes one, in which the replayed images weigh as
 * little as they are few; the recipes that are theirs say so.
 */
#include <mneme/strategy.h>

typedef struct gss_options {
    int64_t replay, steps, iterations;
} gss_options;

enum { ONE_STEP, TWO_STEPS };
static const char *const step_names[] = {"one", "two", NULL};

static const mn_option options[] = {
    MN_INT(gss_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_CHOICE(gss_options, steps, TWO_STEPS, step_names,
              "one step on stream and replay together, or a step of its own for each"),
    MN_INT(gss_options, iterations, 1, 1, 10, "times that a batch of the stream is trained on"),
    MN_END,
};

static const char *const differs[] = {
    "The authors cut the replayed rows of a batch's iterations from one shuffle of the "
    "buffer, so that none comes twice; here each iteration draws anew.",
    "Which images stay: the authors, and the DER authors, ask first whether the batch's "
    "mean gradient is unlike the buffer's, and only then image by image; here every image "
    "is judged by itself, as in the paper's algorithm 2.",
    "The authors compare with mean gradients of 10 batches of the buffer, the DER authors "
    "and this with those of single rows (buffer.compared).",
    "The DER authors score images without normalising them; here they are scored as "
    "evaluation sees them.",
    NULL,
};

typedef struct gss_state {
    int64_t iteration; /* of the step under way */
} gss_state;

static void add(mn_learner *learner, const char *term, const mn_batch *batch)
{
    mn_term(learner, term, 1,
            mn_cross_entropy(mn_forward(learner, batch, MN_TRAIN)->logits, batch->labels));
}

static const mn_batch *draw(mn_learner *learner)
{
    const gss_options *o = mn_options(learner);
    const gss_state *s = mn_state(learner);
    static const char *const names[] = {"replay",   "replay 2", "replay 3", "replay 4",
                                        "replay 5", "replay 6", "replay 7", "replay 8",
                                        "replay 9", "replay 10"};
    return mn_draw(learner, names[s->iteration], o->replay);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const gss_options *o = mn_options(learner);
    const gss_state *s = mn_state(learner);
    if (s->iteration == o->iterations)
        return MN_OK;
    if (o->steps == TWO_STEPS)
        add(learner, "stream", now);
    else
        add(learner, "stream+replay", mn_join(learner, now, draw(learner)));
    return MN_OK;
}

/* Without a term there is no step: in one step, and while the buffer is empty. */
static mn_status replay(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    (void)now;
    const gss_options *o = mn_options(learner);
    gss_state *s = mn_state(learner);
    if (s->iteration == o->iterations)
        return MN_OK;
    const mn_batch *old = o->steps == TWO_STEPS ? draw(learner) : NULL;
    if (old != NULL && old->count > 0)
        add(learner, "replay", old);
    s->iteration++;
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    gss_state *s = mn_state(learner);
    s->iteration = 0;
    return mn_remember(learner, now, MN_WITHOUT);
}

#define ITERATION(n)                                                                               \
    {.name = "stream" n, .loss = loss},                                                            \
    {                                                                                              \
        .name = "replay" n, .loss = replay                                                         \
    }
static const mn_update updates[] = {
    ITERATION(""),   ITERATION(" 2"),  ITERATION(" 3"), ITERATION(" 4"),
    ITERATION(" 5"), ITERATION(" 6"),  ITERATION(" 7"), ITERATION(" 8"),
    ITERATION(" 9"), ITERATION(" 10"), {.name = NULL},
};
static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM, .updates = updates},
    {.name = NULL},
};

MN_STRATEGY(gss) = {
    MN_STRATEGY_HEADER,
    .name = "gss",
    .summary = "Gradient-based sample selection: replay of images whose gradients are unlike each "
               "other's.",
    .cite = "Aljundi et al., Gradient based sample selection for online continual learning, "
            "NeurIPS 2019",
    .options = options,
    .options_size = sizeof(gss_options),
    .state_size = sizeof(gss_state),
    .needs = MN_NEEDS_BUFFER,
    .policy = "gss",
    .phases = phases,
    .loss = loss,
    .after_step = after_step,
    .differs = differs,
};
