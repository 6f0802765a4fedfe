/* finetune.c -- train on each task as it comes and do nothing against forgetting: the lower bound.
 *
 *     L = w CE(f(x), y),  w = 1, or 1 / t in the t-th task
 *
 * over all classes, those to come included, over those seen so far, or over those of the task: then
 * each task trains outputs of its own alone, with network.head=multi a layer.  The weight 1 / t is
 * for an add-on that keeps t - 1 tasks alive with the other (t - 1) / t (lwf.weighting=tasks).
 */
#include <mneme/strategy.h>

typedef struct finetune_options {
    int64_t classes, weighting;
} finetune_options;

enum { ALL_CLASSES, SEEN_CLASSES, TASKS_CLASSES };
static const char *const extents[] = {"all", "seen", "task", NULL};

enum { ONE, BY_TASKS };
static const char *const weightings[] = {"one", "tasks", NULL};

static const mn_option options[] = {
    MN_CHOICE(finetune_options, classes, ALL_CLASSES, extents,
              "classes among which the cross-entropy is taken: all, those seen, or the task's own"),
    MN_CHOICE(finetune_options, weighting, ONE, weightings,
              "weight of the loss: 1, or 1 over the number of tasks so far"),
    MN_END,
};

static mn_status open(mn_learner *learner)
{
    const finetune_options *o = mn_options(learner);
    static const mn_when extent[] = {MN_ALL, MN_SEEN, MN_PRESENT};
    mn_train_classes(learner, extent[o->classes]);
    return MN_OK;
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const finetune_options *o = mn_options(learner);
    const mn_range range = mn_trained_classes(learner);
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    const double weight = o->weighting == ONE ? 1 : 1 / (double)(mn_task(learner) + 1);
    mn_term(learner, "stream", weight,
            mn_cross_entropy_columns(logits, now->labels, range.first, range.count));
    return MN_OK;
}

MN_STRATEGY(finetune) = {
    MN_STRATEGY_HEADER,
    .name = "finetune",
    .summary = "Trains on each task in turn and does nothing against forgetting (lower bound).",
    .options = options,
    .options_size = sizeof(finetune_options),
    .open = open,
    .loss = loss,
};
