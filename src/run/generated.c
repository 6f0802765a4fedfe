/* generated.c -- images that a network has made: as rows to train on, and to be looked at.
 *
 * They become bytes first, so that all that happens to images of the data can happen to them. */
#include "data/stream.h"
#include "run/learner.h"

static int32_t task_of(const mn_learner *learner, int32_t label)
{
    for (int32_t task = 0; task < mn_stream_tasks(learner->stream); task++) {
        const mn_task_info info = mn_stream_task(learner->stream, task);
        if (label >= info.first_class && label < info.first_class + info.classes)
            return task;
    }
    return 0;
}

static mn_status check_images(mn_shape found, mn_shape image)
{
    char a[64], b[64];
    bool equal = found.rank == image.rank + 1;
    for (int i = 0; i < image.rank && equal; i++)
        equal = found.size[i + 1] == image.size[i];
    return equal ? MN_OK
                 : mn_fail(MN_BAD_SHAPE, "generated images are %s, expected rows of %s",
                           mn_shape_text(found, a), mn_shape_text(image, b));
}

static mn_status fill(const mn_learner *learner, mn_var *images, const int32_t *labels,
                      mn_shape image, mn_batch_space *space)
{
    const int64_t count = mn_rows_of(images), pixels = mn_shape_count(image);
    const float *x = mn_host(images);
    if (x == NULL)
        return mn_fail(mn_tape_status(learner->tape), "%s", mn_tape_error(learner->tape));
    MN_TRY(check_images(mn_shape_of(images), image));
    MN_TRY(mn_batch_space_prepare(space, image, count));
    for (int64_t i = 0; i < count; i++) {
        mn_transform_bytes(learner->transform, image, x + i * pixels, space->pixels + i * pixels);
        space->labels[i] = labels[i];
        space->tasks[i] = task_of(learner, labels[i]);
    }
    return MN_OK;
}

const mn_batch *mn_generated(mn_learner *learner, const char *name, mn_var *images,
                             const int32_t *labels)
{
    mn_batch_space *space = mn_learner_space(learner);
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    const mn_shape image = MN_SHAPE(data->channels, data->height, data->width);
    const mn_status status = fill(learner, images, labels, image, space);
    if (status != MN_OK) {
        mn_learner_remember_failure(learner, status);
        space->batch.count = 0;
        return &space->batch;
    }
    mn_transform_apply(learner->transform, image, space->batch.count, space->pixels,
                       mn_learner_key(learner, "generated", name), NULL, space->x);
    return &space->batch;
}

mn_status mn_keep_samples(mn_learner *learner, const mn_batch *batch)
{
    const int64_t pixels = mn_shape_count(batch->image);
    for (int64_t i = 0; i < batch->count; i++) {
        int64_t place = 0;
        for (int64_t before = 0; before < i; before++)
            place += batch->labels[before] == batch->labels[i];
        MN_TRY(mn_runfile_put_sample(learner->file, learner->cursor.task, batch->labels[i], place,
                                     batch->pixels + i * pixels, (size_t)pixels));
    }
    return MN_OK;
}

mn_status mn_note(mn_learner *learner, const char *name, double value)
{
    return mn_runfile_add_scalar(learner->file, learner->cursor.step, learner->cursor.task,
                                 learner->member[learner->current].strategy->name, name, value);
}
