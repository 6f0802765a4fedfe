/* images.c -- between batches and pixels in [0,1], where generators work.
 *
 * Images that a network made are normalised here in floats, for whatever the network that learns
 * from them wants to see.  Their bytes are rounded, for those who look at them. */
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/services/random.h"
#include "store/records.h"
#include "store/samples.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <string.h>

mn_var *mn_pixels(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const int64_t pixels = mn_shape_count(mn_dataset_image(mn_stream_dataset(learner->stream))),
                  count = batch->count * pixels;
    const mn_shape shape = MN_SHAPE(batch->count, pixels);
    float *unit = mn_memory_take((size_t)count, sizeof *unit);
    if (unit == NULL) {
        mn_learner_remember_failure(learner, mn_fail(MN_NO_MEMORY, "out of memory for pixels"));
        return mn_zeros(tape, shape);
    }
    mn_rows_to_unit(&learner->plain, batch->image, batch->count, batch->type, batch->pixels, unit);
    mn_var *made = mn_input(tape, shape, unit, false);
    mn_memory_give(unit);
    return made;
}

static mn_status label_rows(mn_learner *learner, mn_network *labeller, mn_range classes,
                            mn_batch_space *space)
{
    const int64_t rows = space->batch.count, width = mn_stream_classes(learner->stream);
    for (int64_t i = 0; i < rows; i++)
        space->labels[i] = MN_UNLABELLED;
    if (labeller == NULL || rows == 0)
        return MN_OK;
    const mn_shape image = space->batch.image;
    const mn_shape shape = MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]);
    mn_var *x = mn_input(learner->tape, shape, space->x, false);
    mn_var *logits = mn_network_forward(labeller, x, MN_EVAL | MN_NO_GRADIENT).logits;
    const float *scores; /* (rows, width) */
    MN_TRY(mn_values(logits, &scores));
    for (int64_t i = 0; i < rows; i++)
        space->labels[i] =
            (int32_t)(classes.first + mn_argmax(scores + i * width + classes.first, classes.count));
    return MN_OK;
}

static mn_status fill(mn_learner *learner, mn_var *images, mn_network *labeller, mn_range classes,
                      mn_batch_space **filled)
{
    const mn_shape image = mn_dataset_image(mn_stream_dataset(learner->stream)),
                   shape = mn_shape_of(images);
    const int64_t pixels = mn_shape_count(image), rows = mn_rows_of(images);
    char text[64];
    MN_TRY(mn_learner_space(learner, filled));
    mn_batch_space *space = *filled;
    const float *unit;
    MN_TRY(mn_values(images, &unit));
    if (mn_shape_count(shape) != rows * pixels)
        return mn_fail(MN_BAD_SHAPE, "generated images are %s, expected (B,%lld)",
                       mn_shape_text(shape, text), (long long)pixels);
    MN_TRY(mn_batch_space_prepare(space, image, mn_learner_row_type(learner), rows));
    mn_transform_unit(&learner->plain, image, rows, unit, space->x);
    mn_rows_from_unit(&learner->plain, image, rows, unit, space->type, space->pixels);
    MN_TRY(label_rows(learner, labeller, classes, space));
    for (int64_t i = 0; i < rows; i++)
        space->tasks[i] = mn_learner_task_of(learner, space->labels[i]);
    return MN_OK;
}

const mn_batch *mn_plain_images(mn_learner *learner, mn_var *images, mn_network *labeller,
                                mn_range classes)
{
    mn_batch_space *space = NULL;
    const mn_status status = fill(learner, images, labeller, classes, &space);
    return mn_learner_batch(learner, status, space);
}

/* --- images as training sees them, and to be looked at --- */

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

static mn_status fill_augmented(mn_learner *learner, const char *name, mn_var *images,
                                const int32_t *labels, mn_batch_space **filled)
{
    const mn_shape image = mn_dataset_image(mn_stream_dataset(learner->stream));
    const int64_t count = mn_rows_of(images), pixels = mn_shape_count(image);
    MN_TRY(mn_learner_space(learner, filled));
    mn_batch_space *space = *filled;
    const float *x;
    MN_TRY(mn_values(images, &x));
    MN_TRY(check_images(mn_shape_of(images), image));
    MN_TRY(mn_batch_space_prepare(space, image, mn_learner_row_type(learner), count));
    for (int64_t i = 0; i < count; i++) {
        mn_transform_invert(learner->transform, image, x + i * pixels, space->type,
                            space->pixels + mn_row_bytes(space->type, i * pixels));
        space->labels[i] = labels[i];
        space->tasks[i] = mn_learner_task_of(learner, labels[i]);
    }
    return mn_batch_space_transform(space, learner->transform,
                                    mn_learner_key(learner, "generated", name), NULL);
}

const mn_batch *mn_augmented_images(mn_learner *learner, const char *name, mn_var *images,
                                    const int32_t *labels)
{
    mn_batch_space *space = NULL;
    const mn_status status = fill_augmented(learner, name, images, labels, &space);
    return mn_learner_batch(learner, status, space);
}

mn_status mn_keep_samples(mn_learner *learner, const mn_batch *batch)
{
    const int64_t pixels = mn_shape_count(batch->image);
    for (int64_t i = 0; i < batch->count; i++) {
        int64_t place = 0;
        for (int64_t before = 0; before < i; before++)
            place += batch->labels[before] == batch->labels[i];
        MN_TRY(mn_runfile_put_sample(learner->file, learner->cursor.task, batch->labels[i], place,
                                     batch->pixels + mn_row_bytes(batch->type, i * pixels),
                                     mn_row_bytes(batch->type, pixels)));
    }
    return MN_OK;
}

mn_status mn_note(mn_learner *learner, const char *name, double value)
{
    const mn_scalar_place place = {.step = learner->cursor.step,
                                   .task = learner->cursor.task,
                                   .phase = mn_learner_current_name(learner)};
    return mn_runfile_add_scalar(learner->file, &place, name, value);
}
