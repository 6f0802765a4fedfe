/* preview.c -- what training will see of an experiment's images, drawn. */
#include "base/escape.h"
#include "data/sheet/sheet.h"
#include "data/stream/batch.h"
#include "data/stream/stream.h"
#include "experiment/data.h"

#include <mneme/memory.h>
#include <mneme/random.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <string.h>

enum { FULL_VIEWS = 9, LABEL_BYTES = 25 };

typedef struct viewer {
    const mn_experiment *experiment;
    const mn_dataset *dataset;
    const mn_stream *stream;
    mn_transform transform;
    mn_shape image;
    mn_sheet *sheet;
    mn_sheet_kind kind;
    bool augmented, views; /* rows that are drawn */
    float *x;              /* (MN_SHEET_COLUMNS, image) */
    uint8_t *pixels;       /* (image) */
} viewer;

/* The first training images of each class of a task, as far as there are so many. */
typedef struct examples {
    uint8_t *pixels; /* (classes, MN_SHEET_COLUMNS, image) */
    int64_t *index;  /* (classes, MN_SHEET_COLUMNS) */
    int64_t *count;  /* (classes) */
    bool *noised;    /* (classes, MN_SHEET_COLUMNS) its label is wrong */
} examples;

static mn_status collect(const viewer *v, int64_t task, mn_task_info info, examples *e)
{
    const size_t bytes = (size_t)mn_shape_count(v->image);
    const mn_transform plain = mn_transform_plain(&v->transform);
    mn_loader *loader;
    MN_TRY(mn_loader_new(v->stream, MN_PART_TRAIN, task, task, 100, &plain, &loader));
    mn_status status = mn_loader_shuffle(loader, NULL);
    for (int64_t i = 0; i < mn_loader_batches(loader) && status == MN_OK; i++) {
        const mn_batch *batch;
        status = mn_loader_batch(loader, i, &batch);
        for (int64_t row = 0; status == MN_OK && row < batch->count; row++) {
            const int64_t c = batch->labels[row] - info.first_class;
            if (batch->labels[row] < 0 || e->count[c] == MN_SHEET_COLUMNS)
                continue;
            const int64_t at = c * MN_SHEET_COLUMNS + e->count[c]++;
            const mn_batch one = mn_batch_row(batch, row);
            mn_rows_to_unit(&plain, v->image, 1, one.type, one.pixels, v->x);
            mn_rows_from_unit(&plain, v->image, 1, v->x, MN_ROW_U8, e->pixels + (size_t)at * bytes);
            e->index[at] = batch->indices[row];
            e->noised[at] = mn_stream_noised(v->stream, batch->indices[row]);
        }
    }
    mn_loader_free(loader);
    return status;
}

/* The image as it came, then as it is seen in the first epochs. */
static mn_status draw_views(const viewer *v, int64_t task, const uint8_t *pixels, int64_t index)
{
    const mn_run_settings *settings = mn_experiment_settings(v->experiment);
    MN_TRY(mn_sheet_image(v->sheet, pixels, -1));
    for (int64_t epoch = 0; epoch < MN_SHEET_COLUMNS - 1; epoch++) {
        const mn_key key = mn_epoch_key(settings->seed, "stream.augment", task, 0, epoch);
        MN_TRY(
            mn_transform_apply(&v->transform, v->image, 1, MN_ROW_U8, pixels, key, &index, v->x));
        mn_transform_invert(&v->transform, v->image, v->x, MN_ROW_U8, v->pixels);
        MN_TRY(mn_sheet_image(v->sheet, v->pixels, -1));
    }
    return MN_OK;
}

/* A view in the middle of an image's place. */
static mn_status draw_framed(const viewer *v, mn_shape view, const uint8_t *pixels)
{
    const int64_t height = view.size[1], width = view.size[2];
    const int64_t top = (v->image.size[1] - height) / 2, left = (v->image.size[2] - width) / 2;
    memset(v->pixels, 255, (size_t)mn_shape_count(v->image));
    for (int64_t channel = 0; channel < view.size[0]; channel++)
        for (int64_t y = 0; y < height; y++)
            memcpy(v->pixels + (channel * v->image.size[1] + top + y) * v->image.size[2] + left,
                   pixels + (channel * height + y) * width, (size_t)width);
    return mn_sheet_image(v->sheet, v->pixels, -1);
}

static mn_status draw_random_views(const viewer *v, const mn_view_spec *spec, int64_t count,
                                   mn_key key, const uint8_t *pixels)
{
    const mn_shape view = mn_view_shape(spec, v->image);
    const int64_t values = mn_shape_count(view);
    uint8_t shown[1 << 16];
    if (values > (int64_t)sizeof shown)
        return mn_fail(MN_UNSUPPORTED, "views of more than %zu values are not drawn", sizeof shown);
    MN_TRY(mn_views_apply(spec, &v->transform, v->image, 1, MN_ROW_U8, pixels, count, key, v->x));
    for (int64_t i = 0; i < count; i++) {
        mn_transform_invert(&v->transform, view, v->x + i * values, MN_ROW_U8, shown);
        MN_TRY(draw_framed(v, view, shown));
    }
    return MN_OK;
}

/* The image as it came, then full views, then small ones. */
static mn_status draw_all_views(const viewer *v, const uint8_t *pixels, int64_t index)
{
    const mn_view_spec full =
        *(const mn_view_spec *)v->experiment->section[MN_SECTION_VIEWS].values;
    const mn_view_spec small = mn_small_view(&full, v->image);
    const mn_key key =
        mn_key_at(mn_key_of((uint64_t)mn_experiment_settings(v->experiment)->seed, "views.sheet"),
                  (uint64_t)index);
    MN_TRY(mn_sheet_image(v->sheet, pixels, -1));
    MN_TRY(draw_random_views(v, &full, FULL_VIEWS, mn_key_at(key, 0), pixels));
    return draw_random_views(v, &small, MN_SHEET_COLUMNS - 1 - FULL_VIEWS, mn_key_at(key, 1),
                             pixels);
}

/* A class's row of images, or its rows of what becomes of the first of them. */
static mn_status draw_class_rows(const viewer *v, int64_t task, const char *name, const examples *e,
                                 int64_t c)
{
    const int64_t bytes = mn_shape_count(v->image), at = c * MN_SHEET_COLUMNS;
    const uint8_t *pixels = e->pixels + at * bytes;
    char label[LABEL_BYTES];
    mn_visible(name, label, sizeof label);
    if (!v->augmented && !v->views) {
        MN_TRY(mn_sheet_row(v->sheet, "%s", label));
        for (int64_t i = 0; i < e->count[c]; i++)
            MN_TRY(mn_sheet_image(v->sheet, pixels + i * bytes, e->noised[at + i] ? 1 : -1));
        return MN_OK;
    }
    if (e->count[c] == 0)
        return mn_sheet_row(v->sheet, "%s", label);
    if (v->augmented) {
        MN_TRY(mn_sheet_row(v->sheet, "%s", label));
        MN_TRY(draw_views(v, task, pixels, e->index[at]));
    }
    if (v->views) {
        MN_TRY(mn_sheet_row(v->sheet, v->augmented ? "%.24s: views" : "%s", label));
        MN_TRY(draw_all_views(v, pixels, e->index[at]));
    }
    return MN_OK;
}

static mn_status begin_task(const viewer *v, int64_t task, mn_task_info info)
{
    char labelled[64] = "", noised[64] = "";
    if (info.labelled < info.train)
        snprintf(labelled, sizeof labelled, ", %lld of them labelled", (long long)info.labelled);
    if (info.noised > 0)
        snprintf(noised, sizeof noised, ", %lld wrong labels (bars)", (long long)info.noised);
    return mn_sheet_row(v->sheet, "task %lld: %lld to train%s%s, %lld to test", (long long)task + 1,
                        (long long)info.train, labelled, noised, (long long)info.test);
}

static mn_status draw_task(const viewer *v, int64_t task)
{
    const mn_task_info info = mn_stream_task(v->stream, task);
    const int64_t bytes = mn_shape_count(v->image), places = info.classes * MN_SHEET_COLUMNS;
    examples e = {mn_memory_take((size_t)(places * bytes), 1),
                  mn_memory_take((size_t)places, sizeof *e.index),
                  mn_memory_take_zeroed((size_t)info.classes, sizeof *e.count),
                  mn_memory_take_zeroed((size_t)places, sizeof *e.noised)};
    mn_status status = e.pixels != NULL && e.index != NULL && e.count != NULL && e.noised != NULL
                           ? collect(v, task, info, &e)
                           : mn_fail(MN_NO_MEMORY, "out of memory for a sheet");
    if (status == MN_OK)
        status = begin_task(v, task, info);
    for (int64_t c = 0; c < info.classes && status == MN_OK; c++)
        status =
            draw_class_rows(v, task, mn_stream_class_name(v->stream, info.first_class + c), &e, c);
    mn_memory_give(e.pixels);
    mn_memory_give(e.index);
    mn_memory_give(e.count);
    mn_memory_give(e.noised);
    return status;
}

static mn_status draw_stream(viewer *v)
{
    static const char *const says[] = {
        "the first images of each class",
        "an image of each class as it came, then as it is seen in epochs 1, 2, ...",
        "an image of each class as it came, then views of it, the last of them small"};
    int64_t rows = 0;
    v->x = mn_memory_take((size_t)(MN_SHEET_COLUMNS * mn_shape_count(v->image)), sizeof *v->x);
    v->pixels = mn_memory_take((size_t)mn_shape_count(v->image), 1);
    if (v->x == NULL || v->pixels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a sheet");
    MN_TRY(mn_sheet_new(v->image, &v->sheet));
    MN_TRY(mn_sheet_row(v->sheet, "%s: %s", v->experiment->benchmark, says[v->kind]));
    for (int64_t task = 0; task < mn_stream_tasks(v->stream); task++) {
        rows += mn_stream_task(v->stream, task).classes;
        if (rows > MN_SHEET_ROWS)
            return mn_sheet_row(v->sheet, "and more tasks, which are not shown");
        MN_TRY(draw_task(v, task));
    }
    return MN_OK;
}

mn_status mn_experiment_sheet(const mn_experiment *experiment, mn_sheet_kind kind, const char *png)
{
    if (!experiment->resolved)
        return mn_fail(MN_OUT_OF_ORDER, "a sheet is drawn of a configuration that is resolved");
    const bool says_views = cJSON_HasObjectItem(experiment->source, "views");
    viewer v = {.experiment = experiment,
                .kind = kind,
                .augmented = kind == MN_SHEET_AUGMENTED,
                .views = kind == MN_SHEET_VIEWS || (kind == MN_SHEET_AUGMENTED && says_views)};
    mn_dataset *dataset = NULL;
    mn_stream *stream = NULL;
    mn_status status = mn_experiment_read(experiment, &dataset);
    if (status == MN_OK)
        status = mn_experiment_stream(experiment, dataset, &stream, &v.transform);
    if (status == MN_OK) {
        v.dataset = dataset;
        v.stream = stream;
        v.image = mn_dataset_image(dataset);
        status = draw_stream(&v);
    }
    if (status == MN_OK)
        status = mn_sheet_write(v.sheet, png);
    mn_sheet_free(v.sheet);
    mn_memory_give(v.x);
    mn_memory_give(v.pixels);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
    return status;
}
