/* look.c -- images of a file that belongs to no data set, made into images of one. */
#include "base/text.h"
#include "data/read/decode.h"
#include "data/read/npy.h"
#include "data/read/pictures.h"
#include "data/read/search.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

static bool is_array(const char *path)
{
    const char *ending = strrchr(path, '.');
    return ending != NULL && strcmp(ending, ".npy") == 0;
}

static mn_status take(const mn_dataset *like, int64_t count, uint8_t **pixels)
{
    const mn_row_type type = like->type == MN_ROW_U8 ? MN_ROW_U8 : MN_ROW_F32;
    const int64_t values = like->channels * like->height * like->width;
    *pixels = mn_memory_take((size_t)count, mn_row_bytes(type, values));
    return *pixels != NULL
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for %lld images", (long long)count);
}

static mn_status place(const mn_dataset *like, const mn_raster *raster, uint8_t *pixels)
{
    mn_resize resize;
    mn_fit fit;
    mn_pictures_made(like, &resize, &fit);
    return mn_raster_place(raster, resize, fit, like->channels, like->height, like->width, pixels);
}

/* --- arrays --- */

static mn_status other_shape(const char *path, const mn_dataset *like, const char *expected)
{
    return mn_fail(MN_BAD_SHAPE,
                   "%s: the network sees images of %lld channel(s), %lldx%lld pixels; an array of "
                   "them is (images, %s)",
                   path, (long long)like->channels, (long long)like->width, (long long)like->height,
                   expected);
}

/* The first image of bytes, and how far the next one is. */
static mn_status raster_of(const char *path, const mn_dataset *like, const mn_array *a,
                           mn_raster *raster, int64_t *apart)
{
    const int64_t *size = a->size;
    if (a->rank == 3 && like->channels == 1) {
        *raster = (mn_raster){a->values, size[2], size[1], 1, 1, size[2], 1};
    } else if (a->rank == 4 && size[3] == like->channels) {
        *raster = (mn_raster){a->values, size[2], size[1], size[3], size[3], size[2] * size[3], 1};
    } else if (a->rank == 4 && size[1] == like->channels) {
        *raster = mn_raster_of_image(a->values, size[1], size[2], size[3]);
    } else {
        return other_shape(path, like,
                           like->channels == 1 ? "height, width)" : "height, width, channels)");
    }
    *apart = size[0] > 0 ? a->count / size[0] : 0;
    return raster->width > 0 && raster->height > 0
               ? MN_OK
               : mn_fail(MN_BAD_SHAPE, "%s: its images have no pixels", path);
}

static mn_status take_images(const char *path, const mn_dataset *like, const mn_array *a,
                             int64_t *count, uint8_t **pixels)
{
    mn_raster raster;
    int64_t apart = 0;
    if (a->type != MN_ARRAY_UNSIGNED || a->item != 1)
        return mn_fail(MN_BAD_VALUE,
                       "%s: its values are not bytes; pixels are bytes from 0 to 255 (in NumPy: "
                       "uint8)",
                       path);
    MN_TRY(raster_of(path, like, a, &raster, &apart));
    *count = a->size[0];
    MN_TRY(take(like, *count, pixels));
    const int64_t own = like->channels * like->height * like->width;
    for (int64_t i = 0; i < *count; i++, raster.at += apart)
        MN_TRY(place(like, &raster, *pixels + i * own));
    return MN_OK;
}

/* Rows of values, which nothing is resized in. */
static mn_status take_values(const char *path, const mn_dataset *like, const mn_array *a,
                             int64_t *count, uint8_t **pixels)
{
    const int64_t values = like->channels * like->height * like->width;
    if (a->rank < 2 || a->size[0] == 0 || a->count / a->size[0] != values)
        return mn_fail(MN_BAD_SHAPE,
                       "%s: each row must have %lld values, as the data have that the network was "
                       "trained on; these have %lld",
                       path, (long long)values,
                       a->rank > 0 && a->size[0] > 0 ? (long long)(a->count / a->size[0]) : 0);
    if (a->rank == 4 && (a->size[1] != like->channels || a->size[2] != like->height))
        return mn_fail(MN_BAD_SHAPE,
                       "%s: each row must be (%lld, %lld, %lld), channels, height and width; these "
                       "are (%lld, %lld, %lld)",
                       path, (long long)like->channels, (long long)like->height,
                       (long long)like->width, (long long)a->size[1], (long long)a->size[2],
                       (long long)a->size[3]);
    *count = a->size[0];
    MN_TRY(take(like, *count, pixels));
    for (int64_t i = 0; i < a->count; i++) {
        const float value = (float)mn_array_value(a, i);
        if (!isfinite(value))
            return mn_fail(MN_BAD_VALUE, "%s: value %lld of row %lld is %g", path,
                           (long long)(i % values), (long long)(i / values), (double)value);
        memcpy(*pixels + (size_t)i * sizeof value, &value, sizeof value);
    }
    return MN_OK;
}

static mn_status read_array(const char *path, const mn_dataset *like, int64_t *count,
                            uint8_t **pixels)
{
    mn_array array = {.block = NULL};
    mn_status status = mn_npy_read(path, &array);
    if (status == MN_OK)
        status = (like->type == MN_ROW_U8 ? take_images : take_values)(path, like, &array, count,
                                                                       pixels);
    mn_array_free(&array);
    return status;
}

/* --- pictures --- */

static mn_status read_picture(const char *path, const mn_dataset *like, int64_t *count,
                              uint8_t **pixels)
{
    mn_picture picture;
    if (like->type != MN_ROW_U8 || (like->channels != 1 && like->channels != 3))
        return mn_fail(MN_UNSUPPORTED,
                       "%s: the network was trained on rows of values, not on pictures; give it an "
                       ".npy file of them",
                       path);
    MN_TRY(mn_picture_read(path, &picture));
    const mn_raster raster = mn_raster_of_picture(&picture);
    *count = 1;
    mn_status status = take(like, 1, pixels);
    if (status == MN_OK)
        status = place(like, &raster, *pixels);
    mn_picture_free(&picture);
    return status;
}

mn_status mn_images_read(const mn_dataset *like, const char *path, int64_t *count, uint8_t **pixels)
{
    *pixels = NULL;
    *count = 0;
    if (like->type == MN_ROW_U8 && like->scale != NULL)
        return mn_fail(MN_UNSUPPORTED,
                       "%s: the network was trained on measurements that its data set turns into "
                       "256 steps; train it with dataset.dtype=f32 to give it others",
                       path);
    if (like->moved)
        return mn_fail(
            MN_UNSUPPORTED,
            "%s: the network was trained on measurements less their mean, or of deviation "
            "1, which the run does not keep; bring them there before training instead",
            path);
    const mn_status status = is_array(path) ? read_array(path, like, count, pixels)
                                            : read_picture(path, like, count, pixels);
    if (status != MN_OK) {
        mn_memory_give(*pixels);
        *pixels = NULL;
        *count = 0;
    }
    return status;
}

mn_status mn_images_find(const char *folder, mn_status (*found)(void *context, const char *path),
                         void *context)
{
    mn_names files;
    mn_status status = mn_folder_files(folder, &files);
    for (int64_t i = 0; i < files.count && status == MN_OK; i++) {
        bool image = is_array(files.name[i]);
        if (!image)
            status = mn_is_image(folder, files.name[i], &image);
        char *path = image ? mn_text_format("%s/%s", folder, files.name[i]) : NULL;
        if (image)
            status = path != NULL ? found(context, path)
                                  : mn_fail(MN_NO_MEMORY, "out of memory for the name of an image");
        mn_memory_give(path);
    }
    mn_names_free(&files);
    return status;
}
