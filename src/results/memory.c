/* memory.c -- looking at the images that a run remembers, and at those that its generator made. */
#include "base/escape.h"
#include "base/numbers.h"
#include "data/sheet/sheet.h"
#include "store/exemplars.h"
#include "store/query.h"
#include "store/runfile.h"
#include "store/samples.h"

#include <mneme/memory.h>
#include <mneme/results.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_BYTES = 25 }; /* of a class in front of its images */

typedef struct kept {
    int64_t slot, seen;
    int32_t label, task;
} kept;

typedef struct memory {
    const char *path;
    mn_runfile *file;
    mn_results *results;
    mn_sheet *sheet;
    int64_t image_bytes, newest; /* newest: images offered when the last one was kept */
    int64_t shown_task;
    int64_t shown, in_row; /* samples */
    int32_t shown_label;
    uint8_t *pixels; /* (image) of one exemplar */
    bool floats;     /* images are kept as floats, in which black is 0 and white 1 */
} memory;

static mn_status image_shape(const mn_results *results, const char *path, mn_shape *image)
{
    int64_t channels, height, width;
    if (!mn_results_image(results, &channels, &height, &width))
        return mn_fail(MN_CORRUPT, "%s: does not say what shape its images have", path);
    *image = MN_SHAPE(channels, height, width);
    return MN_OK;
}

/* A class as a label has room for it; its number where the file does not name it. */
static const char *class_name(const mn_results *results, int32_t label, char text[LABEL_BYTES])
{
    const char *name = label >= 0 ? mn_results_class_name(results, label) : "unlabelled";
    snprintf(text, LABEL_BYTES, "%d", (int)label);
    return name != NULL ? mn_visible(name, text, LABEL_BYTES) : text;
}

/* Of measurements, or of few steps, there is no picture. */
static mn_status check_drawable(const memory *m, const char *key, const char *what)
{
    const char *dtype = mn_results_value(m->results, key);
    return dtype == NULL
               ? MN_OK
               : mn_fail(MN_UNSUPPORTED, "%s: %s are kept as %s, and only bytes can be drawn",
                         m->path, what, dtype);
}

/* --- exemplars --- */

static mn_status take_image(void *context, const mn_exemplar *exemplar)
{
    memory *m = context;
    const int64_t expected = m->image_bytes * (m->floats ? (int64_t)sizeof(float) : 1);
    if ((int64_t)exemplar->image_bytes != expected)
        return mn_fail(MN_CORRUPT, "%s: exemplar %lld has %zu bytes, expected %lld", m->path,
                       (long long)exemplar->slot, exemplar->image_bytes, (long long)expected);
    if (!m->floats)
        memcpy(m->pixels, exemplar->image, exemplar->image_bytes);
    for (int64_t i = 0; i < m->image_bytes && m->floats; i++) { /* what lies beyond is cut off */
        float value;
        memcpy(&value, (const uint8_t *)exemplar->image + (size_t)i * sizeof value, sizeof value);
        m->pixels[i] = (uint8_t)(value > 0 ? 255 * (value < 1 ? value : 1) + 0.5F : 0.0F);
    }
    return MN_OK;
}

static mn_status pass_over(void *context, int64_t slot, const char *name, const float *values,
                           int64_t width)
{
    (void)context, (void)slot, (void)name, (void)values, (void)width;
    return MN_OK;
}

/* One class of one task: rows[0..count-1], oldest first; of many, some at even distances. */
static mn_status draw_class(memory *m, const kept *rows, int64_t count)
{
    const mn_exemplar_reader reader = {.context = m, .row = take_image, .column = pass_over};
    char name[LABEL_BYTES];
    if (rows->task != m->shown_task)
        MN_TRY(mn_sheet_row(m->sheet, "task %lld", (long long)rows->task + 1));
    m->shown_task = rows->task;
    MN_TRY(mn_sheet_row(m->sheet, "%s: %lld", class_name(m->results, rows->label, name),
                        (long long)count));
    const int64_t shown = count < MN_SHEET_COLUMNS ? count : MN_SHEET_COLUMNS;
    for (int64_t i = 0; i < shown; i++) {
        const kept *one = &rows[shown > 1 ? i * (count - 1) / (shown - 1) : 0];
        MN_TRY(mn_runfile_read_exemplar(m->file, one->slot, &reader));
        MN_TRY(
            mn_sheet_image(m->sheet, m->pixels, (double)(one->seen + 1) / (double)(m->newest + 1)));
    }
    return MN_OK;
}

static mn_status read_kept(memory *m, kept **rows, int64_t *count)
{
    mn_query *query;
    bool row;
    int64_t capacity = 0;
    *rows = NULL;
    *count = 0;
    MN_TRY(mn_query_new(m->file,
                        "SELECT slot, seen, label, task FROM exemplar ORDER BY task, label, seen",
                        &query));
    mn_status status = mn_query_next(query, &row);
    while (status == MN_OK && row) {
        if (*count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 1024;
            kept *larger = mn_memory_resize(*rows, (size_t)capacity, sizeof *larger);
            if (larger == NULL) {
                status = mn_fail(MN_NO_MEMORY, "out of memory for a list of exemplars");
                break;
            }
            *rows = larger;
        }
        (*rows)[*count] = (kept){mn_query_int(query, 0), mn_query_int(query, 1),
                                 (int32_t)mn_query_int(query, 2), (int32_t)mn_query_int(query, 3)};
        m->newest = (*rows)[*count].seen > m->newest ? (*rows)[*count].seen : m->newest;
        (*count)++;
        status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    return status;
}

static mn_status draw_memory(memory *m)
{
    kept *rows;
    int64_t count, classes = 0;
    const char *dtype = mn_results_value(m->results, "exemplar_dtype");
    m->floats = dtype != NULL && strcmp(dtype, "f32") == 0 &&
                mn_results_value(m->results, "image_dtype") == NULL;
    if (!m->floats)
        MN_TRY(check_drawable(m, "exemplar_dtype", "exemplars"));
    mn_status status = read_kept(m, &rows, &count);
    if (status == MN_OK && count == 0)
        status = mn_fail(MN_NOT_FOUND, "%s: the run remembers nothing", m->path);
    if (status == MN_OK)
        status = mn_sheet_row(m->sheet,
                              "%s, %s, seed %s: %lld remembered; from left to right and by "
                              "their bars: when they were seen",
                              mn_results_value(m->results, "benchmark"),
                              mn_results_value(m->results, "strategy"),
                              mn_results_value(m->results, "seed"), (long long)count);
    for (int64_t i = 0, next; i < count && status == MN_OK && classes < MN_SHEET_ROWS; i = next) {
        for (next = i + 1;
             next < count && rows[next].label == rows[i].label && rows[next].task == rows[i].task;)
            next++;
        status = draw_class(m, rows + i, next - i);
        if (++classes == MN_SHEET_ROWS && next < count && status == MN_OK)
            status = mn_sheet_row(m->sheet, "and more, which are not shown");
    }
    mn_memory_give(rows);
    return status;
}

/* --- what a generator made --- */

static mn_status draw_sample(void *context, const mn_sample *sample)
{
    memory *m = context;
    char name[LABEL_BYTES];
    if ((int64_t)sample->bytes != m->image_bytes)
        return mn_fail(MN_CORRUPT, "%s: a sample has %zu bytes, expected %lld", m->path,
                       sample->bytes, (long long)m->image_bytes);
    if (m->shown == 0)
        MN_TRY(mn_sheet_row(m->sheet, "%s, %s, seed %s: made by the generator after each task",
                            mn_results_value(m->results, "benchmark"),
                            mn_results_value(m->results, "strategy"),
                            mn_results_value(m->results, "seed")));
    m->shown++;
    if (sample->label != m->shown_label || sample->after_task != m->shown_task) {
        MN_TRY(mn_sheet_row(m->sheet, "%s, task %lld", class_name(m->results, sample->label, name),
                            (long long)sample->after_task + 1));
        m->in_row = 0;
    }
    m->shown_label = sample->label;
    m->shown_task = sample->after_task;
    return m->in_row++ < MN_SHEET_COLUMNS ? mn_sheet_image(m->sheet, sample->image, -1) : MN_OK;
}

static mn_status draw_samples(memory *m)
{
    m->shown_label = -1;
    MN_TRY(check_drawable(m, "image_dtype", "images"));
    MN_TRY(mn_runfile_read_samples(m->file, draw_sample, m));
    return m->shown > 0
               ? MN_OK
               : mn_fail(
                     MN_NOT_FOUND,
                     "%s: the run has kept no images of a generator; genifer, dgr and condensed "
                     "keep some after each task (mog-replay draws features, which "
                     "nobody can look at)",
                     m->path);
}

/* Exemplars have a size of their own where a codec has resized them. */
static mn_status exemplar_shape(const mn_results *results, const char *path, mn_shape *image)
{
    const char *const sides[] = {"exemplar_height", "exemplar_width"};
    MN_TRY(image_shape(results, path, image));
    for (int i = 0; i < 2; i++) {
        const char *text = mn_results_value(results, sides[i]);
        int64_t side = image->size[i + 1];
        if (text != NULL && (!mn_number_whole(text, &side) || side < 1))
            return mn_fail(MN_CORRUPT, "%s: %s is '%s'", path, sides[i], text);
        if (side < image->size[i + 1])
            image->size[i + 1] = side;
    }
    return MN_OK;
}

static mn_status draw(const char *path, const char *png,
                      mn_status (*shape)(const mn_results *results, const char *path,
                                         mn_shape *image),
                      mn_status (*of)(memory *m))
{
    memory m = {.path = path, .shown_task = -1};
    mn_shape image;
    MN_TRY(mn_results_open_uncalibrated(path, &m.results));
    mn_status status = shape(m.results, path, &image);
    if (status == MN_OK) {
        m.image_bytes = mn_shape_count(image);
        m.pixels = mn_memory_take((size_t)m.image_bytes, 1);
        status = m.pixels != NULL ? mn_sheet_new(image, &m.sheet)
                                  : mn_fail(MN_NO_MEMORY, "out of memory for a sheet");
    }
    if (status == MN_OK)
        status = mn_runfile_open(path, MN_READ, &m.file);
    if (status == MN_OK)
        status = of(&m);
    if (m.file != NULL)
        mn_runfile_close(m.file);
    if (status == MN_OK)
        status = mn_sheet_write(m.sheet, png);
    mn_sheet_free(m.sheet);
    mn_results_free(m.results);
    mn_memory_give(m.pixels);
    return status;
}

mn_status mn_results_sheet(const char *path, const char *png)
{
    return draw(path, png, exemplar_shape, draw_memory);
}

mn_status mn_results_samples(const char *path, const char *png)
{
    return draw(path, png, image_shape, draw_samples);
}
