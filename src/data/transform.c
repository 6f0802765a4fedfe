/* transform.c -- from bytes to what a network sees.
 *
 * The float32 operations and their order are PyTorch's (ToTensor divides by 255, Normalize
 * subtracts, then divides).  Divided out in vectors it is faster than a table of 256 floats. */
#include <mneme/data.h>

void mn_transform_apply(const mn_transform *transform, mn_shape image, int64_t count,
                        const uint8_t *pixels, mn_key key, const int64_t *ids, float *x)
{
    (void)key; /* nothing here is random yet */
    (void)ids;
    const int64_t channels = transform->channels, plane = mn_shape_count(image) / channels;
    for (int64_t row = 0; row < count; row++)
        for (int64_t channel = 0; channel < channels; channel++) {
            const float mean = transform->mean[channel], deviation = transform->deviation[channel];
            const int64_t at = (row * channels + channel) * plane;
            for (int64_t i = at; i < at + plane; i++)
                x[i] = ((float)pixels[i] / 255.0f - mean) / deviation;
        }
}
