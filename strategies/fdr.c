/* fdr.c -- function distance regularisation: probabilities on remembered images stay where they
 * were when their task ended.
 *
 *     L = CE(f(x), y) + alpha mean |softmax f(x') - softmax z'|_2,  (x', z') drawn from the buffer
 *
 * z' is what the network answered at the end of the task of x', in evaluation mode and without
 * augmentation.  The buffer is filled there, with an equal share for every task.  The DER authors'
 * code never uses alpha, and takes a second step for the second term; `steps=two` takes it, too,
 * weighted by alpha.  Their distance is therefore never 0.  With one step it is, for the rows of
 * the last task at the first step of the next: they have no gradient then (mn_row_distance).
 */
#include <mneme/strategy.h>

typedef struct fdr_options {
    double alpha;
    int64_t replay, steps;
} fdr_options;

enum { ONE_STEP, TWO_STEPS };
static const char *const step_names[] = {"one", "two", NULL};

static const mn_option options[] = {
    MN_REAL(fdr_options, alpha, 1, 0, 1000, "weight of the distance to the remembered outputs"),
    MN_INT(fdr_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_CHOICE(fdr_options, steps, ONE_STEP, step_names,
              "one step on the sum of both terms, or a step of its own for each"),
    MN_END,
};

static const char *const differs[] = {
    "The DER authors remember what the network answers to the augmented image in training "
    "mode; here it is the plain image in evaluation mode. Without augmentation and batch "
    "norm the two agree.",
    "Their code since 2023 divides the buffer by one task too few when it stores a task; "
    "that of the published numbers by the tasks so far, as here.",
    NULL,
};

static mn_status open(mn_learner *learner)
{
    return mn_keep_column(learner, "logits", 0);
}

static void add_stream(mn_learner *learner, const mn_batch *now)
{
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
}

static void add_distance(mn_learner *learner, mn_tape *tape)
{
    const fdr_options *o = mn_options(learner);
    const mn_batch *old = mn_draw(learner, "distance", o->replay);
    mn_var *now = mn_softmax(mn_forward(learner, old, MN_TRAIN)->logits);
    mn_var *then = mn_softmax(mn_column(tape, old, "logits"));
    mn_term(learner, "distance", o->alpha, mn_mean(mn_row_distance(now, then)));
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    add_stream(learner, now);
    mn_backward_now(learner);
    add_distance(learner, tape);
    return MN_OK;
}

static mn_status stream_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    add_stream(learner, now);
    return MN_OK;
}

static mn_status distance_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)now;
    add_distance(learner, tape);
    return MN_OK;
}

/* The first task has nothing to stay close to, hence no second step. */
static bool in_two_steps(mn_learner *learner)
{
    const fdr_options *o = mn_options(learner);
    return o->steps == TWO_STEPS && mn_task(learner) > 0;
}

static int64_t epochs_in_one(mn_learner *learner)
{
    return in_two_steps(learner) ? 0 : MN_USUAL_EPOCHS;
}

static int64_t epochs_in_two(mn_learner *learner)
{
    return in_two_steps(learner) ? MN_USUAL_EPOCHS : 0;
}

static const mn_update two_steps[] = {
    {.name = "stream", .loss = stream_loss},
    {.name = "distance", .loss = distance_loss},
    {.name = NULL},
};
static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM, .epochs = epochs_in_one},
    {.name = "two steps", .source = MN_FROM_STREAM, .epochs = epochs_in_two, .updates = two_steps},
    {.name = NULL},
};

MN_STRATEGY(fdr) = {
    MN_STRATEGY_HEADER,
    .name = "fdr",
    .summary = "Function distance regularisation: output probabilities on remembered images stay.",
    .cite = "Benjamin et al., Measuring and Regularizing Networks in Function Space, ICLR 2019",
    .options = options,
    .options_size = sizeof(fdr_options),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_SELECTION,
    .policy = "tasks",
    .open = open,
    .phases = phases,
    .loss = loss,
    .differs = differs,
};
