/* loader.c -- one part of some tasks, in batches, in any order.
 *
 * An order is a permutation looked up from a key, so the i-th batch of an epoch can be asked for
 * at any time: a resumed run starts in the middle of an epoch without walking there. */
#include "data/stream/batch.h"
#include "data/stream/pixel_map.h"
#include "data/stream/row.h"
#include "data/stream/stream.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <string.h>

struct mn_loader {
    const mn_stream *stream;
    mn_transform transform;
    mn_part part;
    int64_t first_task, tasks, batch;
    mn_stream_view *view; /* (tasks) */
    int64_t *start;       /* (tasks + 1) position of each task's first image */
    int32_t *maps;        /* (tasks, height, width) where pixels come from; NULL: they stay */
    const float *angles;  /* of every image, by place; maps is then that of one image */
    uint8_t *image;       /* a row as it comes, where batches have it otherwise; else NULL */
    int64_t *order;       /* (images) positions; NULL until first shuffled */
    bool shuffled;
    mn_key augmentation;
    float *wide; /* (image) of a row of floats whose pixels move; else NULL */
    mn_batch_space space;
};

static mn_status check(const mn_stream *stream, int64_t first_task, int64_t last_task,
                       int64_t batch, const mn_transform *transform)
{
    const mn_dataset *dataset = mn_stream_dataset(stream);
    const int64_t tasks = mn_stream_tasks(stream);
    if (first_task < 0 || last_task < first_task || last_task >= tasks)
        return mn_fail(MN_BAD_VALUE, "tasks %lld to %lld of a stream of %lld",
                       (long long)first_task, (long long)last_task, (long long)tasks);
    if (batch < 1)
        return mn_fail(MN_BAD_OPTION, "batch: %lld is below 1", (long long)batch);
    return mn_transform_check(transform, dataset);
}

static mn_status find_images(mn_loader *loader)
{
    static const char *const names[] = {"training", "validation", "test", "labelled", "training"};
    loader->view = mn_memory_take_zeroed((size_t)loader->tasks, sizeof *loader->view);
    loader->start = mn_memory_take_zeroed((size_t)loader->tasks + 1, sizeof *loader->start);
    if (loader->view == NULL || loader->start == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a loader");
    for (int64_t t = 0; t < loader->tasks; t++) {
        loader->view[t] = mn_stream_view_of(loader->stream, loader->part, loader->first_task + t);
        loader->start[t + 1] = loader->start[t] + loader->view[t].count;
    }
    return loader->start[loader->tasks] > 0
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "there are no %s images in this stream%s",
                         names[loader->part],
                         loader->part == MN_PART_VALIDATION ? "; set validation above 0" : "");
}

/* Memory for a row on its way, where it does not come as batches have it. */
static mn_status take_room(mn_loader *loader)
{
    const mn_dataset *dataset = mn_stream_dataset(loader->stream);
    const int64_t values = mn_shape_count(mn_dataset_image(dataset));
    const bool moves = loader->maps != NULL, floats = dataset->type != MN_ROW_U8;
    if (!moves && dataset->type != MN_ROW_F16)
        return MN_OK;
    loader->image = mn_memory_take(mn_row_bytes(dataset->type, values), 1);
    if (moves && floats)
        loader->wide = mn_memory_take((size_t)values, sizeof *loader->wide);
    return loader->image != NULL && (loader->wide != NULL || !(moves && floats))
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for a loader");
}

static mn_status find_maps(mn_loader *loader)
{
    loader->angles = mn_stream_angles(loader->stream, loader->part);
    if (!mn_stream_moves_pixels(loader->stream) && loader->angles == NULL)
        return MN_OK;
    const mn_dataset *dataset = mn_stream_dataset(loader->stream);
    const int64_t plane = dataset->height * dataset->width;
    loader->maps = mn_memory_take_zeroed((size_t)(loader->tasks * plane), sizeof *loader->maps);
    if (loader->maps == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a loader");
    for (int64_t t = 0; t < loader->tasks && loader->angles == NULL; t++)
        mn_stream_pixel_map(loader->stream, loader->first_task + t, loader->maps + t * plane);
    return MN_OK;
}

mn_status mn_loader_new(const mn_stream *stream, mn_part part, int64_t first_task,
                        int64_t last_task, int64_t batch, const mn_transform *transform,
                        mn_loader **loader)
{
    MN_TRY(check(stream, first_task, last_task, batch, transform));
    mn_loader *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a loader");
    made->stream = stream;
    made->transform = *transform;
    made->part = part;
    made->first_task = first_task;
    made->tasks = last_task - first_task + 1;
    made->batch = batch;
    mn_status status = find_images(made);
    if (status == MN_OK)
        status = find_maps(made);
    if (status == MN_OK)
        status = take_room(made);
    if (status != MN_OK) {
        mn_loader_free(made);
        return status;
    }
    *loader = made;
    return MN_OK;
}

void mn_loader_free(mn_loader *loader)
{
    if (loader == NULL)
        return;
    mn_memory_give(loader->view);
    mn_memory_give(loader->start);
    mn_memory_give(loader->maps);
    mn_memory_give(loader->image);
    mn_memory_give(loader->order);
    mn_memory_give(loader->wide);
    mn_batch_space_free(&loader->space);
    mn_memory_give(loader);
}

int64_t mn_loader_images(const mn_loader *loader)
{
    return loader->start[loader->tasks];
}

int64_t mn_loader_batches(const mn_loader *loader)
{
    return (mn_loader_images(loader) - 1) / loader->batch + 1;
}

mn_status mn_loader_shuffle(mn_loader *loader, const mn_key *key)
{
    const int64_t images = mn_loader_images(loader);
    loader->shuffled = key != NULL;
    if (key == NULL)
        return MN_OK;
    if (loader->order == NULL)
        loader->order = mn_memory_take_zeroed((size_t)images, sizeof *loader->order);
    if (loader->order == NULL) {
        loader->shuffled = false;
        return mn_fail(MN_NO_MEMORY, "out of memory for an order of %lld images",
                       (long long)images);
    }
    mn_random_permutation(*key, images, loader->order);
    return MN_OK;
}

void mn_loader_augment(mn_loader *loader, mn_key key)
{
    loader->augmentation = key;
}

/* The task, counted from the loader's first, in which `position` lies. */
static int64_t task_at(const mn_loader *loader, int64_t position)
{
    int64_t low = 0, high = loader->tasks - 1;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (position < loader->start[middle + 1])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void move_bytes(const int32_t *map, int64_t channels, int64_t plane, const uint8_t *from,
                       uint8_t *to)
{
    for (int64_t channel = 0; channel < channels; channel++)
        for (int64_t i = 0; i < plane; i++)
            to[channel * plane + i] = map[i] >= 0 ? from[channel * plane + map[i]] : 0;
}

static void move_floats(const int32_t *map, int64_t channels, int64_t plane, const float *from,
                        float *to)
{
    for (int64_t channel = 0; channel < channels; channel++)
        for (int64_t i = 0; i < plane; i++)
            to[channel * plane + i] = map[i] >= 0 ? from[channel * plane + map[i]] : 0;
}

/* The row in loader->image, as batches have it, its pixels moved where the stream moves them. */
static void place_row(const mn_loader *loader, int64_t task, uint8_t *to)
{
    const mn_dataset *dataset = mn_stream_dataset(loader->stream);
    const int64_t plane = dataset->height * dataset->width, values = dataset->channels * plane;
    const int32_t *map = loader->maps != NULL ? loader->maps + task * plane : NULL;
    float *floats = (float *)(void *)to;
    if (dataset->type == MN_ROW_U8) {
        move_bytes(map, dataset->channels, plane, loader->image, to);
    } else if (map == NULL) {
        mn_row_widen(dataset->type, loader->image, values, floats);
    } else {
        mn_row_widen(dataset->type, loader->image, values, loader->wide);
        move_floats(map, dataset->channels, plane, loader->wide, floats);
    }
}

static mn_status fill_row(mn_loader *loader, int64_t row, int64_t position, int64_t pixels)
{
    const mn_dataset *dataset = mn_stream_dataset(loader->stream);
    const mn_images *images = loader->part == MN_PART_TEST ? &dataset->test : &dataset->train;
    const int64_t task = task_at(loader, position);
    const int64_t index = loader->view[task].indices[position - loader->start[task]];
    mn_batch_space *space = &loader->space;
    uint8_t *to = space->pixels + mn_row_bytes(space->type, row * pixels);
    space->labels[row] = mn_stream_labels(loader->stream, loader->part)[index];
    space->tasks[row] = (int32_t)(loader->first_task + task);
    space->indices[row] = index;
    if (loader->image == NULL)
        return mn_dataset_pixels(dataset, images, index, to);
    MN_TRY(mn_dataset_pixels(dataset, images, index, loader->image));
    if (loader->angles != NULL)
        mn_rotation_map((double)loader->angles[index], dataset->height, dataset->width,
                        loader->maps);
    place_row(loader, task, to);
    return MN_OK;
}

/* The `rows` images at `places`, or, without those, the ones from `first` on. */
static mn_status fill(mn_loader *loader, const int64_t *places, int64_t first, int64_t rows,
                      const mn_batch **batch)
{
    const mn_dataset *dataset = mn_stream_dataset(loader->stream);
    const mn_shape image = mn_dataset_image(dataset);
    mn_batch_space *space = &loader->space;
    MN_TRY(mn_batch_space_prepare(space, image, mn_row_type_in_batches(dataset->type), rows));
    for (int64_t row = 0; row < rows; row++)
        MN_TRY(fill_row(loader, row, places != NULL ? places[row] : first + row,
                        mn_shape_count(image)));
    MN_TRY(
        mn_batch_space_transform(space, &loader->transform, loader->augmentation, space->indices));
    space->batch.stream_rows = rows;
    *batch = &space->batch;
    return MN_OK;
}

mn_status mn_loader_rows(mn_loader *loader, const int64_t *places, int64_t count,
                         const mn_batch **batch)
{
    const int64_t images = mn_loader_images(loader);
    for (int64_t i = 0; i < count; i++)
        if (places[i] < 0 || places[i] >= images)
            return mn_fail(MN_BAD_VALUE, "image %lld of %lld", (long long)places[i],
                           (long long)images);
    return fill(loader, places, 0, count, batch);
}

/* Where the i-th batch begins.  A single image left for the last batch would have no variance, so
 * the last two batches then share their images. */
static int64_t first_of(const mn_loader *loader, int64_t i)
{
    const bool one_left = mn_loader_images(loader) % loader->batch == 1;
    const bool last = i > 0 && i == mn_loader_batches(loader) - 1;
    return i * loader->batch - (one_left && last ? (loader->batch - 1) / 2 : 0);
}

mn_status mn_loader_batch(mn_loader *loader, int64_t i, const mn_batch **batch)
{
    const int64_t images = mn_loader_images(loader), batches = mn_loader_batches(loader);
    if (i < 0 || i >= batches)
        return mn_fail(MN_BAD_VALUE, "batch %lld of %lld", (long long)i, (long long)batches);
    const int64_t first = first_of(loader, i);
    const int64_t next = i == batches - 1 ? images : first_of(loader, i + 1);
    return fill(loader, loader->shuffled ? loader->order + first : NULL, first, next - first,
                batch);
}
