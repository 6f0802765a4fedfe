/* hal.c -- hindsight anchor learning: replay, and a point for each class of each task whose outputs
 * a step may not move.
 *
 *     L(theta) = CE(f(x)) on stream and replayed images + lambda mean (f_ahead(e) - f(e))^2
 *     ahead = theta - lr grad CE: where plain replay would go;  e: the anchors of earlier tasks
 *
 * After a task, its anchors e climb in 100 steps from noise to where forgetting will be felt:
 *     least -CE(f_memory(e), y) + CE(f(e), y) + gamma |phi(e) - mean phi|^2,
 * memory being theta after one step on replayed images, and mean phi a running mean of the task's
 * features.  All anchors of a task climb in one batch, each by its own gradient.  Anchors always go
 * through the networks in evaluation mode: what one answers does not depend on the others.
 */
#include <mneme/strategy.h>

typedef struct hal_options {
    double lambda, beta, gamma;
    int64_t replay, anchor_steps;
} hal_options;

static const mn_option options[] = {
    MN_REAL(hal_options, lambda, 0.1, 0, 1000, "weight of keeping the anchors' outputs"),
    MN_REAL(hal_options, beta, 0.5, 0, 1, "share of the old in the running mean of features"),
    MN_REAL(hal_options, gamma, 0.1, 0, 1000, "weight of an anchor's distance to that mean"),
    MN_INT(hal_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_INT(hal_options, anchor_steps, 100, 1, 100000, "steps in which anchors are found"),
    MN_END,
};

static const char *const differs[] = {
    "Anchors go through the networks in evaluation mode; in the DER authors' code in training "
    "mode, where they share batch statistics. Without batch norm the two agree.",
    "In the DER authors' code the network before the step on the memory shares its weights "
    "with the one after it, so that forgetting cancels out and an anchor only nears the mean "
    "features; here, as in the paper, an anchor climbs to where the two differ.",
    "The mean of the features is made of the step's own forward, stream and replayed images "
    "together and before the step; in the DER authors' code of one more forward of the "
    "stream's, after it.",
    "The paper's buffer is a ring of equal parts for tasks, as the DER authors' later code has "
    "it; the code that their settings are for fills a reservoir, and so does this.",
    NULL,
};

typedef struct hal_state {
    mn_network *ahead;  /* the network after a step that is tried */
    mn_tensor *anchors; /* (anchors of all tasks, pixels) */
    mn_tensor *phi;     /* (1, features) */
} hal_state;

/* Each task has an anchor a class; where all tasks have the same classes, they take turns. */
static bool has_all_classes(const mn_learner *learner)
{
    return mn_classes(learner, MN_PRESENT).count == mn_classes(learner, MN_ALL).count;
}

static mn_range anchors_of_task(const mn_learner *learner)
{
    mn_range range = mn_classes(learner, MN_PRESENT);
    if (has_all_classes(learner))
        range.first = mn_task(learner) * range.count;
    return range;
}

/* Whether every task has all classes, or the tasks' classes follow each other. */
static mn_status check_tasks(mn_learner *learner)
{
    int64_t next = 0;
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    for (int64_t task = 0; task < mn_tasks(learner); task++) {
        const mn_range range = mn_classes_of_task(learner, task);
        if (range.count != classes && range.first != next)
            return mn_fail(MN_UNSUPPORTED,
                           "some classes come again in later tasks, and an anchor is of a class "
                           "in one task; choose another strategy, er or derpp for example");
        next = range.first + range.count;
    }
    return MN_OK;
}

static mn_status open(mn_learner *learner)
{
    hal_state *s = mn_state(learner);
    const mn_network *network = mn_learner_network(learner);
    const int64_t pixels = mn_shape_count(mn_network_spec_of(network)->input);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    const int64_t anchors = has_all_classes(learner) ? mn_tasks(learner) * classes : classes;
    const int64_t features = mn_network_features(network);
    if (features == 0)
        return mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
    MN_TRY(check_tasks(learner));
    MN_TRY(mn_add_network(learner, "ahead", NULL, &s->ahead));
    MN_TRY(mn_keep_tensor(learner, "anchors", MN_SHAPE(anchors, pixels), &s->anchors));
    return mn_keep_tensor(learner, "phi", MN_SHAPE(1, features), &s->phi);
}

static mn_status before_task(mn_learner *learner)
{
    const hal_state *s = mn_state(learner);
    return mn_tensor_fill(s->phi, 0);
}

/* Moves `ahead` to where a step down `loss`, made with `network`, would lead from the weights. */
static mn_status go_ahead(mn_learner *learner, mn_var *loss)
{
    const hal_state *s = mn_state(learner);
    mn_network *network = mn_learner_network(learner);
    mn_tensor *gradients = mn_network_gradients(s->ahead);
    MN_TRY(mn_network_zero_gradients(s->ahead));
    MN_TRY(mn_backward_into(loss, mn_network_gradients(network), gradients));
    MN_TRY(mn_network_copy(s->ahead, network));
    return mn_tensor_axpby(mn_network_values(s->ahead), (float)-mn_learning_rate(learner),
                           gradients, 1);
}

static mn_var *as_images(mn_learner *learner, mn_var *flat)
{
    const mn_shape input = mn_network_spec_of(mn_learner_network(learner))->input;
    mn_shape shape = {.rank = input.rank + 1, .size = {mn_rows_of(flat)}};
    for (int i = 0; i < input.rank; i++)
        shape.size[i + 1] = input.size[i];
    return mn_reshape(flat, shape);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const hal_options *o = mn_options(learner);
    const hal_state *s = mn_state(learner);
    const mn_batch *both = mn_join(learner, now, mn_draw(learner, "replay", o->replay));
    mn_var *stream = mn_cross_entropy(mn_forward(learner, both, MN_TRAIN)->logits, both->labels);
    mn_term(learner, "stream+replay", 1, stream);
    if (mn_task(learner) == 0)
        return MN_OK;
    MN_TRY(go_ahead(learner, stream));
    const int64_t earlier = anchors_of_task(learner).first;
    mn_var *e = as_images(learner, mn_rows(mn_const(tape, s->anchors), 0, earlier));
    mn_var *ahead = mn_network_forward(s->ahead, e, MN_EVAL | MN_NO_GRADIENT).logits;
    mn_var *here = mn_network_forward(mn_learner_network(learner), e, MN_EVAL).logits;
    mn_term(learner, "anchors", o->lambda, mn_mse(here, ahead));
    return MN_OK;
}

/* phi = beta phi + (1 - beta) mean of the stream images' features */
static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    const hal_options *o = mn_options(learner);
    const hal_state *s = mn_state(learner);
    mn_tape *tape = mn_tape_of(out->features);
    mn_var *mine = mn_rows(out->features, 0, now->stream_rows);
    mn_var *each =
        mn_shift(mn_zeros(tape, MN_SHAPE(1, now->stream_rows)), 1 / (double)now->stream_rows);
    mn_var *phi = mn_axpby(o->beta, mn_const(tape, s->phi), 1 - o->beta, mn_matmul(each, mine));
    MN_TRY(mn_store(phi, s->phi));
    return mn_remember(learner, now, MN_WITHOUT);
}

/* --- finding the anchors of a task --- */

/* One step on the memory, and anchors of noise. */
static mn_status begin_climb(mn_learner *learner, mn_tape *tape)
{
    const hal_state *s = mn_state(learner);
    const mn_batch *memory = mn_draw(learner, "memory", mn_batch_size(learner));
    MN_TRY(go_ahead(learner, mn_cross_entropy(mn_forward(learner, memory, MN_TRAIN_FROZEN)->logits,
                                              memory->labels)));
    const int64_t pixels = mn_tensor_shape(s->anchors).size[1];
    const mn_range own = anchors_of_task(learner);
    mn_var *noise = mn_uniform(learner, tape, "anchors", MN_SHAPE(own.count, pixels));
    return mn_store_rows(noise, s->anchors, own.first);
}

static mn_status climb(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)nothing;
    const hal_options *o = mn_options(learner);
    const hal_state *s = mn_state(learner);
    if (mn_epoch(learner) == 0)
        return begin_climb(learner, tape);
    const mn_range own = anchors_of_task(learner);
    int32_t labels[MN_MAX_CLASSES];
    for (int64_t i = 0; i < own.count; i++)
        labels[i] = (int32_t)(mn_classes(learner, MN_PRESENT).first + i);
    mn_var *kept = mn_rows(mn_const(tape, s->anchors), own.first, own.count);
    mn_var *e = mn_input(tape, mn_shape_of(kept), mn_host(kept), true);
    mn_var *x = as_images(learner, e);
    const mn_forwarded here = mn_network_forward(mn_learner_network(learner), x, MN_EVAL);
    const mn_forwarded memory = mn_network_forward(s->ahead, x, MN_EVAL);
    mn_var *ones = mn_shift(mn_zeros(tape, MN_SHAPE(own.count, 1)), 1);
    mn_var *far = mn_sub(here.features, mn_matmul(ones, mn_const(tape, s->phi)));
    mn_var *forgetting =
        mn_sub(mn_cross_entropy(memory.logits, labels), mn_cross_entropy(here.logits, labels));
    /* A sum over anchors: what one needs does not depend on how many there are. */
    mn_var *loss = mn_axpby(-(double)own.count, forgetting, o->gamma, mn_sum(mn_square(far)));
    return mn_store_rows(mn_axpby(1, e, -mn_learning_rate(learner), mn_gradient_of(loss, e)),
                         s->anchors, own.first);
}

static int64_t climbing_steps(mn_learner *learner)
{
    const hal_options *o = mn_options(learner);
    const bool last = mn_task(learner) == mn_tasks(learner) - 1; /* nobody would use them */
    return last ? 0 : 1 + o->anchor_steps;
}

static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_STREAM},
    {.name = "anchors", .source = MN_FROM_NOTHING, .epochs = climbing_steps, .visit = climb},
    {.name = NULL},
};

MN_STRATEGY(hal) = {
    MN_STRATEGY_HEADER,
    .name = "hal",
    .summary = "Hindsight anchor learning: replay, and learnt points whose outputs stay in place.",
    .cite = "Chaudhry et al., Using Hindsight to Anchor Past Knowledge in Continual Learning, "
            "AAAI 2021",
    .options = options,
    .options_size = sizeof(hal_options),
    .state_size = sizeof(hal_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES,
    .policy = "reservoir",
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .loss = loss,
    .after_step = after_step,
    .differs = differs,
};
