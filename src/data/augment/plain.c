/* plain.c -- from bytes to what a network sees, without anything random.
 *
 * The float32 operations and their order are PyTorch's (ToTensor divides by 255, Normalize
 * subtracts, then divides).  Divided out in vectors it is faster than a table of 256 floats. */
#include "data/augment/plain.h"

#include <mneme/views.h>

void mn_normalise(const uint8_t *pixels, int64_t count, float mean, float deviation, float *x)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = ((float)pixels[i] / 255.0f - mean) / deviation;
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

void mn_transform_image(const mn_transform *transform, mn_shape image, const uint8_t *pixels,
                        float *x)
{
    if (transform->scale != NULL) {
        apply_measured(transform, image, pixels, x);
        return;
    }
    const int64_t plane = mn_shape_count(image) / transform->channels;
    for (int64_t channel = 0; channel < transform->channels; channel++)
        mn_normalise(pixels + channel * plane, plane, transform->mean[channel],
                     transform->deviation[channel], x + channel * plane);
}

void mn_transform_unit(const mn_transform *transform, mn_shape image, int64_t count,
                       const float *unit, float *x)
{
    const int64_t values = mn_shape_count(image), plane = values / transform->channels;
    for (int64_t row = 0; row < count; row++)
        for (int64_t i = 0; i < values; i++) {
            float value = unit[row * values + i];
            if (transform->scale != NULL)
                value = transform->offset[i] + transform->scale[i] * value;
            x[row * values + i] =
                (value - transform->mean[i / plane]) / transform->deviation[i / plane];
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
