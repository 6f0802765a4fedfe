/* evaluate.c -- counting right answers.  Only raw counts are kept; metrics are SQL over them.
 *
 * Strategies see evaluation batches without labels and tasks: what they are asked for is scores. */
#include "run/evaluate.h"
#include "learner/learner.h"
#include "store/records.h"
#include "store/tensors.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <string.h>

void mn_tally_add(mn_tally *tally, const float *scores, int64_t label, mn_task_info task,
                  int64_t seen)
{
    tally->seen += mn_argmax(scores, seen) == label;
    tally->within += task.first_class + mn_argmax(scores + task.first_class, task.classes) == label;
    tally->total++;
}

static mn_var *scores_of(mn_learner *learner, const mn_batch *batch)
{
    const mn_strategy *base = learner->member[0].strategy;
    mn_learner_enter(learner, 0, "scores");
    if (base->scores != NULL)
        return base->scores(learner, learner->tape, batch);
    return mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->logits;
}

/* Label and task are for the examiner alone. */
mn_batch mn_evaluation_batch(const mn_learner *learner, const mn_batch *batch,
                             const int32_t *unknown)
{
    mn_batch question = *batch;
    question.labels = unknown;
    if ((learner->member[0].strategy->needs & MN_NEEDS_TEST_TASK) == 0)
        question.tasks = unknown;
    return question;
}

static mn_status count_batch(mn_learner *learner, const mn_batch *batch, const int32_t *unknown,
                             mn_task_info task, int64_t seen, mn_tally *count, float *outputs)
{
    mn_learner_begin_step(learner);
    const mn_batch question = mn_evaluation_batch(learner, batch, unknown);
    mn_var *scores = scores_of(learner, &question);
    const float *host = NULL; /* (B, classes) */
    mn_status status = mn_learner_leave(learner, MN_OK);
    if (status == MN_OK)
        status = mn_values(scores, &host);
    if (status != MN_OK)
        return mn_fail_in(status, "evaluation");
    const int64_t classes = mn_stream_classes(learner->stream);
    for (int64_t i = 0; i < batch->count; i++)
        mn_tally_add(count, host + i * classes, batch->labels[i], task, seen);
    if (outputs != NULL)
        memcpy(outputs, host, (size_t)(batch->count * classes) * sizeof *outputs);
    return MN_OK;
}

static mn_status count_task(mn_learner *learner, mn_loader *loader, int64_t on_task, int64_t seen,
                            mn_tally *count, float *outputs)
{
    const mn_task_info task = mn_stream_task(learner->stream, on_task);
    const int64_t classes = mn_stream_classes(learner->stream);
    int32_t *unknown = mn_memory_take((size_t)learner->settings->eval_batch, sizeof *unknown);
    if (unknown == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for an evaluation");
    for (int64_t i = 0; i < learner->settings->eval_batch; i++)
        unknown[i] = -1;
    mn_status status = MN_OK;
    for (int64_t i = 0; i < mn_loader_batches(loader) && status == MN_OK; i++) {
        const mn_batch *batch;
        status = mn_loader_batch(loader, i, &batch);
        if (status != MN_OK)
            break;
        status = count_batch(learner, batch, unknown, task, seen, count, outputs);
        if (outputs != NULL)
            outputs += batch->count * classes;
    }
    mn_memory_give(unknown);
    return status;
}

/* A task that is still to come has no class-IL accuracy: its classes are not among the seen. */
static mn_status store(mn_learner *learner, mn_runfile *file, int64_t after_task, int64_t on_task,
                       const mn_tally *count)
{
    const int64_t step = learner->cursor.step;
    if (!mn_stream_class_incremental(learner->stream))
        return mn_runfile_add_evaluation(file, step, after_task, on_task, "domain-il", count->seen,
                                         count->total);
    const bool to_come = after_task >= 0 && on_task > after_task;
    if (!to_come && (learner->member[0].strategy->needs & MN_NEEDS_TEST_TASK) == 0)
        MN_TRY(mn_runfile_add_evaluation(file, step, after_task, on_task, "class-il", count->seen,
                                         count->total));
    return mn_runfile_add_evaluation(file, step, after_task, on_task, "task-il", count->within,
                                     count->total);
}

static mn_status evaluate_task(mn_learner *learner, mn_runfile *file, int64_t after_task,
                               int64_t on_task, int64_t seen, bool outputs)
{
    const mn_part part = learner->settings->validation > 0 ? MN_PART_VALIDATION : MN_PART_TEST;
    const int64_t classes = mn_stream_classes(learner->stream);
    mn_loader *loader;
    MN_TRY(mn_loader_new(learner->stream, part, on_task, on_task, learner->settings->eval_batch,
                         &learner->plain, &loader));
    const int64_t images = mn_loader_images(loader);
    float *logits = NULL; /* (images, classes) */
    mn_status status = mn_loader_shuffle(loader, NULL);
    if (status == MN_OK && outputs) {
        logits = mn_memory_take((size_t)(images * classes), sizeof *logits);
        if (logits == NULL)
            status = mn_fail(MN_NO_MEMORY, "out of memory for the outputs of an evaluation");
    }
    mn_tally count = {0, 0, 0};
    if (status == MN_OK)
        status = count_task(learner, loader, on_task, seen, &count, logits);
    if (status == MN_OK)
        status = store(learner, file, after_task, on_task, &count);
    if (status == MN_OK && outputs)
        status = mn_runfile_add_output(file, after_task, on_task, logits, images, classes);
    mn_memory_give(logits);
    mn_loader_free(loader);
    return status;
}

/* The untrained network is asked about all classes, a trained one about those it has seen. */
static int64_t classes_seen(const mn_learner *learner, int64_t after_task)
{
    const int64_t known = after_task >= 0 ? after_task : mn_stream_tasks(learner->stream) - 1;
    const mn_task_info newest = mn_stream_task(learner->stream, known);
    return newest.first_class + newest.classes;
}

mn_status mn_evaluate(mn_learner *learner, mn_runfile *file, int64_t after_task, int64_t last,
                      bool outputs)
{
    const int64_t seen = classes_seen(learner, after_task);
    mn_tape_record(learner->tape, false);
    mn_status status = MN_OK;
    for (int64_t task = 0; task <= last && status == MN_OK; task++)
        status = evaluate_task(learner, file, after_task, task, seen, outputs);
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    return status;
}

mn_status mn_evaluate_next(mn_learner *learner, mn_runfile *file, int64_t after_task)
{
    if (after_task + 1 >= mn_stream_tasks(learner->stream))
        return MN_OK;
    mn_tape_record(learner->tape, false);
    const mn_status status = evaluate_task(learner, file, after_task, after_task + 1,
                                           classes_seen(learner, after_task), false);
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    return status;
}
