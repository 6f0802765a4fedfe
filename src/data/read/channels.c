/* channels.c -- what the values of each channel are: their range, mean and deviation.
 *
 * Of pixels they come from counts of each byte, which are exact; of measurements by Welford's sums,
 * in the order of the rows.  So the same data give the same bits. */
#include <math.h>
#include <mneme/data.h>

static int64_t place_of(const int64_t *places, int64_t i)
{
    return places != NULL ? places[i] : i;
}

static mn_channel_values of_pixels(const mn_dataset *dataset, const int64_t *places, int64_t count,
                                   int64_t channel)
{
    const int64_t plane = dataset->height * dataset->width;
    int64_t bytes[256] = {0};
    double sum = 0, square = 0, all = (double)(count * plane);
    mn_channel_values of = {1, 0, 0, 0};
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *pixels =
            dataset->train.pixels + (place_of(places, i) * dataset->channels + channel) * plane;
        for (int64_t k = 0; k < plane; k++)
            bytes[pixels[k]]++;
    }
    for (int byte = 0; byte < 256; byte++) {
        const double value = byte / 255.0;
        sum += value * (double)bytes[byte];
        of.least = bytes[byte] > 0 ? fmin(of.least, value) : of.least;
        of.greatest = bytes[byte] > 0 ? fmax(of.greatest, value) : of.greatest;
    }
    of.mean = sum / all;
    for (int byte = 0; byte < 256; byte++)
        square += pow(byte / 255.0 - of.mean, 2) * (double)bytes[byte];
    of.deviation = sqrt(square / all);
    return of;
}

static mn_channel_values of_measurements(const mn_dataset *dataset, const int64_t *places,
                                         int64_t count, int64_t channel)
{
    const int64_t plane = dataset->height * dataset->width;
    mn_channel_values of = {HUGE_VAL, -HUGE_VAL, 0, 0};
    double square = 0;
    int64_t seen = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = channel * plane; k < (channel + 1) * plane; k++) {
            const int64_t at = place_of(places, i) * dataset->channels * plane + k;
            const double value = (double)dataset->offset[k] +
                                 (double)dataset->scale[k] * dataset->train.pixels[at] / 255;
            const double before = value - of.mean;
            of.mean += before / (double)++seen;
            square += before * (value - of.mean);
            of.least = fmin(of.least, value);
            of.greatest = fmax(of.greatest, value);
        }
    of.deviation = sqrt(square / (double)seen);
    return of;
}

void mn_dataset_channels(const mn_dataset *dataset, const int64_t *places, int64_t count,
                         mn_channel_values *channel)
{
    for (int64_t c = 0; c < dataset->channels; c++)
        channel[c] =
            (dataset->scale != NULL ? of_measurements : of_pixels)(dataset, places, count, c);
}
