/* features.c -- all images of a data set through a frozen network into one file.
 *
 * Rows are computed as floats, batch by batch, into a file of their own (partial.h), and written as
 * what the user asked for when all are there: a step of 8 bits depends on all rows.  That file
 * begins with what the rows depend on, so that another network, size or weight begins anew. */
#include "features/features.h"
#include "base/build.h"
#include "base/escape.h"
#include "base/team.h"
#include "data/stream/batch.h"
#include "data/stream/row.h"
#include "features/partial.h"
#include "nn/network.h"
#include "nn/weights.h"
#include "tensor/file/half.h"
#include "tensor/file/safetensors_write.h"
#include "tensor/kernels.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/version.h>
#include <stdio.h>
#include <string.h>

struct mn_features {
    mn_features_source of;
    mn_network *network;
    bool loaded; /* its weights are */
    mn_tape *tape;
    mn_batch_space batch;
    uint8_t *row;   /* an image as the data set has it */
    mn_shape shape; /* of a row of features: (D), or (C, H, W) */
    cJSON *about;   /* what they are of: the file's metadata */
    mn_partial partial;
};

static int64_t images_of(const mn_features *f)
{
    return f->of.dataset->train.count + f->of.dataset->test.count;
}

/* --- data and network ------------------------------------------------------------------------- */

static mn_status take_row(mn_features *f)
{
    const mn_dataset *dataset = f->of.dataset;
    f->row =
        mn_memory_take(mn_row_bytes(dataset->type, mn_shape_count(mn_dataset_image(dataset))), 1);
    return f->row != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for an image");
}

/* As a run would begin with, but for its classifier. */
static mn_status make_network(mn_features *f)
{
    const mn_key key = mn_key_of((uint64_t)f->of.seed, "network.initial.run/network");
    MN_TRY(mn_network_new_seeing(NULL, NULL, &f->of.network, f->of.sees, key, &f->network));
    MN_TRY(mn_tape_new(&f->tape));
    mn_tape_record(f->tape, false);
    return mn_tape_precision(f->tape, f->of.precision);
}

/* They are not needed to say what features are of. */
static mn_status load_weights(mn_features *f)
{
    if (!f->loaded && f->of.init[0] != '\0') {
        const mn_status status = mn_weights_load(f->network, f->of.init, f->of.init_digest, false);
        if (status != MN_OK)
            return mn_fail_in(status, "init");
    }
    f->loaded = true;
    return MN_OK;
}

/* --- features of a batch ---------------------------------------------------------------------- */

static mn_var *forward(mn_features *f, int64_t rows, const float *x)
{
    const mn_shape image = mn_dataset_image(f->of.dataset);
    const mn_shape shape = MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]);
    mn_tape_reset(f->tape);
    const mn_forwarded out = mn_network_forward(
        f->network, x != NULL ? mn_input(f->tape, shape, x, false) : mn_zeros(f->tape, shape),
        MN_EVAL | MN_NO_GRADIENT);
    return f->of.layer != NULL ? mn_network_map(&out, f->of.layer) : out.features;
}

/* The shape of a row, as a black image has it. */
static mn_status probe(mn_features *f)
{
    mn_var *features = forward(f, 1, NULL);
    const float *values;
    MN_TRY(mn_values(features, &values));
    const mn_shape all = mn_shape_of(features);
    f->shape.rank = all.rank - 1;
    for (int axis = 1; axis < all.rank; axis++)
        f->shape.size[axis - 1] = all.size[axis];
    return MN_OK;
}

static mn_status fill_batch(mn_features *f, const mn_images *images, int64_t first, int64_t rows)
{
    const mn_row_type type = mn_row_type_in_batches(f->of.dataset->type);
    const mn_shape image = mn_dataset_image(f->of.dataset);
    const int64_t values = mn_shape_count(image);
    MN_TRY(mn_batch_space_prepare(&f->batch, image, type, rows));
    for (int64_t i = 0; i < rows; i++) {
        MN_TRY(mn_dataset_pixels(f->of.dataset, images, first + i, f->row));
        mn_row_convert(f->of.dataset->type, f->row, values, type,
                       f->batch.pixels + mn_row_bytes(type, i * values));
    }
    return mn_batch_space_transform(&f->batch, &f->of.transform, mn_key_of(0, "plain"), NULL);
}

static mn_status refuse_value(const mn_features *f, int64_t row, double value)
{
    return mn_fail(
        MN_BAD_VALUE,
        "feature of image %lld of %s is %g; are the weights, normalise and the network's "
        "options those it was trained with?",
        (long long)row, f->of.dataset->name, value);
}

static mn_status add_batch(mn_features *f, const mn_images *images, int64_t first, int64_t rows)
{
    const float *values;
    MN_TRY(fill_batch(f, images, first, rows));
    mn_var *features = forward(f, rows, f->batch.x);
    const mn_status status = mn_values(features, &values);
    if (status != MN_OK)
        return mn_fail_in(status, "features");
    for (int64_t i = 0; i < rows * f->partial.width; i++)
        if (!isfinite(values[i]))
            return refuse_value(f, first + i / f->partial.width, (double)values[i]);
    return mn_partial_add(&f->partial, values, rows);
}

/* Batches begin at multiples of their size in each part of the data, so that those after an
 * interruption are those without it. */
static int64_t whole_batches(const mn_features *f, int64_t rows)
{
    const int64_t batch = f->of.batch;
    const int64_t train = f->of.dataset->train.count, first = rows < train ? 0 : train;
    return rows - (rows - first) % batch;
}

static mn_status compute(mn_features *f, const char *path, const mn_pack_watch *watch)
{
    const int64_t batch = f->of.batch;
    const int64_t train = f->of.dataset->train.count, all = images_of(f);
    while (f->partial.rows < all) {
        const int64_t done = f->partial.rows;
        const mn_images *images = done < train ? &f->of.dataset->train : &f->of.dataset->test;
        const int64_t first = done < train ? done : done - train;
        const int64_t left = images->count - first;
        if (watch != NULL && !watch->go_on(watch->context, done, all))
            return mn_fail(MN_INTERRUPTED,
                           "%s: stopped after %lld of %lld images; the same command goes on from "
                           "there",
                           path, (long long)done, (long long)all);
        MN_TRY(add_batch(f, images, first, left < batch ? left : batch));
    }
    return MN_OK;
}

/* --- what they are of ------------------------------------------------------------------------- */

static void describe_transform(const mn_features *f, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int64_t c = 0; c < f->of.transform.channels && used < bytes; c++)
        used +=
            (size_t)snprintf(text + used, bytes - used, "%s%.9g:%.9g", c > 0 ? "," : "",
                             (double)f->of.transform.mean[c], (double)f->of.transform.deviation[c]);
}

/* All but the digest of the data, for which all of them may have to be read. */
static mn_status describe(mn_features *f)
{
    const mn_network_spec *network = mn_network_spec_of(f->network);
    const mn_dataset *dataset = f->of.dataset;
    char normalised[160], input[64], computed[320], classes[32], drawn[48], layer[256];
    describe_transform(f, normalised, sizeof normalised);
    snprintf(classes, sizeof classes, "%lld", (long long)dataset->classes);
    snprintf(drawn, sizeof drawn, "drawn with seed %lld", (long long)f->of.seed);
    snprintf(computed, sizeof computed,
             "%s, numbers %d, batches of %lld, threads %lld, %s, %s, %s, %s", mn_version(),
             MN_NUMERICS, (long long)f->of.batch, (long long)f->of.threads,
             f->of.precision == MN_BF16 ? "bf16" : "f32", mn_kernels_versions(),
             mn_kernels_instruction_set(), mn_kernels_onednn_instruction_set());
    const struct {
        const char *key, *value;
    } texts[] = {
        {"dataset", dataset->name},
        {"classes", classes},
        {"image", mn_shape_text(mn_dataset_image(dataset), input)},
        {"normalise", normalised},
        {"network", network->type},
        {"network_options", network->options},
        {"weights_digest", f->of.init[0] != '\0' ? f->of.init_digest : drawn},
        {"layer", mn_visible(f->of.layer != NULL ? f->of.layer : "features", layer, sizeof layer)},
        {"made_by", computed},
    };
    f->about = cJSON_CreateObject();
    bool whole = f->about != NULL;
    for (size_t i = 0; whole && i < sizeof texts / sizeof texts[0]; i++)
        whole = cJSON_AddStringToObject(f->about, texts[i].key, texts[i].value) != NULL;
    return whole ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for the metadata of features");
}

static mn_status describe_data(mn_features *f)
{
    char digest[MN_DIGEST];
    uint32_t of_data;
    const char *stamp = mn_dataset_stamp(f->of.dataset);
    if (cJSON_HasObjectItem(f->about, "dataset_digest"))
        return MN_OK;
    MN_TRY(mn_dataset_digest(f->of.dataset, &of_data));
    snprintf(digest, sizeof digest, "%08x", (unsigned)of_data);
    if (stamp[0] != '\0' && cJSON_AddStringToObject(f->about, "dataset_stamp", stamp) == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the metadata of features");
    return cJSON_AddStringToObject(f->about, "dataset_digest", digest) != NULL
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for the metadata of features");
}

/* --- the file --------------------------------------------------------------------------------- */

/* Their values as the file has them; of steps also the range of each place. */
typedef struct made {
    void *values;
    float *offset, *scale; /* (D) */
} made;

static void make_steps(const mn_features *f, const float *rows, made *m)
{
    const int64_t width = f->partial.width, count = images_of(f) * width;
    uint8_t *steps = m->values;
    for (int64_t i = 0; i < width; i++)
        m->offset[i] = m->scale[i] = rows[i];
    for (int64_t i = 0; i < count; i++) {
        m->offset[i % width] = fminf(m->offset[i % width], rows[i]);
        m->scale[i % width] = fmaxf(m->scale[i % width], rows[i]);
    }
    for (int64_t i = 0; i < width; i++)
        m->scale[i] -= m->offset[i];
    for (int64_t i = 0; i < count; i++) {
        const double scale = (double)m->scale[i % width];
        const double above = (double)rows[i] - (double)m->offset[i % width];
        steps[i] = scale > 0 ? (uint8_t)lround(255 * above / scale) : 0;
    }
}

static mn_status make_halves(const mn_features *f, const float *rows, made *m)
{
    static const float greatest = 65504;
    uint16_t *halves = m->values;
    for (int64_t i = 0; i < images_of(f) * f->partial.width; i++) {
        if (fabsf(rows[i]) > greatest)
            return mn_fail(MN_BAD_VALUE,
                           "feature %lld of image %lld, training images first, is %g, but half "
                           "floats end at 65504; write f32",
                           (long long)(i % f->partial.width), (long long)(i / f->partial.width),
                           (double)rows[i]);
        halves[i] = mn_half_of(rows[i]);
    }
    return MN_OK;
}

static mn_shape rows_shape(const mn_features *f, int64_t rows)
{
    mn_shape shape = {.rank = f->shape.rank + 1, .size = {rows}};
    for (int axis = 0; axis < f->shape.rank; axis++)
        shape.size[axis + 1] = f->shape.size[axis];
    return shape;
}

static mn_status write_values(const mn_features *f, const char *path, const void *values,
                              const made *m)
{
    static const mn_value_type types[] = {
        [MN_ROW_F32] = MN_VALUES_F32, [MN_ROW_F16] = MN_VALUES_F16, [MN_ROW_U8] = MN_VALUES_U8};
    const mn_dataset *d = f->of.dataset;
    const int64_t train = d->train.count, test = d->test.count;
    const mn_value_type type = types[f->of.type];
    const char *test_rows =
        (const char *)values + mn_row_bytes(f->of.type, train * f->partial.width);
    mn_named_values tensors[] = {
        {"x_train", rows_shape(f, train), values, type},
        {"x_test", rows_shape(f, test), test_rows, type},
        {"y_train", MN_SHAPE(train), d->train.labels, MN_VALUES_I32},
        {"y_test", MN_SHAPE(test), d->test.labels, MN_VALUES_I32},
        {"offset", f->shape, m->offset, MN_VALUES_F32},
        {"scale", f->shape, m->scale, MN_VALUES_F32},
    };
    return mn_safetensors_write_with(path, f->about, tensors, m->scale != NULL ? 6 : 4);
}

static mn_status write_as_asked(const mn_features *f, const char *path, const float *rows)
{
    const bool steps = f->of.type == MN_ROW_U8;
    const size_t width = (size_t)f->partial.width;
    made m = {.values = NULL};
    if (f->of.type == MN_ROW_F32)
        return write_values(f, path, rows, &m);
    m.values = mn_memory_take(mn_row_bytes(f->of.type, images_of(f) * f->partial.width), 1);
    m.offset = steps ? mn_memory_take(width, sizeof *m.offset) : NULL;
    m.scale = steps ? mn_memory_take(width, sizeof *m.scale) : NULL;
    mn_status status = m.values != NULL && (!steps || (m.offset != NULL && m.scale != NULL))
                           ? MN_OK
                           : mn_fail(MN_NO_MEMORY, "%s: out of memory for its values", path);
    if (status == MN_OK && steps)
        make_steps(f, rows, &m);
    else if (status == MN_OK)
        status = make_halves(f, rows, &m);
    if (status == MN_OK)
        status = write_values(f, path, m.values, &m);
    mn_memory_give(m.values);
    mn_memory_give(m.offset);
    mn_memory_give(m.scale);
    return status;
}

static mn_status compute_and_write(mn_features *f, const char *path, const mn_pack_watch *watch)
{
    const float *rows;
    char *about = cJSON_PrintUnformatted(f->about);
    mn_status status = about != NULL
                           ? mn_partial_open(path, about, mn_shape_count(f->shape), &f->partial)
                           : mn_fail(MN_NO_MEMORY, "%s: out of memory for its metadata", path);
    mn_memory_give(about);
    MN_TRY(status);
    status = mn_partial_keep(&f->partial, whole_batches(f, f->partial.rows));
    if (status == MN_OK)
        status = compute(f, path, watch);
    if (status == MN_OK)
        status = mn_partial_rows(&f->partial, &rows);
    if (status == MN_OK)
        status = write_as_asked(f, path, rows);
    mn_partial_close(&f->partial, status == MN_OK);
    return status;
}

/* --- the whole -------------------------------------------------------------------------------- */

static mn_status open_all(mn_features *f)
{
    MN_TRY(mn_team_begin((int)f->of.threads));
    MN_TRY(take_row(f));
    MN_TRY(make_network(f));
    MN_TRY(probe(f));
    return describe(f);
}

mn_status mn_features_open(const mn_features_source *source, mn_features **features)
{
    mn_features *f = mn_memory_take_zeroed(1, sizeof *f);
    *features = NULL;
    if (f == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for features");
    f->of = *source;
    f->of.transform = mn_transform_plain(&source->transform);
    const mn_status status = open_all(f);
    if (status == MN_OK)
        *features = f;
    else
        mn_features_close(f);
    return status;
}

void mn_features_close(mn_features *f)
{
    if (f == NULL)
        return;
    cJSON_Delete(f->about);
    mn_memory_give(f->row);
    mn_batch_space_free(&f->batch);
    mn_tape_free(f->tape);
    mn_network_free(f->network);
    mn_memory_give(f);
}

const cJSON *mn_features_about(const mn_features *f)
{
    return f->about;
}

mn_status mn_features_make(mn_features *f, const char *path, const mn_pack_watch *watch)
{
    MN_TRY(load_weights(f));
    MN_TRY(describe_data(f));
    return compute_and_write(f, path, watch);
}
