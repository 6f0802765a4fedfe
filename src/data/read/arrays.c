/* arrays.c -- a user's own data as arrays: images or feature vectors, and their labels. */
#include "data/read/array.h"
#include "data/read/npy.h"
#include "data/read/reader.h"
#include "data/read/split.h"
#include "data/read/tensor_arrays.h"
#include "data/read/values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of steps, which `mneme data features` writes, the range of each place follows. */
enum { X_TRAIN, Y_TRAIN, X_TEST, Y_TEST, USERS, OFFSET = USERS, SCALE, ARRAYS };

typedef struct npy_options {
    const char *path, *x_train, *y_train, *x_test, *y_test;
    int64_t layout, classes, dtype;
    double white;
    bool standardise;
    MN_SPLIT_MEMBERS;
} npy_options;

static const char *const layouts[] = {"auto", "hwc", "chw", NULL};
static const mn_option options_table[] = {
    MN_TEXT(npy_options, path, "", "an .npz or .safetensors file, or a folder of .npy files",
            MN_CHANGES_NO_RESULT),
    MN_TEXT(npy_options, x_train, "x_train", "name of the array of training images or features"),
    MN_TEXT(npy_options, y_train, "y_train", "name of the array of their labels"),
    MN_TEXT(npy_options, x_test, "x_test",
            "the same for testing; where it is not there, test_fraction applies"),
    MN_TEXT(npy_options, y_test, "y_test", "name of the array of their labels"),
    MN_CHOICE(npy_options, layout, 0, layouts,
              "order of the axes of colour images; auto tells by which is 1, 3 or 4"),
    MN_INT(npy_options, classes, 0, 0, MN_MAX_CLASSES, "how many; 0: the greatest label and one"),
    MN_REAL(
        npy_options, white, 0, 0, 1e9,
        "of images: the number that is white, where black is 0.  Say 255 where floats are pixels "
        "of 0 to 255, and 65535 for 16 bits; 0: 1 for floats and truth values, 255 for integers"),
    MN_ROW_TYPE(npy_options, dtype),
    MN_BOOL(npy_options, standardise, false,
            "features: each column gets mean 0 and deviation 1 over the training rows"),
    MN_SPLIT_OPTIONS(npy_options),
    MN_END,
};

typedef struct source {
    const npy_options *options;
    char path[MN_DATA_PATH];
    const char *name[ARRAYS];
    mn_array array[ARRAYS]; /* block: NULL where there is none */
} source;

/* --- the arrays ------------------------------------------------------------------------------- */

static mn_status read_folder(source *s)
{
    for (int i = 0; i < ARRAYS; i++) {
        char file[MN_DATA_PATH + 256];
        snprintf(file, sizeof file, "%s/%s.npy", s->path, s->name[i]);
        if (access(file, F_OK) == 0)
            MN_TRY(mn_npy_read(file, &s->array[i]));
    }
    return MN_OK;
}

static mn_status read_arrays(source *s)
{
    const char *ending = strrchr(s->path, '.');
    if (mn_is_folder(s->path))
        return read_folder(s);
    if (ending != NULL && strcmp(ending, ".npy") == 0)
        return mn_fail(MN_BAD_OPTION,
                       "npy.path: %s is one array alone; name the folder of %s.npy and %s.npy",
                       s->path, s->name[X_TRAIN], s->name[Y_TRAIN]);
    if (ending != NULL && strcmp(ending, ".safetensors") == 0)
        return mn_safetensors_arrays(s->path, ARRAYS, s->name, s->array);
    return mn_npz_read(s->path, ARRAYS, s->name, s->array);
}

static mn_status check_there(const source *s)
{
    const int needed = s->array[X_TEST].block != NULL || s->array[Y_TEST].block != NULL ? USERS : 2;
    for (int i = 0; i < needed; i++)
        if (s->array[i].block == NULL)
            return mn_fail(MN_NOT_FOUND,
                           "%s: holds no array '%s'; the options x_train, y_train, x_test and "
                           "y_test say what arrays are called",
                           s->path, s->name[i]);
    return MN_OK;
}

/* Whether bytes are steps: a value = offset + scale * byte / 255, each place with its own. */
static bool in_steps(const source *s)
{
    const mn_array *x = &s->array[X_TRAIN];
    return x->type == MN_ARRAY_UNSIGNED && x->item == 1 && s->array[OFFSET].block != NULL &&
           s->array[SCALE].block != NULL;
}

static mn_status check_range(const source *s)
{
    const mn_array *x = &s->array[X_TRAIN], *offset = &s->array[OFFSET], *scale = &s->array[SCALE];
    const int64_t places = x->count / x->size[0];
    return !in_steps(s) || (offset->count == places && scale->count == places)
               ? MN_OK
               : mn_fail(MN_BAD_SHAPE,
                         "%s: offset and scale have %lld and %lld values, expected %lld, one for "
                         "each place of a row of %s; leave them out if it is not in steps",
                         s->path, (long long)offset->count, (long long)scale->count,
                         (long long)places, s->name[X_TRAIN]);
}

/* Steps are bytes in both parts; of other numbers, one may be written wider. */
static bool same_row(const mn_array *a, const mn_array *b, bool steps)
{
    bool same = a->rank == b->rank && a->type == b->type && (!steps || a->item == b->item);
    for (int i = 1; same && i < a->rank; i++)
        same = a->size[i] == b->size[i];
    return same;
}

static bool may_be_channels(int64_t size)
{
    return size == 1 || size == 3 || size == 4;
}

/* The shape of a row, and whether its channels come last. */
static mn_status set_shape(const source *s, mn_dataset *dataset, bool *channels_last)
{
    const mn_array *x = &s->array[X_TRAIN];
    dataset->channels = dataset->height = 1;
    dataset->width = x->size[x->rank - 1];
    *channels_last = false;
    if (x->rank == 3)
        dataset->height = x->size[1];
    if (x->rank < 4)
        return MN_OK;
    if (in_steps(s)) {
        dataset->channels = x->size[1];
        dataset->height = x->size[2];
        return MN_OK;
    }
    const int64_t layout = s->options->layout;
    const bool first = may_be_channels(x->size[1]), last = may_be_channels(x->size[3]);
    if (layout == 0 && first == last)
        return mn_fail(MN_BAD_OPTION,
                       "%s: %s is (%lld, %lld, %lld, %lld): say in layout whether channels come "
                       "last (hwc) or first (chw)",
                       s->path, s->name[X_TRAIN], (long long)x->size[0], (long long)x->size[1],
                       (long long)x->size[2], (long long)x->size[3]);
    *channels_last = layout == 1 || (layout == 0 && last);
    dataset->channels = x->size[*channels_last ? 3 : 1];
    dataset->height = x->size[*channels_last ? 1 : 2];
    dataset->width = x->size[*channels_last ? 2 : 3];
    return MN_OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static mn_status read_labels(const source *s, int at, int64_t classes, mn_images *images)
{
    const mn_array *y = &s->array[at];
    for (int64_t i = 0; i < images->count; i++) {
        const double label = mn_array_value(y, i);
        if (!(label >= 0 && label < (double)classes) || label != floor(label))
            return mn_fail(MN_CORRUPT,
                           "%s: label %g of row %lld of %s is not one of 0 to %lld; number the "
                           "labels, as classes, y = numpy.unique(y, return_inverse=True)",
                           s->path, label, (long long)i, s->name[at], (long long)classes - 1);
        images->labels[i] = (int32_t)label;
    }
    return MN_OK;
}

/* Labels from 1 would make a class 0 that has no rows. */
static mn_status check_first_label(const source *s)
{
    const mn_array *y = &s->array[Y_TRAIN];
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (int64_t i = 0; i < y->count; i++) {
        least = fmin(least, mn_array_value(y, i));
        most = fmax(most, mn_array_value(y, i));
    }
    if (!(least >= 1))
        return MN_OK;
    const bool tested = s->array[Y_TEST].block != NULL;
    return mn_fail(MN_CORRUPT,
                   "%s: %s has the labels %g to %g, but labels count from 0; save %s - %g%s%s",
                   s->path, s->name[Y_TRAIN], least, most, s->name[Y_TRAIN], least,
                   tested ? ", and the same of " : "", tested ? s->name[Y_TEST] : "");
}

/* Array `at` holds rows, and the one after it their labels. */
static mn_status check_pair(const source *s, int at)
{
    const mn_array *x = &s->array[at], *y = &s->array[at + 1];
    if (x->rank < 2 || x->count < 1)
        return mn_fail(MN_BAD_SHAPE,
                       "%s: %s has %d axes and %lld values, expected rows of images (N, H, W[, C]) "
                       "or of features (N, D)",
                       s->path, s->name[at], x->rank, (long long)x->count);
    if (y->rank < 1 || y->count != y->size[0])
        return mn_fail(
            MN_BAD_SHAPE,
            "%s: %s is no list of whole numbers, one a row; of one column for each class, "
            "save %s.argmax(1)",
            s->path, s->name[at + 1], s->name[at + 1]);
    if (y->count != x->size[0])
        return mn_fail(MN_BAD_SHAPE, "%s: %s has %lld labels for the %lld rows of %s", s->path,
                       s->name[at + 1], (long long)y->count, (long long)x->size[0], s->name[at]);
    return MN_OK;
}

/* What mn_values asks: an array whose channels come last is read as if they came first. */
typedef struct rows {
    const mn_array *x, *offset, *scale; /* the latter two of steps; else NULL */
    int64_t channels, plane;
    bool channels_last;
} rows;

static double value_at(const void *from, int64_t i)
{
    const rows *r = from;
    const int64_t width = r->channels * r->plane;
    if (r->scale != NULL)
        return mn_array_value(r->offset, i % width) +
               mn_array_value(r->scale, i % width) * mn_array_value(r->x, i) / 255;
    if (!r->channels_last)
        return mn_array_value(r->x, i);
    const int64_t row = i / width, within = i % width;
    const int64_t channel = within / r->plane, pixel = within % r->plane;
    return mn_array_value(r->x, (row * r->plane + pixel) * r->channels + channel);
}

static mn_status fill(const source *s, bool channels_last, mn_dataset *dataset)
{
    const mn_array *x = &s->array[X_TRAIN];
    const int64_t plane = dataset->height * dataset->width;
    const bool steps = in_steps(s);
    const mn_array *offset = steps ? &s->array[OFFSET] : NULL,
                   *scale = steps ? &s->array[SCALE] : NULL;
    const rows train = {x, offset, scale, dataset->channels, plane, channels_last};
    const rows test = {&s->array[X_TEST], offset, scale, dataset->channels, plane, channels_last};
    const mn_values of_train = {dataset->train.count, value_at, &train, s->path};
    const mn_values of_test = {dataset->test.count, value_at, &test, s->path};
    const mn_array_type type = x->type;
    const bool bytes = type == MN_ARRAY_BOOL || (type == MN_ARRAY_UNSIGNED && x->item == 1);
    const double asked = s->options->white;
    if (dataset->type != MN_ROW_U8 && asked != 0)
        return mn_fail(
            MN_BAD_OPTION,
            "white: is for images, but with dtype=%s the arrays' values are kept as they "
            "are; leave one of the two out",
            mn_row_type_name(dataset->type));
    if (dataset->type != MN_ROW_U8 || steps || (x->rank == 2 && !bytes && asked == 0))
        return mn_values_measure(&of_train, &of_test, s->options->standardise, dataset);
    if (s->options->standardise)
        return mn_fail(MN_BAD_OPTION,
                       "standardise: is for features, but %s holds images; leave it out, and see "
                       "normalise",
                       s->path);
    const double white = asked > 0                                         ? asked
                         : type == MN_ARRAY_FLOAT || type == MN_ARRAY_BOOL ? 1
                                                                           : 255;
    MN_TRY(mn_values_to_pixels(&of_train, white, dataset, &dataset->train));
    return mn_values_to_pixels(&of_test, white, dataset, &dataset->test);
}

static mn_status make_room(const mn_array *x, const mn_dataset *dataset, mn_images *images)
{
    images->count = x->block != NULL ? x->size[0] : 0;
    if (images->count == 0)
        return MN_OK;
    return mn_images_allocate(images, dataset->type, images->count, dataset->channels,
                              dataset->height, dataset->width);
}

static int64_t greatest_label(const mn_array *y)
{
    double greatest = 0;
    for (int64_t i = 0; i < y->count; i++)
        if (mn_array_value(y, i) > greatest)
            greatest = mn_array_value(y, i);
    return greatest < MN_MAX_CLASSES ? (int64_t)greatest : MN_MAX_CLASSES;
}

static mn_status build(const source *s, mn_dataset *dataset)
{
    bool channels_last;
    const npy_options *o = s->options;
    const bool tested = s->array[X_TEST].block != NULL;
    MN_TRY(check_there(s));
    MN_TRY(check_pair(s, X_TRAIN));
    if (tested)
        MN_TRY(check_pair(s, X_TEST));
    if (tested && !same_row(&s->array[X_TRAIN], &s->array[X_TEST], in_steps(s)))
        return mn_fail(MN_BAD_SHAPE, "%s: the rows of %s and %s differ in shape or type", s->path,
                       s->name[X_TRAIN], s->name[X_TEST]);
    MN_TRY(check_range(s));
    MN_TRY(set_shape(s, dataset, &channels_last));
    MN_TRY(check_first_label(s));
    dataset->classes = o->classes > 0 ? o->classes : greatest_label(&s->array[Y_TRAIN]) + 1;
    dataset->type = (mn_row_type)o->dtype;
    MN_TRY(make_room(&s->array[X_TRAIN], dataset, &dataset->train));
    MN_TRY(make_room(&s->array[X_TEST], dataset, &dataset->test));
    MN_TRY(read_labels(s, Y_TRAIN, dataset->classes, &dataset->train));
    MN_TRY(read_labels(s, Y_TEST, dataset->classes, &dataset->test));
    MN_TRY(fill(s, channels_last, dataset));
    return (tested ? mn_split_not_needed : mn_split_test_off)(dataset, o->test_fraction,
                                                              o->split_seed);
}

static mn_status read_npy(const void *options, const char *folder, mn_dataset *dataset)
{
    const npy_options *o = options;
    source s = {.options = o,
                .name = {o->x_train, o->y_train, o->x_test, o->y_test, "offset", "scale"}};
    MN_TRY(mn_data_find("npy.path", folder, o->path, s.path));
    mn_status status = read_arrays(&s);
    if (status == MN_OK)
        status = build(&s, dataset);
    for (int i = 0; i < ARRAYS; i++)
        mn_array_free(&s.array[i]);
    return status;
}

MN_DATASET(npy) = {
    MN_DATASET_HEADER,
    .name = "npy",
    .summary = "your own arrays: images or feature vectors, from .npz, .npy or .safetensors",
    .options = options_table,
    .options_size = sizeof(npy_options),
    .read = read_npy,
};
