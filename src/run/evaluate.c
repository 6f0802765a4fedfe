/* evaluate.c -- counting right answers.  Only raw counts are kept; metrics are SQL over them. */
#include "run/evaluate.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/scoring.h"
#include "store/records.h"
#include "store/tensors.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <stdio.h>

/* What is evaluated: the test images, or those that stand beside them in scopes of their own. */
typedef struct subject {
    mn_part part;
    const char *prefix; /* of its scopes */
} subject;

static mn_status add(const mn_learner *learner, mn_runfile *file, const subject *of,
                     int64_t after_task, int64_t on_task, const char *scope, int64_t correct,
                     int64_t total)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", of->prefix, scope);
    return mn_runfile_add_evaluation(file, learner->cursor.step, after_task, on_task, name, correct,
                                     total);
}

/* A task that is still to come has no class-IL accuracy: its classes are not among the seen. */
static mn_status store(mn_learner *learner, mn_runfile *file, const subject *of, int64_t after_task,
                       int64_t on_task, const mn_tally *count)
{
    if (!mn_stream_by_class(learner->stream))
        return add(learner, file, of, after_task, on_task, "domain-il", count->seen, count->total);
    const bool to_come = after_task >= 0 && on_task > after_task;
    if (!to_come && (learner->member[0].strategy->needs & MN_NEEDS_TEST_TASK) == 0)
        MN_TRY(add(learner, file, of, after_task, on_task, "class-il", count->seen, count->total));
    return mn_stream_class_incremental(learner->stream)
               ? add(learner, file, of, after_task, on_task, "task-il", count->within, count->total)
               : MN_OK;
}

/* Those beside the test images have no table of their own: "run/validation/outputs/AFTER/ON". */
static mn_status put_tensor(mn_runfile *file, const char *name, mn_dtype dtype, mn_shape shape,
                            const void *values)
{
    static const mn_tensor_origin origin = {"run", "validation", MN_ROLE_KEPT};
    mn_tensor *tensor;
    MN_TRY(mn_tensor_new(dtype, shape, &tensor));
    mn_status status = mn_tensor_write(tensor, values, mn_tensor_bytes(tensor));
    if (status == MN_OK)
        status = mn_runfile_put_tensor(file, &origin, name, tensor);
    mn_tensor_free(tensor);
    return status;
}

static mn_status put_labels(const mn_learner *learner, mn_runfile *file, int64_t on_task)
{
    const mn_stream_view view = mn_stream_view_of(learner->stream, MN_PART_VALIDATION, on_task);
    const int32_t *labels = mn_stream_labels(learner->stream, MN_PART_VALIDATION);
    char name[96];
    int32_t *own = mn_memory_take((size_t)view.count, sizeof *own);
    if (own == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the labels of validation images");
    for (int64_t i = 0; i < view.count; i++)
        own[i] = labels[view.indices[i]];
    snprintf(name, sizeof name, "run/validation/labels/%lld", (long long)on_task);
    const mn_status status = put_tensor(file, name, MN_I32, MN_SHAPE(view.count), own);
    mn_memory_give(own);
    return status;
}

static mn_status store_outputs(const mn_learner *learner, mn_runfile *file, const subject *of,
                               int64_t after_task, int64_t on_task, const float *logits,
                               int64_t images)
{
    const int64_t classes = mn_stream_classes(learner->stream);
    char name[96];
    if (of->part == mn_evaluated_part(learner))
        return mn_runfile_add_output(file, after_task, on_task, logits, images, classes);
    snprintf(name, sizeof name, "run/validation/outputs/%lld/%lld", (long long)after_task,
             (long long)on_task);
    MN_TRY(put_labels(learner, file, on_task));
    return put_tensor(file, name, MN_F32, MN_SHAPE(images, classes), logits);
}

static mn_status evaluate_part(mn_learner *learner, mn_runfile *file, const subject *of,
                               int64_t after_task, int64_t on_task, int64_t seen, bool outputs)
{
    const int64_t images = mn_stream_view_of(learner->stream, of->part, on_task).count;
    float *logits = NULL; /* (images, classes) */
    if (outputs) {
        logits =
            mn_memory_take((size_t)(images * mn_stream_classes(learner->stream)), sizeof *logits);
        if (logits == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for the outputs of an evaluation");
    }
    mn_tally count = {0, 0, 0};
    mn_status status = mn_learner_score(learner, of->part, on_task, seen, &count, logits);
    if (status == MN_OK)
        status = store(learner, file, of, after_task, on_task, &count);
    if (status == MN_OK && outputs)
        status = store_outputs(learner, file, of, after_task, on_task, logits, images);
    mn_memory_give(logits);
    return status;
}

/* The untrained network is asked about all classes, a trained one about those it has seen. */
static int64_t classes_seen(const mn_learner *learner, int64_t after_task)
{
    const int64_t known = after_task >= 0 ? after_task : mn_stream_tasks(learner->stream) - 1;
    const mn_task_info newest = mn_stream_task(learner->stream, known);
    return newest.first_class + newest.classes;
}

static mn_status evaluate_task(mn_learner *learner, mn_runfile *file, int64_t after_task,
                               int64_t on_task, bool outputs)
{
    const int64_t seen = classes_seen(learner, after_task);
    const subject test = {mn_evaluated_part(learner), ""},
                  beside = {MN_PART_VALIDATION, "validation-"};
    MN_TRY(evaluate_part(learner, file, &test, after_task, on_task, seen, outputs));
    return mn_validates(learner)
               ? evaluate_part(learner, file, &beside, after_task, on_task, seen, outputs)
               : MN_OK;
}

mn_status mn_evaluate(mn_learner *learner, mn_runfile *file, int64_t after_task, int64_t last,
                      bool outputs)
{
    MN_TRY(mn_learner_before_scores(learner));
    for (int64_t task = 0; task <= last; task++)
        MN_TRY(evaluate_task(learner, file, after_task, task, outputs));
    return MN_OK;
}

mn_status mn_evaluate_next(mn_learner *learner, mn_runfile *file, int64_t after_task)
{
    if (after_task + 1 >= mn_stream_tasks(learner->stream))
        return MN_OK;
    MN_TRY(mn_learner_before_scores(learner));
    return evaluate_task(learner, file, after_task, after_task + 1, false);
}
