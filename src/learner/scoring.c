/* scoring.c -- asking who classifies for scores, and counting right answers.
 *
 * Strategies see evaluation batches without labels and tasks: what they are asked for is scores. */
#include "learner/scoring.h"
#include "data/stream/stream.h"
#include "learner/learner.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

mn_part mn_evaluated_part(const mn_learner *learner)
{
    const mn_run_settings *settings = learner->settings;
    return settings->validation > 0 && !settings->validation_beside ? MN_PART_VALIDATION
                                                                    : MN_PART_TEST;
}

bool mn_validates(const mn_learner *learner)
{
    return learner->settings->validation > 0 && learner->settings->validation_beside;
}

void mn_tally_add(mn_tally *tally, const float *scores, int64_t label, mn_task_info task,
                  int64_t seen)
{
    tally->seen += mn_argmax(scores, seen) == label;
    tally->within += task.first_class + mn_argmax(scores + task.first_class, task.classes) == label;
    tally->total++;
}

/* An add-on that classifies does so in the base's place. */
static int classifier_of(const mn_learner *learner)
{
    int member = learner->members - 1;
    while (member > 0 && learner->member[member].strategy->scores == NULL)
        member--;
    return member;
}

static mn_var *scores_of(mn_learner *learner, const mn_batch *batch)
{
    const int member = classifier_of(learner);
    const mn_strategy *strategy = learner->member[member].strategy;
    mn_learner_enter(learner, member, "scores");
    if (strategy->scores != NULL)
        return strategy->scores(learner, learner->tape, batch);
    return mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->logits;
}

mn_status mn_learner_before_scores(mn_learner *learner)
{
    const int member = classifier_of(learner);
    const mn_strategy *strategy = learner->member[member].strategy;
    if (strategy->before_scores == NULL)
        return MN_OK;
    mn_tape_record(learner->tape, false);
    mn_learner_begin_step(learner);
    mn_learner_enter(learner, member, "before_scores");
    const mn_status status = mn_learner_leave(learner, strategy->before_scores(learner));
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s: before_scores", strategy->name);
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

static mn_status score(mn_learner *learner, mn_part part, int64_t on_task, int64_t seen,
                       mn_tally *count, float *outputs)
{
    mn_loader *loader;
    MN_TRY(mn_loader_new(learner->stream, part, on_task, on_task, learner->settings->eval_batch,
                         &learner->plain, &loader));
    mn_status status = mn_loader_shuffle(loader, NULL);
    if (status == MN_OK)
        status = count_task(learner, loader, on_task, seen, count, outputs);
    mn_loader_free(loader);
    return status;
}

mn_status mn_learner_score(mn_learner *learner, mn_part part, int64_t on_task, int64_t seen,
                           mn_tally *count, float *outputs)
{
    mn_tape_record(learner->tape, false);
    const mn_status status = score(learner, part, on_task, seen, count, outputs);
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    return status;
}

/* --- images from elsewhere --- */

/* unknown: (count) of labels and tasks; nowhere: (count) of indices and slots; x: (count, image).
 */
static mn_status answer(mn_learner *learner, const uint8_t *pixels, int64_t count, float *x,
                        const int32_t *unknown, const int64_t *nowhere, float *scores)
{
    const mn_shape image = mn_dataset_image(mn_stream_dataset(learner->stream));
    const mn_row_type type = mn_learner_row_type(learner);
    const float *host;
    MN_TRY(mn_transform_apply(&learner->plain, image, count, type, pixels, mn_key_of(0, "plain"),
                              NULL, x));
    const mn_batch question = {.count = count,
                               .stream_rows = count,
                               .image = image,
                               .x = x,
                               .pixels = pixels,
                               .labels = unknown,
                               .tasks = unknown,
                               .indices = nowhere,
                               .slots = nowhere,
                               .type = type};
    mn_learner_begin_step(learner);
    mn_var *answered = scores_of(learner, &question);
    MN_TRY(mn_learner_leave(learner, MN_OK));
    MN_TRY(mn_values(answered, &host));
    memcpy(scores, host, (size_t)(count * mn_stream_classes(learner->stream)) * sizeof *scores);
    return MN_OK;
}

mn_status mn_learner_answer(mn_learner *learner, const uint8_t *pixels, int64_t count,
                            float *scores)
{
    const int64_t values = mn_shape_count(mn_dataset_image(mn_stream_dataset(learner->stream)));
    float *x = mn_memory_take((size_t)(count * values), sizeof *x);
    int32_t *unknown = mn_memory_take((size_t)count, sizeof *unknown);
    int64_t *nowhere = mn_memory_take((size_t)count, sizeof *nowhere);
    mn_status status = x != NULL && unknown != NULL && nowhere != NULL
                           ? MN_OK
                           : mn_fail(MN_NO_MEMORY, "out of memory for an answer");
    for (int64_t i = 0; i < count && status == MN_OK; i++) {
        unknown[i] = MN_UNLABELLED;
        nowhere[i] = MN_NO_INDEX;
    }
    mn_tape_record(learner->tape, false);
    if (status == MN_OK)
        status = answer(learner, pixels, count, x, unknown, nowhere, scores);
    mn_tape_record(learner->tape, true);
    mn_memory_give(x);
    mn_memory_give(unknown);
    mn_memory_give(nowhere);
    return status;
}

/* --- validation images --- */

/* -log softmax(scores)[label] among the first so many classes. */
static double loss_of(const float *scores, int64_t label, int64_t seen)
{
    double sum = 0;
    const double most = (double)scores[mn_argmax(scores, seen)];
    for (int64_t i = 0; i < seen; i++)
        sum += exp((double)scores[i] - most);
    return log(sum) + most - (double)scores[label];
}

static mn_status score_validation(mn_learner *learner, float *scores, mn_validation *validation)
{
    const int64_t task = learner->cursor.task, classes = mn_stream_classes(learner->stream);
    const int64_t seen = mn_classes(learner, MN_SEEN).count;
    const mn_stream_view view = mn_stream_view_of(learner->stream, MN_PART_VALIDATION, task);
    const int32_t *labels = mn_stream_labels(learner->stream, MN_PART_VALIDATION);
    mn_tally count = {0, 0, 0};
    MN_TRY(mn_learner_before_scores(learner));
    MN_TRY(mn_learner_score(learner, MN_PART_VALIDATION, task, seen, &count, scores));
    double loss = 0;
    for (int64_t i = 0; i < view.count; i++)
        loss += loss_of(scores + i * classes, labels[view.indices[i]], seen);
    *validation = (mn_validation){view.count, 100 * (double)count.seen / (double)count.total,
                                  loss / (double)view.count};
    return MN_OK;
}

mn_status mn_learner_validate(mn_learner *learner, mn_validation *validation)
{
    const int64_t classes = mn_stream_classes(learner->stream);
    const int64_t images =
        mn_stream_view_of(learner->stream, MN_PART_VALIDATION, learner->cursor.task).count;
    const int current = learner->current;
    float *scores = mn_memory_take((size_t)(images * classes + 1), sizeof *scores);
    if (scores == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a validation");
    const mn_status status = score_validation(learner, scores, validation);
    mn_memory_give(scores);
    learner->current = current;
    return status;
}
