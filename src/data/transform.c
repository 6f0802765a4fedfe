/* transform.c -- from bytes to what a network sees.
 *
 * There are only 256 pixel values, so each channel becomes a table: its entries are computed as
 * PyTorch does (a float32 division by 255, then subtract, then divide), at the price of a lookup.
 */
#include <mneme/data.h>

enum { PIXEL_VALUES = 256 };

static void fill_table(float mean, float deviation, float table[PIXEL_VALUES])
{
    for (int value = 0; value < PIXEL_VALUES; value++)
        table[value] = ((float)value / 255.0f - mean) / deviation;
}

void mn_transform_apply(const mn_transform *transform, mn_shape image, int64_t count,
                        const uint8_t *pixels, mn_key key, const int64_t *ids, float *x)
{
    (void)key; /* nothing here is random yet */
    (void)ids;
    const int64_t channels = image.rank > 0 ? image.size[0] : 1;
    const int64_t plane = channels > 0 ? mn_shape_count(image) / channels : 0;
    for (int64_t channel = 0; channel < channels; channel++) {
        float table[PIXEL_VALUES];
        fill_table(transform->mean[channel], transform->deviation[channel], table);
        for (int64_t row = 0; row < count; row++) {
            const int64_t at = (row * channels + channel) * plane;
            for (int64_t i = at; i < at + plane; i++)
                x[i] = table[pixels[i]];
        }
    }
}
