/* select.c -- the end of a task for buffer policies that choose from all of its data (herding): the
 * runner forwards the task's training images and hands features and logits in. */
#include "learner/select.h"
#include "buffer/storage.h"
#include "data/stream/row.h"
#include "learner/learner.h"
#include "learner/lost.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <string.h>

typedef struct collected {
    mn_batch_space rows;
    float *features; /* (count, width) */
    int64_t width;
} collected;

static mn_status collect_batch(mn_learner *learner, const mn_batch *batch, int64_t at,
                               collected *all, float *logits)
{
    const size_t n = (size_t)batch->count;
    const mn_out *out = mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT);
    const float *features, *scores;
    mn_status status = mn_values(out->features, &features);
    if (status == MN_OK)
        status = mn_values(out->logits, &scores);
    if (status != MN_OK)
        return mn_fail_in(status, "selecting exemplars");
    const int64_t width = mn_shape_of(out->features).size[1];
    const size_t classes = (size_t)mn_stream_classes(learner->stream);
    if (all->features == NULL) {
        all->width = width;
        all->features = mn_memory_take((size_t)(all->rows.batch.count * width), sizeof(float));
        if (all->features == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for the features of a task");
    }
    memcpy(all->features + at * width, features, n * (size_t)width * sizeof(float));
    if (logits != NULL)
        memcpy(logits + (size_t)at * classes, scores, n * classes * sizeof(float));
    for (int64_t row = 0; row < batch->count; row++)
        mn_batch_space_copy_row(&all->rows, at + row, batch, row);
    return MN_OK;
}

static mn_status collect(mn_learner *learner, mn_loader *loader, collected *all)
{
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    const mn_shape image = mn_dataset_image(data);
    float *logits = NULL;
    const mn_task_info info = mn_stream_task(learner->stream, learner->cursor.task);
    MN_TRY(mn_batch_space_prepare(&all->rows, image, mn_row_type_in_batches(data->type),
                                  info.labelled));
    all->rows.batch.stream_rows = all->rows.batch.count;
    MN_TRY(
        mn_batch_space_column(&all->rows, "logits", mn_stream_classes(learner->stream), &logits));
    MN_TRY(mn_loader_shuffle(loader, NULL));
    int64_t at = 0;
    for (int64_t i = 0; i < mn_loader_batches(loader); i++) {
        const mn_batch *batch;
        MN_TRY(mn_loader_batch(loader, i, &batch));
        mn_learner_begin_step(learner);
        MN_TRY(collect_batch(learner, batch, at, all, logits));
        at += batch->count;
    }
    return MN_OK;
}

mn_status mn_learner_select(mn_learner *learner)
{
    if (learner->buffer == NULL || mn_buffer_policy_of(learner->buffer)->select == NULL)
        return MN_OK;
    const int64_t task = learner->cursor.task;
    const mn_task_info info = mn_stream_task(learner->stream, task);
    mn_loader *loader;
    MN_TRY(mn_loader_new(learner->stream, MN_PART_LABELLED, task, task,
                         learner->settings->eval_batch, &learner->plain, &loader));
    collected all = {.features = NULL};
    mn_tape_record(learner->tape, false);
    mn_status status = collect(learner, loader, &all);
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    const mn_selection selection = {.rows = &all.rows.batch,
                                    .features = all.features,
                                    .width = all.width,
                                    .first_class = info.first_class,
                                    .classes = info.classes};
    if (status == MN_OK)
        status = mn_buffer_select(learner->buffer, &selection);
    if (status == MN_OK)
        status = mn_learner_tell_lost(learner);
    mn_memory_give(all.features);
    mn_batch_space_free(&all.rows);
    mn_loader_free(loader);
    return status;
}
