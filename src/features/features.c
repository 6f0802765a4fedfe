/* features.c -- all images of a data set through a frozen network into one file.
 *
 * Rows are computed as floats, batch by batch, into a file of their own (partial.h), and written as
 * what the user asked for when all are there: a step of 8 bits depends on all rows.  That file
 * begins with what the rows depend on, so that another network, size or weight begins anew. */
#include "base/build.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/team.h"
#include "data/stream/batch.h"
#include "data/stream/row.h"
#include "experiment/data.h"
#include "experiment/sections.h"
#include "features/partial.h"
#include "learner/heads.h"
#include "learner/weights.h"
#include "nn/network.h"
#include "tensor/file/half.h"
#include "tensor/file/safetensors_write.h"
#include "tensor/kernels.h"

#include <math.h>
#include <mneme/features.h>
#include <mneme/memory.h>
#include <mneme/version.h>
#include <stdio.h>
#include <string.h>

typedef struct extraction {
    const mn_experiment *experiment;
    const mn_features_spec *spec;
    mn_dataset *dataset;
    mn_stream *stream;
    mn_transform transform; /* without its random part */
    mn_network *network;
    mn_tape *tape;
    mn_batch_space batch;
    uint8_t *row;   /* an image as the data set has it */
    mn_shape shape; /* of a row of features: (D), or (C, H, W) */
    cJSON *about;   /* what they are of: the file's metadata */
    mn_partial partial;
} extraction;

static int64_t images_of(const extraction *e)
{
    return e->dataset->train.count + e->dataset->test.count;
}

/* --- data and network ------------------------------------------------------------------------- */

static mn_status read_data(extraction *e)
{
    MN_TRY(mn_experiment_dataset(e->experiment, &e->dataset));
    MN_TRY(mn_experiment_stream(e->experiment, e->dataset, &e->stream, &e->transform));
    e->transform = mn_transform_plain(&e->transform);
    e->row = mn_memory_take(
        mn_row_bytes(e->dataset->type, mn_shape_count(mn_dataset_image(e->dataset))), 1);
    return e->row != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for an image");
}

/* The network that a run of this experiment would begin with, but for its classifier. */
static mn_status make_network(extraction *e)
{
    const mn_run_settings *settings = mn_experiment_settings(e->experiment);
    mn_network_spec spec;
    MN_TRY(mn_learner_network_spec(e->experiment, e->stream, &spec));
    const mn_key key = mn_key_of((uint64_t)settings->seed, "network.initial.run/network");
    MN_TRY(mn_network_new_seeing(NULL, NULL, &spec, (mn_sight)settings->sees, key, &e->network));
    if (settings->init[0] != '\0') {
        const mn_status status =
            mn_weights_load(e->network, settings->init, settings->init_digest, false);
        if (status != MN_OK)
            return mn_fail_in(status, "init");
    }
    MN_TRY(mn_tape_new(&e->tape));
    mn_tape_record(e->tape, false);
    return mn_tape_precision(e->tape, (mn_dtype)settings->precision);
}

/* --- features of a batch ---------------------------------------------------------------------- */

static mn_var *forward(extraction *e, int64_t rows, const float *x)
{
    const mn_shape image = mn_dataset_image(e->dataset);
    const mn_shape shape = MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]);
    mn_tape_reset(e->tape);
    const mn_forwarded out = mn_network_forward(
        e->network, x != NULL ? mn_input(e->tape, shape, x, false) : mn_zeros(e->tape, shape),
        MN_EVAL | MN_NO_GRADIENT);
    return e->spec->layer != NULL ? mn_network_map(&out, e->spec->layer) : out.features;
}

/* The shape of a row, as a black image has it. */
static mn_status probe(extraction *e)
{
    mn_var *features = forward(e, 1, NULL);
    const float *values;
    const mn_status status = mn_values(features, &values);
    if (status != MN_OK)
        return mn_fail_in(status, "features");
    const mn_shape all = mn_shape_of(features);
    e->shape.rank = all.rank - 1;
    for (int axis = 1; axis < all.rank; axis++)
        e->shape.size[axis - 1] = all.size[axis];
    return MN_OK;
}

static mn_status fill_batch(extraction *e, const mn_images *images, int64_t first, int64_t rows)
{
    const mn_row_type type = mn_row_type_in_batches(e->dataset->type);
    const mn_shape image = mn_dataset_image(e->dataset);
    const int64_t values = mn_shape_count(image);
    MN_TRY(mn_batch_space_prepare(&e->batch, image, type, rows));
    for (int64_t i = 0; i < rows; i++) {
        MN_TRY(mn_dataset_pixels(e->dataset, images, first + i, e->row));
        mn_row_convert(e->dataset->type, e->row, values, type,
                       e->batch.pixels + mn_row_bytes(type, i * values));
    }
    return mn_batch_space_transform(&e->batch, &e->transform, mn_key_of(0, "plain"), NULL);
}

static mn_status refuse_value(const extraction *e, int64_t row, double value)
{
    return mn_fail(
        MN_BAD_VALUE,
        "feature of image %lld of %s is %g; are the weights, normalise and the network's "
        "options those it was trained with?",
        (long long)row, e->dataset->name, value);
}

static mn_status add_batch(extraction *e, const mn_images *images, int64_t first, int64_t rows)
{
    const float *values;
    MN_TRY(fill_batch(e, images, first, rows));
    mn_var *features = forward(e, rows, e->batch.x);
    const mn_status status = mn_values(features, &values);
    if (status != MN_OK)
        return mn_fail_in(status, "features");
    for (int64_t i = 0; i < rows * e->partial.width; i++)
        if (!isfinite(values[i]))
            return refuse_value(e, first + i / e->partial.width, (double)values[i]);
    return mn_partial_add(&e->partial, values, rows);
}

/* Batches begin at multiples of their size in each part of the data, so that those after an
 * interruption are those without it. */
static int64_t whole_batches(const extraction *e, int64_t rows)
{
    const int64_t batch = mn_experiment_settings(e->experiment)->eval_batch;
    const int64_t train = e->dataset->train.count, first = rows < train ? 0 : train;
    return rows - (rows - first) % batch;
}

static mn_status compute(extraction *e, const char *path, const mn_pack_watch *watch)
{
    const int64_t batch = mn_experiment_settings(e->experiment)->eval_batch;
    const int64_t train = e->dataset->train.count, all = images_of(e);
    while (e->partial.rows < all) {
        const int64_t done = e->partial.rows;
        const mn_images *images = done < train ? &e->dataset->train : &e->dataset->test;
        const int64_t first = done < train ? done : done - train;
        const int64_t left = images->count - first;
        if (watch != NULL && !watch->go_on(watch->context, done, all))
            return mn_fail(MN_INTERRUPTED,
                           "%s: stopped after %lld of %lld images; the same command goes on from "
                           "there",
                           path, (long long)done, (long long)all);
        MN_TRY(add_batch(e, images, first, left < batch ? left : batch));
    }
    return MN_OK;
}

/* --- what they are of ------------------------------------------------------------------------- */

static void describe_transform(const extraction *e, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int64_t c = 0; c < e->transform.channels && used < bytes; c++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%.9g:%.9g", c > 0 ? "," : "",
                                 (double)e->transform.mean[c], (double)e->transform.deviation[c]);
}

static mn_status describe(extraction *e)
{
    const mn_run_settings *settings = mn_experiment_settings(e->experiment);
    const mn_network_spec *network = mn_network_spec_of(e->network);
    const mn_shape image = mn_dataset_image(e->dataset);
    char normalised[160], digest[MN_DIGEST], input[64], computed[320], classes[32], drawn[48];
    char layer[256];
    uint32_t of_data;
    MN_TRY(mn_dataset_digest(e->dataset, &of_data));
    snprintf(digest, sizeof digest, "%08x", (unsigned)of_data);
    describe_transform(e, normalised, sizeof normalised);
    snprintf(classes, sizeof classes, "%lld", (long long)e->dataset->classes);
    snprintf(drawn, sizeof drawn, "drawn with seed %lld", (long long)settings->seed);
    snprintf(computed, sizeof computed, "%s, numbers %d, batches of %lld, %s, %s, %s, %s",
             mn_version(), MN_NUMERICS, (long long)settings->eval_batch,
             settings->precision == MN_BF16 ? "bf16" : "f32", mn_kernels_versions(),
             mn_kernels_instruction_set(), mn_kernels_onednn_instruction_set());
    const struct {
        const char *key, *value;
    } texts[] = {
        {"dataset", e->dataset->name},
        {"dataset_digest", digest},
        {"classes", classes},
        {"image", mn_shape_text(image, input)},
        {"normalise", normalised},
        {"network", network->type},
        {"network_options", network->options},
        {"weights_digest", settings->init[0] != '\0' ? settings->init_digest : drawn},
        {"layer",
         mn_visible(e->spec->layer != NULL ? e->spec->layer : "features", layer, sizeof layer)},
        {"made_by", computed},
    };
    e->about = cJSON_CreateObject();
    bool whole = e->about != NULL;
    for (size_t i = 0; whole && i < sizeof texts / sizeof texts[0]; i++)
        whole = cJSON_AddStringToObject(e->about, texts[i].key, texts[i].value) != NULL;
    return whole ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for the metadata of features");
}

/* --- the file --------------------------------------------------------------------------------- */

/* Their values as the file has them; of steps also the range of each place. */
typedef struct made {
    void *values;
    float *offset, *scale; /* (D) */
} made;

static void make_steps(const extraction *e, const float *rows, made *m)
{
    const int64_t width = e->partial.width, count = images_of(e) * width;
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

static mn_status make_halves(const extraction *e, const float *rows, made *m)
{
    static const float greatest = 65504;
    uint16_t *halves = m->values;
    for (int64_t i = 0; i < images_of(e) * e->partial.width; i++) {
        if (fabsf(rows[i]) > greatest)
            return mn_fail(MN_BAD_VALUE,
                           "feature %lld of image %lld, training images first, is %g, but half "
                           "floats end at 65504; write f32",
                           (long long)(i % e->partial.width), (long long)(i / e->partial.width),
                           (double)rows[i]);
        halves[i] = mn_half_of(rows[i]);
    }
    return MN_OK;
}

static mn_shape rows_shape(const extraction *e, int64_t rows)
{
    mn_shape shape = {.rank = e->shape.rank + 1, .size = {rows}};
    for (int axis = 0; axis < e->shape.rank; axis++)
        shape.size[axis + 1] = e->shape.size[axis];
    return shape;
}

static mn_status write_values(const extraction *e, const char *path, const void *values,
                              const made *m)
{
    static const mn_value_type types[] = {
        [MN_ROW_F32] = MN_VALUES_F32, [MN_ROW_F16] = MN_VALUES_F16, [MN_ROW_U8] = MN_VALUES_U8};
    const mn_dataset *d = e->dataset;
    const int64_t train = d->train.count, test = d->test.count;
    const mn_value_type type = types[e->spec->type];
    const char *test_rows =
        (const char *)values + mn_row_bytes(e->spec->type, train * e->partial.width);
    mn_named_values tensors[] = {
        {"x_train", rows_shape(e, train), values, type},
        {"x_test", rows_shape(e, test), test_rows, type},
        {"y_train", MN_SHAPE(train), d->train.labels, MN_VALUES_I32},
        {"y_test", MN_SHAPE(test), d->test.labels, MN_VALUES_I32},
        {"offset", e->shape, m->offset, MN_VALUES_F32},
        {"scale", e->shape, m->scale, MN_VALUES_F32},
    };
    return mn_safetensors_write_with(path, e->about, tensors, m->scale != NULL ? 6 : 4);
}

static mn_status write_as_asked(const extraction *e, const char *path, const float *rows)
{
    const bool steps = e->spec->type == MN_ROW_U8;
    const size_t width = (size_t)e->partial.width;
    made m = {.values = NULL};
    if (e->spec->type == MN_ROW_F32)
        return write_values(e, path, rows, &m);
    m.values = mn_memory_take(mn_row_bytes(e->spec->type, images_of(e) * e->partial.width), 1);
    m.offset = steps ? mn_memory_take(width, sizeof *m.offset) : NULL;
    m.scale = steps ? mn_memory_take(width, sizeof *m.scale) : NULL;
    mn_status status = m.values != NULL && (!steps || (m.offset != NULL && m.scale != NULL))
                           ? MN_OK
                           : mn_fail(MN_NO_MEMORY, "%s: out of memory for its values", path);
    if (status == MN_OK && steps)
        make_steps(e, rows, &m);
    else if (status == MN_OK)
        status = make_halves(e, rows, &m);
    if (status == MN_OK)
        status = write_values(e, path, m.values, &m);
    mn_memory_give(m.values);
    mn_memory_give(m.offset);
    mn_memory_give(m.scale);
    return status;
}

static mn_status compute_and_write(extraction *e, const char *path, const mn_pack_watch *watch)
{
    const float *rows;
    char *about = cJSON_PrintUnformatted(e->about);
    mn_status status = about != NULL
                           ? mn_partial_open(path, about, mn_shape_count(e->shape), &e->partial)
                           : mn_fail(MN_NO_MEMORY, "%s: out of memory for its metadata", path);
    mn_memory_give(about);
    MN_TRY(status);
    status = mn_partial_keep(&e->partial, whole_batches(e, e->partial.rows));
    if (status == MN_OK)
        status = compute(e, path, watch);
    if (status == MN_OK)
        status = mn_partial_rows(&e->partial, &rows);
    if (status == MN_OK)
        status = write_as_asked(e, path, rows);
    mn_partial_close(&e->partial, status == MN_OK);
    return status;
}

static mn_status extract(extraction *e, const char *path, const mn_pack_watch *watch)
{
    MN_TRY(mn_team_begin((int)mn_experiment_settings(e->experiment)->threads));
    MN_TRY(read_data(e));
    MN_TRY(make_network(e));
    MN_TRY(probe(e));
    MN_TRY(describe(e));
    return compute_and_write(e, path, watch);
}

mn_status mn_features_write(const mn_experiment *experiment, const mn_features_spec *spec,
                            const char *path, const mn_pack_watch *watch)
{
    extraction e = {.experiment = experiment, .spec = spec};
    const mn_status status = extract(&e, path, watch);
    cJSON_Delete(e.about);
    mn_memory_give(e.row);
    mn_batch_space_free(&e.batch);
    mn_tape_free(e.tape);
    mn_network_free(e.network);
    mn_stream_free(e.stream);
    mn_dataset_free(e.dataset);
    return status;
}
