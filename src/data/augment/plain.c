/* plain.c -- from rows to what a network sees, without anything random.
 *
 * The float32 operations and their order are PyTorch's (ToTensor divides by 255, Normalize
 * subtracts, then divides).  Divided out in vectors it is faster than a table of 256 floats. */
#include "data/augment/plain.h"

#include <math.h>
#include <mneme/views.h>

void mn_normalise(const uint8_t *pixels, int64_t count, float mean, float deviation, float *x)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = ((float)pixels[i] / 255.0f - mean) / deviation;
}

/* What a row's floats stand for: the values themselves, or parts of the way from least to greatest.
 */
static bool is_unit(const mn_transform *transform)
{
    return transform->scale != NULL && transform->type == MN_ROW_U8;
}

static float value_of_unit(const mn_transform *transform, int64_t i, float unit)
{
    return transform->scale != NULL ? transform->offset[i] + transform->scale[i] * unit : unit;
}

static float unit_of_value(const mn_transform *transform, int64_t i, float value)
{
    if (transform->scale == NULL)
        return value;
    return transform->scale[i] > 0 ? (value - transform->offset[i]) / transform->scale[i] : 0;
}

static void apply_measured(const mn_transform *transform, mn_shape image, const uint8_t *pixels,
                           float *x)
{
    const int64_t values = mn_shape_count(image), plane = values / transform->channels;
    for (int64_t i = 0; i < values; i++) {
        const float value =
            transform->offset[i] + transform->scale[i] * ((float)pixels[i] / 255.0f);
        x[i] = (value - transform->mean[i / plane]) / transform->deviation[i / plane];
    }
}

static void apply_floats(const mn_transform *transform, mn_shape image, const float *row, float *x)
{
    const int64_t values = mn_shape_count(image), plane = values / transform->channels;
    for (int64_t i = 0; i < values; i++) {
        const float value = is_unit(transform) ? value_of_unit(transform, i, row[i]) : row[i];
        x[i] = (value - transform->mean[i / plane]) / transform->deviation[i / plane];
    }
}

void mn_transform_image(const mn_transform *transform, mn_shape image, mn_row_type type,
                        const void *row, float *x)
{
    const uint8_t *pixels = row;
    if (type == MN_ROW_F32) {
        apply_floats(transform, image, row, x);
        return;
    }
    if (transform->scale != NULL) {
        apply_measured(transform, image, pixels, x);
        return;
    }
    const int64_t plane = mn_shape_count(image) / transform->channels;
    for (int64_t channel = 0; channel < transform->channels; channel++)
        mn_normalise(pixels + channel * plane, plane, transform->mean[channel],
                     transform->deviation[channel], x + channel * plane);
}

/* --- values in [0,1] --- */

void mn_transform_unit(const mn_transform *transform, mn_shape image, int64_t count,
                       const float *unit, float *x)
{
    const int64_t values = mn_shape_count(image), plane = values / transform->channels;
    for (int64_t row = 0; row < count; row++)
        for (int64_t i = 0; i < values; i++) {
            const float value = value_of_unit(transform, i, unit[row * values + i]);
            x[row * values + i] =
                (value - transform->mean[i / plane]) / transform->deviation[i / plane];
        }
}

void mn_rows_to_unit(const mn_transform *transform, mn_shape image, int64_t count, mn_row_type type,
                     const void *rows, float *unit)
{
    const int64_t values = mn_shape_count(image);
    const uint8_t *bytes = rows;
    const float *floats = rows;
    for (int64_t i = 0; i < count * values; i++)
        if (type == MN_ROW_U8)
            unit[i] = (float)bytes[i] / 255.0f;
        else
            unit[i] = transform->type == MN_ROW_U8
                          ? floats[i]
                          : unit_of_value(transform, i % values, floats[i]);
}

void mn_rows_from_unit(const mn_transform *transform, mn_shape image, int64_t count,
                       const float *unit, mn_row_type type, void *rows)
{
    const int64_t values = mn_shape_count(image);
    uint8_t *bytes = rows;
    float *floats = rows;
    for (int64_t i = 0; i < count * values; i++)
        if (type == MN_ROW_U8)
            bytes[i] = (uint8_t)lrintf(255 * fminf(fmaxf(unit[i], 0), 1));
        else
            floats[i] = transform->type == MN_ROW_U8
                            ? unit[i]
                            : value_of_unit(transform, i % values, unit[i]);
}

/* --- the way back --- */

static void invert_to_bytes(const mn_transform *transform, mn_shape image, const float *x,
                            uint8_t *pixels)
{
    const int64_t values = mn_shape_count(image), plane = values / transform->channels;
    for (int64_t i = 0; i < values; i++) {
        double value =
            (double)(x[i] * transform->deviation[i / plane] + transform->mean[i / plane]);
        if (transform->scale != NULL)
            value = (value - (double)transform->offset[i]) /
                    (double)(transform->scale[i] > 0 ? transform->scale[i] : 1);
        pixels[i] = (uint8_t)lround(255 * fmin(fmax(value, 0), 1));
    }
}

void mn_transform_invert(const mn_transform *transform, mn_shape image, const float *x,
                         mn_row_type type, void *row)
{
    const int64_t values = mn_shape_count(image), plane = values / transform->channels;
    float *floats = row;
    if (type == MN_ROW_U8) {
        invert_to_bytes(transform, image, x, row);
        return;
    }
    for (int64_t i = 0; i < values; i++) {
        const float value = x[i] * transform->deviation[i / plane] + transform->mean[i / plane];
        floats[i] = is_unit(transform) ? unit_of_value(transform, i, value) : value;
    }
}

mn_transform mn_transform_plain(const mn_transform *transform)
{
    mn_transform plain = *transform;
    plain.pad = 0;
    plain.flip = false;
    plain.views = NULL;
    return plain;
}
