/* channels.c -- what the values of each channel are: their range, mean and deviation.
 *
 * Of pixels they come from counts of each byte, which are exact; of measurements by Welford's sums,
 * in the order of the rows.  So the same data give the same bits. */
#include "data/read/resize.h"
#include "data/stream/row.h"

#include <math.h>
#include <mneme/data.h>
#include <mneme/memory.h>

static int64_t place_of(const int64_t *places, int64_t i)
{
    return places != NULL ? places[i] : i;
}

enum { BYTES = 256 };

static mn_channel_values of_counts(const int64_t counted[BYTES], double all)
{
    double sum = 0, square = 0;
    mn_channel_values of = {1, 0, 0, 0};
    for (int byte = 0; byte < BYTES; byte++) {
        const double value = byte / 255.0;
        sum += value * (double)counted[byte];
        of.least = counted[byte] > 0 ? fmin(of.least, value) : of.least;
        of.greatest = counted[byte] > 0 ? fmax(of.greatest, value) : of.greatest;
    }
    of.mean = sum / all;
    for (int byte = 0; byte < BYTES; byte++)
        square += pow(byte / 255.0 - of.mean, 2) * (double)counted[byte];
    of.deviation = sqrt(square / all);
    return of;
}

static mn_status of_pixels(const mn_dataset *dataset, const int64_t *places, int64_t count,
                           uint8_t *image, mn_channel_values *channel)
{
    const int64_t plane = dataset->height * dataset->width;
    int64_t counted[MN_MOST_CHANNELS][BYTES] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        MN_TRY(mn_dataset_pixels(dataset, &dataset->train, place_of(places, i), image));
        for (int64_t k = 0; k < dataset->channels * plane; k++)
            counted[k / plane][image[k]]++;
    }
    for (int64_t c = 0; c < dataset->channels; c++)
        channel[c] = of_counts(counted[c], (double)(count * plane));
    return MN_OK;
}

/* One value, and how many were before it. */
static void add(mn_channel_values *of, int64_t before, double value)
{
    const double apart = value - of->mean;
    of->mean += apart / (double)(before + 1);
    of->deviation += apart * (value - of->mean); /* for now the sum of squares */
    of->least = fmin(of->least, value);
    of->greatest = fmax(of->greatest, value);
}

static double value_of(const mn_dataset *dataset, const uint8_t *row, int64_t k)
{
    float value;
    if (dataset->type == MN_ROW_U8)
        return (double)dataset->offset[k] + (double)dataset->scale[k] * row[k] / 255;
    mn_row_widen(dataset->type, row + mn_row_bytes(dataset->type, k), 1, &value);
    return (double)value;
}

static mn_status of_measurements(const mn_dataset *dataset, const int64_t *places, int64_t count,
                                 uint8_t *row, mn_channel_values *channel)
{
    const int64_t values = mn_shape_count(mn_dataset_image(dataset));
    const int64_t channels = mn_dataset_normalised(dataset), plane = values / channels;
    for (int64_t c = 0; c < channels; c++)
        channel[c] = (mn_channel_values){HUGE_VAL, -HUGE_VAL, 0, 0};
    for (int64_t i = 0; i < count; i++) {
        MN_TRY(mn_dataset_pixels(dataset, &dataset->train, place_of(places, i), row));
        for (int64_t k = 0; k < values; k++)
            add(&channel[k / plane], i * plane + k % plane, value_of(dataset, row, k));
    }
    for (int64_t c = 0; c < channels; c++)
        channel[c].deviation = sqrt(channel[c].deviation / (double)(count * plane));
    return MN_OK;
}

int64_t mn_dataset_normalised(const mn_dataset *dataset)
{
    return dataset->channels <= MN_MOST_CHANNELS ? dataset->channels : 1;
}

mn_status mn_dataset_channels(const mn_dataset *dataset, const int64_t *places, int64_t count,
                              mn_channel_values *channel)
{
    const int64_t values = mn_shape_count(mn_dataset_image(dataset));
    uint8_t *image = mn_memory_take(mn_row_bytes(dataset->type, values), 1);
    if (image == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for an image");
    const mn_status status = (dataset->scale != NULL ? of_measurements : of_pixels)(
        dataset, places, count, image, channel);
    mn_memory_give(image);
    return status;
}
