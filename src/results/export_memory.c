/* export_memory.c -- the images that a run remembers as a data set: x_train and y_train in one
 * file.
 *
 * Labels are the data set's own numbers, not those of arrival, so that the file stands beside it.
 */
#include "store/exemplars.h"
#include "store/query.h"
#include "store/runfile.h"
#include "tensor/file/safetensors_write.h"

#include <mneme/memory.h>
#include <mneme/results.h>
#include <string.h>

enum { MOST_CLASSES = 4096 }; /* of a stream */

typedef struct rows {
    const char *path;
    const int32_t *original; /* (classes): numbers in the data set, by arrival */
    int64_t classes, count, room;
    size_t bytes; /* of an image */
    uint8_t *images;
    int32_t *labels;
} rows;

static mn_status grow(rows *all)
{
    const int64_t room = all->room > 0 ? 2 * all->room : 64;
    uint8_t *images = mn_memory_resize(all->images, (size_t)room, all->bytes);
    if (images != NULL)
        all->images = images;
    int32_t *labels = mn_memory_resize(all->labels, (size_t)room, sizeof *labels);
    if (labels != NULL)
        all->labels = labels;
    if (images == NULL || labels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld exemplars", (long long)room);
    all->room = room;
    return MN_OK;
}

static mn_status take_row(void *context, const mn_exemplar *exemplar)
{
    rows *all = context;
    if (exemplar->image_bytes != all->bytes)
        return mn_fail(MN_CORRUPT, "%s: exemplar %lld has %zu bytes, expected %zu", all->path,
                       (long long)exemplar->slot, exemplar->image_bytes, all->bytes);
    if (exemplar->label < 0 || exemplar->label >= all->classes)
        return mn_fail(MN_UNSUPPORTED, "%s: exemplar %lld has no label, and a data set needs one",
                       all->path, (long long)exemplar->slot);
    if (all->count == all->room)
        MN_TRY(grow(all));
    memcpy(all->images + (size_t)all->count * all->bytes, exemplar->image, all->bytes);
    all->labels[all->count++] = all->original[exemplar->label];
    return MN_OK;
}

static mn_status pass_over(void *context, int64_t slot, const char *name, const float *values,
                           int64_t width)
{
    (void)context, (void)slot, (void)name, (void)values, (void)width;
    return MN_OK;
}

/* What the classes are in the data set; the caller frees. */
static mn_status read_classes(mn_runfile *file, const char *path, int32_t **original,
                              int64_t *count)
{
    mn_query *query;
    bool row = false;
    *count = 0;
    *original = mn_memory_take(MOST_CLASSES, sizeof **original);
    if (*original == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the classes");
    MN_TRY(mn_query_new(
        file,
        "SELECT DISTINCT label, original FROM task_class WHERE original IS NOT NULL ORDER BY label",
        &query));
    mn_status status = mn_query_next(query, &row);
    while (status == MN_OK && row && *count < MOST_CLASSES) {
        if (mn_query_int(query, 0) != *count)
            status = mn_fail(MN_CORRUPT, "%s: does not say which class is number %lld", path,
                             (long long)*count);
        (*original)[(*count)++] = (int32_t)mn_query_int(query, 1);
        if (status == MN_OK)
            status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    return status;
}

/* Images as bytes or floats; of other forms a reader would have to know the codec. */
static mn_status check_form(const mn_results *results, const char *path, mn_value_type *type,
                            mn_shape *image)
{
    const char *kept = mn_results_value(results, "exemplar_dtype");
    const char *data = mn_results_value(results, "image_dtype");
    int64_t channels, height, width;
    const bool floats = kept != NULL && strcmp(kept, "f32") == 0;
    if ((kept != NULL && !floats) || data != NULL ||
        mn_results_value(results, "exemplar_height") != NULL)
        return mn_fail(MN_UNSUPPORTED,
                       "%s: exemplars are kept as %s, and only images of bytes or of f32, in their "
                       "own size, are exported",
                       path,
                       kept != NULL   ? kept
                       : data != NULL ? data
                                      : "another size");
    if (!mn_results_image(results, &channels, &height, &width))
        return mn_fail(MN_CORRUPT, "%s: does not say what shape its images have", path);
    *type = floats ? MN_VALUES_F32 : MN_VALUES_U8;
    *image = MN_SHAPE(channels, height, width);
    return MN_OK;
}

static mn_status write_rows(const rows *all, mn_shape image, mn_value_type type, const char *out)
{
    mn_named_values tensors[] = {
        {"x_train", MN_SHAPE(all->count, image.size[0], image.size[1], image.size[2]), all->images,
         type},
        {"y_train", MN_SHAPE(all->count), all->labels, MN_VALUES_I32},
    };
    return mn_safetensors_write(out, tensors, 2);
}

static mn_status export_rows(mn_runfile *file, const char *path, mn_shape image, mn_value_type type,
                             const char *out)
{
    const size_t value = type == MN_VALUES_F32 ? sizeof(float) : 1;
    rows all = {.path = path, .bytes = (size_t)mn_shape_count(image) * value};
    int32_t *original;
    mn_status status = read_classes(file, path, &original, &all.classes);
    all.original = original;
    const mn_exemplar_reader reader = {.context = &all, .row = take_row, .column = pass_over};
    if (status == MN_OK)
        status = mn_runfile_read_exemplars(file, &reader);
    if (status == MN_OK && all.count == 0)
        status = mn_fail(MN_NOT_FOUND, "%s: the run remembers nothing", path);
    if (status == MN_OK)
        status = write_rows(&all, image, type, out);
    mn_memory_give(original);
    mn_memory_give(all.images);
    mn_memory_give(all.labels);
    return status;
}

mn_status mn_export_memory(const char *path, const char *out)
{
    mn_results *results;
    mn_runfile *file;
    mn_value_type type = MN_VALUES_U8;
    mn_shape image = MN_SCALAR;
    MN_TRY(mn_results_open_uncalibrated(path, &results));
    mn_status status = check_form(results, path, &type, &image);
    mn_results_free(results);
    MN_TRY(status);
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    status = export_rows(file, path, image, type, out);
    const mn_status closed = mn_runfile_close(file);
    return status == MN_OK ? closed : status;
}
