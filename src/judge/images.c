/* images.c -- images of one class, collected and looked at.
 *
 * Classes are taken one after another: only one class's images are in memory. */
#include "judge/images.h"
#include "data/stream/stream.h"
#include "store/runfile.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <string.h>

enum { MOST_REAL = 200 }; /* of a class: more change a mean by little */

int64_t mn_judge_pixels(const mn_rebuilt *run)
{
    return run->dataset->channels * run->dataset->height * run->dataset->width;
}

mn_row_type mn_judge_row_type(const mn_rebuilt *run)
{
    return run->dataset->type == MN_ROW_U8 ? MN_ROW_U8 : MN_ROW_F32; /* as batches have it */
}

size_t mn_judge_row_bytes(const mn_rebuilt *run)
{
    return mn_row_bytes(mn_judge_row_type(run), mn_judge_pixels(run));
}

void mn_judge_free_images(mn_judge_images *i)
{
    mn_memory_give(i->pixels);
    mn_memory_give(i->unit);
    mn_memory_give(i->features);
    mn_memory_give(i->scores);
    *i = (mn_judge_images){0};
}

mn_status mn_judge_add_image(mn_judge_images *to, const uint8_t *pixels, size_t bytes)
{
    if (to->count == to->room) {
        const int64_t room = to->room > 0 ? 2 * to->room : 64;
        uint8_t *larger = mn_memory_resize(to->pixels, (size_t)room * bytes, 1);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for %lld images", (long long)room);
        to->pixels = larger;
        to->room = room;
    }
    memcpy(to->pixels + (size_t)to->count++ * bytes, pixels, bytes);
    return MN_OK;
}

/* Called for each image of the class; `place` is the image's place in the data set's part. */
typedef mn_status on_image(void *context, const uint8_t *pixels, int64_t place);

/* A class's images of a part, in stored order. */
static mn_status each_image(const mn_rebuilt *run, mn_part part, int32_t label, on_image *take,
                            void *context)
{
    const int64_t task = mn_stream_task_of(run->stream, label);
    const size_t bytes = mn_judge_row_bytes(run);
    const mn_transform plain = mn_transform_plain(&run->transform);
    mn_loader *loader;
    MN_TRY(mn_loader_new(run->stream, part, task, task, 100, &plain, &loader));
    mn_status status = mn_loader_shuffle(loader, NULL);
    for (int64_t i = 0; i < mn_loader_batches(loader) && status == MN_OK; i++) {
        const mn_batch *batch;
        status = mn_loader_batch(loader, i, &batch);
        for (int64_t row = 0; status == MN_OK && row < batch->count; row++)
            if (mn_stream_true_label(run->stream, part, batch->indices[row]) == label)
                status = take(context, batch->pixels + (size_t)row * bytes, batch->indices[row]);
    }
    mn_loader_free(loader);
    return status;
}

typedef struct collection {
    mn_judge_images *to;
    size_t bytes;         /* of an image */
    int64_t most;         /* mn_judge_images */
    const bool *left_out; /* by place; NULL: none */
} collection;

static mn_status collect_image(void *context, const uint8_t *pixels, int64_t place)
{
    const collection *c = context;
    if (c->to->count == c->most || (c->left_out != NULL && c->left_out[place]))
        return MN_OK;
    return mn_judge_add_image(c->to, pixels, c->bytes);
}

mn_status mn_judge_collect_train(const mn_rebuilt *run, int32_t label, mn_judge_images *to)
{
    collection c = {to, mn_judge_row_bytes(run), INT64_MAX, NULL};
    return each_image(run, MN_PART_TRAIN, label, collect_image, &c);
}

static mn_status mark(void *context, const uint8_t *pixels, int64_t place)
{
    (void)pixels;
    bool *marks = context;
    marks[place] = true;
    return MN_OK;
}

mn_status mn_judge_collect_real(const mn_rebuilt *run, const mn_rebuilt *judge, int32_t label,
                                mn_judge_images *to)
{
    collection c = {to, mn_judge_row_bytes(run), MOST_REAL, NULL};
    const mn_run_settings *settings = mn_experiment_settings(run->experiment);
    if (settings->validation == 0 || settings->validation_beside)
        return each_image(run, MN_PART_TEST, label, collect_image, &c);
    bool *trained = mn_memory_take_zeroed((size_t)run->dataset->train.count, sizeof *trained);
    if (trained == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld marks",
                       (long long)run->dataset->train.count);
    c.left_out = trained;
    mn_status status = each_image(judge, MN_PART_TRAIN, label, mark, trained);
    if (status == MN_OK)
        status = each_image(run, MN_PART_VALIDATION, label, collect_image, &c);
    mn_memory_give(trained);
    return status;
}

/* One batch of `rows` images from `first` on; x: (rows, image), scratch. */
static mn_status look_at_batch(const mn_rebuilt *judge, mn_judge_images *seen, int64_t first,
                               int64_t rows, float *x)
{
    mn_learner *learner = judge->learner;
    const mn_dataset *data = judge->dataset;
    const mn_shape image = mn_dataset_image(data);
    const int64_t pixels = mn_shape_count(image), classes = mn_stream_classes(judge->stream);
    const mn_row_type type = mn_judge_row_type(judge);
    const mn_shape shape = MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]);
    MN_TRY(mn_transform_apply(&learner->plain, image, rows, type,
                              seen->pixels + mn_row_bytes(type, first * pixels),
                              mn_key_of(0, "plain"), NULL, x));
    mn_learner_begin_step(learner);
    const mn_forwarded out =
        mn_network_forward(mn_learner_network(learner), mn_input(learner->tape, shape, x, false),
                           MN_EVAL | MN_NO_GRADIENT);
    const float *features, *scores;
    mn_status status = mn_values(out.features, &features);
    if (status == MN_OK)
        status = mn_values(out.logits, &scores);
    if (status != MN_OK)
        return mn_fail_in(status, "%s", mn_runfile_path(judge->file));
    const int64_t width = mn_shape_count(mn_shape_of(out.features)) / rows;
    memcpy(seen->features + first * width, features, (size_t)(rows * width) * sizeof *features);
    memcpy(seen->scores + first * classes, scores, (size_t)(rows * classes) * sizeof *scores);
    return MN_OK;
}

mn_status mn_judge_look(const mn_rebuilt *judge, int64_t width, mn_judge_images *seen)
{
    const int64_t classes = mn_stream_classes(judge->stream), most = 100;
    const int64_t pixels = mn_judge_pixels(judge);
    const size_t count = (size_t)(seen->count > 0 ? seen->count : 1);
    float *x = mn_memory_take((size_t)(most * pixels), sizeof *x);
    seen->unit = mn_memory_take(count * (size_t)pixels, sizeof *seen->unit);
    seen->features = mn_memory_take(count * (size_t)width, sizeof *seen->features);
    seen->scores = mn_memory_take(count * (size_t)classes, sizeof *seen->scores);
    mn_status status =
        x != NULL && seen->unit != NULL && seen->features != NULL && seen->scores != NULL
            ? MN_OK
            : mn_fail(MN_NO_MEMORY, "out of memory for what a judge sees");
    if (status == MN_OK)
        mn_rows_to_unit(&judge->learner->plain, mn_dataset_image(judge->dataset), seen->count,
                        mn_judge_row_type(judge), seen->pixels, seen->unit);
    for (int64_t first = 0; first < seen->count && status == MN_OK; first += most)
        status = look_at_batch(judge, seen, first,
                               seen->count - first < most ? seen->count - first : most, x);
    mn_memory_give(x);
    return status;
}
