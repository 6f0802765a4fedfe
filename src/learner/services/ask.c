/* ask.c -- services that say where the run stands: task, epoch, step, rate, classes, buffer. */
#include "data/stream/stream.h"
#include "learner/learner.h"

#include <stddef.h>
#include <string.h>

const void *mn_options(const mn_learner *learner)
{
    return learner->member[learner->current].options;
}

/* Whoever has no state gets a place to write to, until the hook ends and is refused. */
void *mn_state(mn_learner *learner)
{
    static max_align_t nowhere[256];
    void *state = learner->member[learner->current].state;
    if (state != NULL)
        return state;
    mn_learner_remember_failure(
        learner, mn_fail(MN_OUT_OF_ORDER, "%s: mn_state() without a state_size in its descriptor",
                         mn_learner_current_name(learner)));
    return memset(nowhere, 0, sizeof nowhere);
}

int64_t mn_task(const mn_learner *learner)
{
    return learner->cursor.task;
}

int64_t mn_tasks(const mn_learner *learner)
{
    return mn_stream_tasks(learner->stream);
}

int64_t mn_epoch(const mn_learner *learner)
{
    return learner->epoch;
}

double mn_phase_done(const mn_learner *learner)
{
    const int64_t steps = learner->phase_steps;
    return steps > 0 ? (double)learner->cursor.phase_step / (double)steps : 0;
}

int64_t mn_batch_size(const mn_learner *learner)
{
    return learner->settings->batch;
}

int64_t mn_train_images(const mn_learner *learner, int64_t task)
{
    return task == MN_NO_TASK ? mn_stream_dataset(learner->stream)->train.count
                              : mn_stream_task(learner->stream, task).train;
}

int64_t mn_step(const mn_learner *learner)
{
    return learner->cursor.step;
}

double mn_learning_rate(const mn_learner *learner)
{
    return learner->learning_rate;
}

void mn_set_learning_rate(mn_learner *learner, double learning_rate)
{
    learner->learning_rate = learning_rate;
}

void mn_hold_out(mn_learner *learner, double fraction)
{
    learner->held_out = fraction;
    learner->held_out_as_many = false;
}

void mn_hold_out_as_many(mn_learner *learner, double fraction)
{
    learner->held_out = fraction;
    learner->held_out_as_many = true;
}

mn_range mn_classes(const mn_learner *learner, mn_when when)
{
    const int64_t all = mn_stream_classes(learner->stream);
    const int64_t last = mn_tasks(learner) - 1, task = mn_task(learner);
    const mn_task_info now = mn_stream_task(learner->stream, task < last ? task : last);
    const int64_t seen = now.first_class + now.classes;
    switch (when) {
    case MN_PAST: return (mn_range){0, now.first_class};
    case MN_PRESENT: return (mn_range){now.first_class, now.classes};
    case MN_FUTURE: return (mn_range){seen, all - seen};
    case MN_SEEN: return (mn_range){0, seen};
    case MN_ALL: break;
    }
    return (mn_range){0, all};
}

mn_range mn_classes_of_task(const mn_learner *learner, int64_t task)
{
    const mn_task_info info = mn_stream_task(learner->stream, task);
    return (mn_range){info.first_class, info.classes};
}

void mn_train_classes(mn_learner *learner, mn_when when)
{
    if (learner->current == 0)
        learner->trained = when;
}

mn_range mn_trained_classes(const mn_learner *learner)
{
    return mn_classes(learner, learner->trained);
}

const mn_buffer *mn_learner_buffer(const mn_learner *learner)
{
    return learner->buffer;
}
