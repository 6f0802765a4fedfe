/* agem.c -- averaged gradient episodic memory: no step may raise the loss on remembered images.
 *
 *     g = dCE(f(x), y),  r = dCE(f(x'), y'),  (x', y') drawn from the buffer
 *     g -= (<g, r> / |r|^2) r   where <g, r> < 0
 *
 * The buffer is filled at the end of each task.  Every task gets its share of it, as in the paper,
 * or leaves one batch of the stream to a reservoir (`memory` = batch).
 */
#include "strategies/shared/agem.h"

typedef struct agem_options {
    int64_t replay, memory;
} agem_options;

enum { MEMORY_SHARE, MEMORY_BATCH };
static const char *const memories[] = {"share", "batch", NULL};

static const mn_option options[] = {
    MN_INT(agem_options, replay, 128, 1, 65536, "exemplars behind the reference gradient"),
    MN_CHOICE(
        agem_options, memory, MEMORY_SHARE, memories,
        "what a task leaves in the buffer: its share, buffer_size / tasks, or one batch, as in "
        "the DER authors' code"),
    MN_END,
};

static const char *const differs[] = {
    "The DER authors' code of 2022 and later offers one batch of the stream to a "
    "reservoir, and so leaves most of a larger buffer empty: memory=batch. Its code of "
    "2020, where the published numbers come from, stored an equal share for every task, "
    "which is the default here.",
    NULL,
};

static mn_status open(mn_learner *learner)
{
    const agem_options *o = mn_options(learner);
    if (o->memory == MEMORY_SHARE)
        mn_require_rows(learner, mn_tasks(learner), "task");
    return mn_agem_open(learner);
}

static int64_t share_of_task(mn_learner *learner)
{
    return mn_buffer_capacity(mn_learner_buffer(learner)) / mn_tasks(learner);
}

static mn_status gradients(mn_learner *learner)
{
    const agem_options *o = mn_options(learner);
    return mn_agem_project(learner, o->replay);
}

static mn_status after_task(mn_learner *learner)
{
    const agem_options *o = mn_options(learner);
    const int64_t wanted =
        o->memory == MEMORY_SHARE ? share_of_task(learner) : mn_batch_size(learner);
    return mn_remember(learner, mn_draw_stream(learner, "memory", wanted), MN_WITHOUT);
}

MN_STRATEGY(agem) = {
    MN_STRATEGY_HEADER,
    .name = "agem",
    .summary = "A-GEM: projects the gradient so that a step does not raise the loss on remembered "
               "images.",
    .cite = "Chaudhry et al., Efficient Lifelong Learning with A-GEM, ICLR 2019",
    .options = options,
    .options_size = sizeof(agem_options),
    .state_size = sizeof(mn_agem_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .loss = mn_agem_loss,
    .gradients = gradients,
    .after_task = after_task,
    .differs = differs,
};
