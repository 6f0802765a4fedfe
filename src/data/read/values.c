/* values.c -- numbers of any kind made into the bytes that a data set holds.
 *
 * Buffers and run files keep rows as bytes, whatever they are.  So measurements are kept in 255
 * steps between the least and the greatest value of their place, and come back to within half a
 * step.  The range is that of all rows: it decides nothing but the size of a step. */
#include "data/read/values.h"

#include <math.h>
#include <stdlib.h>

static int64_t row_of(const mn_dataset *dataset)
{
    return dataset->channels * dataset->height * dataset->width;
}

mn_status mn_values_to_pixels(const mn_values *values, double white, const mn_dataset *dataset,
                              mn_images *images)
{
    const int64_t width = row_of(dataset), count = values->rows * width;
    for (int64_t i = 0; i < count; i++) {
        const double value = values->at(values->from, i);
        if (!(value >= 0 && value <= white))
            return mn_fail(MN_BAD_VALUE,
                           "%s: pixel %lld of image %lld is %g, expected 0 (black) to %g (white)",
                           values->path, (long long)(i % width), (long long)(i / width), value,
                           white);
        images->pixels[i] = (uint8_t)lround(255 * value / white);
    }
    return MN_OK;
}

static mn_status find_range(const mn_values *values, int64_t width, float *least, float *greatest)
{
    for (int64_t i = 0; i < values->rows * width; i++) {
        const float value = (float)values->at(values->from, i);
        if (!isfinite(value))
            return mn_fail(MN_BAD_VALUE, "%s: value %lld of row %lld is %g", values->path,
                           (long long)(i % width), (long long)(i / width), (double)value);
        least[i % width] = fminf(least[i % width], value);
        greatest[i % width] = fmaxf(greatest[i % width], value);
    }
    return MN_OK;
}

static void fill_steps(const mn_values *values, const mn_dataset *dataset, mn_images *images)
{
    const int64_t width = row_of(dataset);
    for (int64_t i = 0; i < values->rows * width; i++) {
        const double offset = (double)dataset->offset[i % width];
        const double scale = (double)dataset->scale[i % width];
        const double part = ((double)(float)values->at(values->from, i) - offset) / scale;
        images->pixels[i] = scale > 0 ? (uint8_t)lround(255 * fmin(fmax(part, 0), 1)) : 0;
    }
}

mn_status mn_values_measure(const mn_values *train, const mn_values *test, mn_dataset *dataset)
{
    const int64_t width = row_of(dataset);
    float *least = mn_data_take((size_t)width * sizeof *least);
    float *greatest = mn_data_take((size_t)width * sizeof *greatest);
    dataset->offset = least; /* the data set frees both */
    dataset->scale = greatest;
    if (least == NULL || greatest == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the ranges of %lld values",
                       (long long)width);
    for (int64_t i = 0; i < width; i++) {
        least[i] = INFINITY;
        greatest[i] = -INFINITY;
    }
    MN_TRY(find_range(train, width, least, greatest));
    MN_TRY(find_range(test, width, least, greatest));
    for (int64_t i = 0; i < width; i++) {
        greatest[i] -= least[i];
        if (!isfinite(greatest[i]))
            return mn_fail(MN_BAD_VALUE, "%s: value %lld of the rows reaches too far to be kept",
                           train->path, (long long)i);
    }
    fill_steps(train, dataset, &dataset->train);
    fill_steps(test, dataset, &dataset->test);
    return MN_OK;
}
