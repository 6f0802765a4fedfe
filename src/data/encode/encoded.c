/* encoded.c -- every image of a data set is encoded once, and the images are forgotten. */
#include "data/encode/encoded.h"
#include "data/read/reader.h"
#include "data/read/source.h"
#include "data/stream/row.h"
#include "tensor/file/half.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

typedef struct encoder {
    mn_dataset *dataset;
    mn_encoding *encoding;
    uint8_t *kept, *row; /* an image as the data set has it, and as batches would */
    float *form;         /* it in the form, as floats or bytes */
    uint8_t *made[MN_PARTS];
} encoder;

static mn_status encode_image(const encoder *e, int part, int64_t i)
{
    const mn_dataset *dataset = e->dataset;
    const mn_row_type type = mn_row_type_in_batches(dataset->type);
    const int64_t values = mn_shape_count(mn_encoding_shape(e->encoding));
    MN_TRY(mn_dataset_pixels(dataset, mn_images_of(e->dataset, part), i, e->kept));
    mn_row_convert(dataset->type, e->kept, mn_shape_count(mn_dataset_image(e->dataset)), type,
                   e->row);
    MN_TRY(mn_encoding_encode(e->encoding, type, e->row, e->form));
    if (mn_encoding_type(e->encoding) == MN_ROW_U8)
        memcpy(e->made[part] + i * values, e->form, (size_t)values);
    for (int64_t v = 0; v < values && mn_encoding_type(e->encoding) == MN_ROW_F16; v++)
        ((uint16_t *)(void *)e->made[part])[i * values + v] = mn_half_of(e->form[v]);
    return MN_OK;
}

static mn_status encode_parts(encoder *e)
{
    const mn_shape form = mn_encoding_shape(e->encoding);
    for (int part = 0; part < MN_PARTS; part++) {
        const int64_t count = mn_images_of(e->dataset, part)->count;
        MN_TRY(mn_pixels_allocate(mn_encoding_type(e->encoding), count, form.size[0], form.size[1],
                                  form.size[2], &e->made[part]));
        for (int64_t i = 0; i < count; i++)
            MN_TRY(mn_source_advise(encode_image(e, part, i)));
    }
    return MN_OK;
}

/* Of coordinates, as of all measurements: where the training images' lie. */
static mn_status find_ranges(const encoder *e, float **offset, float **scale)
{
    const int64_t values = mn_shape_count(mn_encoding_shape(e->encoding)),
                  count = e->dataset->train.count;
    const uint16_t *halves = (const void *)e->made[MN_TRAIN_PART];
    *offset = mn_data_take((size_t)values * sizeof **offset);
    *scale = mn_data_take((size_t)values * sizeof **scale);
    if (*offset == NULL || *scale == NULL)
        return MN_NO_MEMORY;
    for (int64_t v = 0; v < values; v++) {
        float least = mn_half_value(halves[v]), greatest = least;
        for (int64_t i = 1; i < count; i++) {
            least = fminf(least, mn_half_value(halves[i * values + v]));
            greatest = fmaxf(greatest, mn_half_value(halves[i * values + v]));
        }
        (*offset)[v] = least;
        (*scale)[v] = greatest - least;
    }
    return MN_OK;
}

static mn_status replace(encoder *e)
{
    const mn_shape form = mn_encoding_shape(e->encoding);
    mn_dataset made = {.type = mn_encoding_type(e->encoding),
                       .channels = form.size[0],
                       .height = form.size[1],
                       .width = form.size[2]};
    const mn_status status =
        made.type != MN_ROW_U8 ? find_ranges(e, &made.offset, &made.scale) : MN_OK;
    for (int part = 0; part < MN_PARTS && status == MN_OK; part++) {
        mn_images_of(&made, part)->pixels = e->made[part];
        e->made[part] = NULL;
    }
    if (status == MN_OK)
        mn_dataset_take_rows(e->dataset, &made);
    mn_memory_give(made.offset); /* where it failed; else they are the data set's */
    mn_memory_give(made.scale);
    return status;
}

static mn_status encode_all(encoder *e)
{
    const size_t values = (size_t)mn_shape_count(mn_dataset_image(e->dataset));
    uint32_t digest;
    e->kept = mn_memory_take(values, sizeof(float));
    e->row = mn_memory_take(values, sizeof(float));
    e->form =
        mn_memory_take((size_t)mn_shape_count(mn_encoding_shape(e->encoding)), sizeof *e->form);
    if (e->kept == NULL || e->row == NULL || e->form == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a row of %zu values", values);
    MN_TRY(mn_dataset_digest(e->dataset, &digest));
    MN_TRY(encode_parts(e));
    MN_TRY(replace(e));
    e->dataset->digest = digest;
    return MN_OK;
}

mn_status mn_dataset_encode(mn_dataset *dataset, const mn_encoding_spec *spec)
{
    encoder e = {.dataset = dataset};
    MN_TRY(mn_encoding_new(spec, mn_dataset_image(dataset), dataset->type, dataset->offset,
                           dataset->scale, &e.encoding));
    if (e.encoding == NULL)
        return MN_OK;
    const mn_status status = encode_all(&e);
    mn_memory_give(e.kept);
    mn_memory_give(e.row);
    mn_memory_give(e.form);
    for (int part = 0; part < MN_PARTS; part++)
        mn_memory_give(e.made[part]);
    mn_encoding_free(e.encoding);
    return status;
}
