/* er.c -- experience replay: every step also sees a minibatch of remembered images.
 *
 *     L = CE(f([x; x']), [y; y']),  (x', y') drawn from the buffer
 *
 * One forward of the concatenated batch: batch statistics are shared, and the mean over b + m rows
 * lets the weight of the stream fall as the replay minibatch m grows.  With weighting=tasks, van de
 * Ven and Tolias's (2019), the two are apart and weigh as many tasks as they stand for; in the t-th
 *     L = 1 / t CE(f(x), y) + (1 - 1 / t) CE(f(x'), y')
 * With classes=task each image's softmax is over the classes of its own task.
 */
#include <mneme/strategy.h>

typedef struct er_options {
    int64_t replay, weighting, classes;
} er_options;

enum { BY_ROWS, BY_TASKS };
static const char *const weightings[] = {"rows", "tasks", NULL};
enum { ALL_CLASSES, SEEN_CLASSES, TASKS_CLASSES };
static const char *const extents[] = {"all", "seen", "task", NULL};

static const mn_option options[] = {
    MN_INT(er_options, replay, 10, 1, 65536, "exemplars replayed in a step"),
    MN_CHOICE(er_options, weighting, BY_ROWS, weightings,
              "weights of stream and replay: their rows, or the tasks they stand for"),
    MN_CHOICE(er_options, classes, ALL_CLASSES, extents,
              "classes among which the cross-entropy is taken: all, those seen, or those of each "
              "image's own task"),
    MN_END,
};

static mn_status open(mn_learner *learner)
{
    const er_options *o = mn_options(learner);
    static const mn_when extent[] = {MN_ALL, MN_SEEN, MN_PRESENT};
    mn_train_classes(learner, extent[o->classes]);
    return MN_OK;
}

static mn_var *cross_entropy(mn_learner *learner, const mn_batch *batch)
{
    const er_options *o = mn_options(learner);
    const mn_range range = mn_trained_classes(learner);
    mn_var *logits = mn_forward(learner, batch, MN_TRAIN)->logits;
    if (o->classes == TASKS_CLASSES)
        return mn_cross_entropy(mn_own_head(learner, batch, logits), batch->labels);
    return mn_cross_entropy_columns(logits, batch->labels, range.first, range.count);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const er_options *o = mn_options(learner);
    if (o->weighting == BY_ROWS) {
        const mn_batch *both = mn_join(learner, now, mn_draw(learner, "replay", o->replay));
        mn_term(learner, "stream+replay", 1, cross_entropy(learner, both));
        return MN_OK;
    }
    const double share = 1 / (double)(mn_task(learner) + 1);
    mn_term(learner, "stream", share, cross_entropy(learner, now));
    if (mn_task(learner) > 0)
        mn_term(learner, "replay", 1 - share,
                cross_entropy(learner, mn_draw(learner, "replay", o->replay)));
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

MN_STRATEGY(er) = {
    MN_STRATEGY_HEADER,
    .name = "er",
    .summary = "Experience replay: stream and remembered images in one batch.",
    .cite = "Chaudhry et al., On Tiny Episodic Memories in Continual Learning, 2019; Riemer et "
            "al., Learning to Learn without Forgetting by Maximizing Transfer and Minimizing "
            "Interference, ICLR 2019",
    .options = options,
    .options_size = sizeof(er_options),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
};
