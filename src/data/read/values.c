/* values.c -- numbers of any kind made into the rows that a data set holds.
 *
 * Measurements are kept as floats where the user asks for it, else in 255 steps between the least
 * and the greatest value of their place, from which they come back to within half a step.  The
 * range is that of all rows: it decides nothing but the size of a step.
 *
 * The network computes in floats, which hold 7 digits: of time stamps, 1 700 000 000 and the like,
 * they would hold nothing that matters.  So what is taken off a place is taken off in double. */
#include "data/read/values.h"
#include "tensor/file/half.h"

#include <math.h>
#include <mneme/memory.h>

const char *const mn_row_type_choices[] = {"u8", "f32", "f16", NULL};
static const float GREATEST_HALF = 65504;

static int64_t row_of(const mn_dataset *dataset)
{
    return dataset->channels * dataset->height * dataset->width;
}

/* Where the first pixel is that cannot be, and what all of them are. */
static mn_status refuse_pixel(const mn_values *values, double white, int64_t width, int64_t at)
{
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (int64_t i = 0; i < values->rows * width; i++) {
        least = fmin(least, values->at(values->from, i));
        most = fmax(most, values->at(values->from, i));
    }
    const bool finite = isfinite(values->at(values->from, at)) && isfinite(least) && isfinite(most);
    const char *advice = !finite     ? "; they must be finite"
                         : least < 0 ? "; save (x - x.min()) / (x.max() - x.min()) instead"
                                     : "; say with white which number is white";
    return mn_fail(MN_BAD_VALUE,
                   "%s: pixel %lld of image %lld is %g, expected 0 (black) to %g (white); all are "
                   "from %g to %g%s",
                   values->path, (long long)(at % width), (long long)(at / width),
                   values->at(values->from, at), white, least, most, advice);
}

mn_status mn_values_to_pixels(const mn_values *values, double white, const mn_dataset *dataset,
                              mn_images *images)
{
    const int64_t width = row_of(dataset), count = values->rows * width;
    for (int64_t i = 0; i < count; i++) {
        const double value = values->at(values->from, i);
        if (!(value >= 0 && value <= white))
            return refuse_pixel(values, white, width, i);
        images->pixels[i] = (uint8_t)lround(255 * value / white);
    }
    return MN_OK;
}

/* --- measurements ----------------------------------------------------------------------------- */

/* A place of a row: its values are kept as (value - shift) / unit. */
typedef struct place {
    double least, greatest, mean, square; /* of the training rows; square: summed, about the mean */
    double shift, unit;
} place;

static mn_status not_finite(const mn_values *values, int64_t width, int64_t i, double value)
{
    return mn_fail(MN_BAD_VALUE, "%s: value %lld of row %lld is %g", values->path,
                   (long long)(i % width), (long long)(i / width), value);
}

/* Welford's: mean and deviation in one pass, however far from 0 the values are. */
static mn_status survey(const mn_values *train, int64_t width, place *places)
{
    for (int64_t i = 0; i < width; i++)
        places[i] = (place){.least = HUGE_VAL, .greatest = -HUGE_VAL, .unit = 1};
    for (int64_t i = 0; i < train->rows * width; i++) {
        place *p = &places[i % width];
        const double value = train->at(train->from, i);
        if (!isfinite(value))
            return not_finite(train, width, i, value);
        const double before = value - p->mean;
        p->mean += before / (double)(i / width + 1);
        p->square += before * (value - p->mean);
        p->least = fmin(p->least, value);
        p->greatest = fmax(p->greatest, value);
    }
    return MN_OK;
}

/* Returns how many places are moved; *moved is one of them. */
static int64_t decide(bool standardise, int64_t rows, int64_t width, place *places, int64_t *moved)
{
    static const double far = 1000; /* widths from 0, from which a float's steps begin to count */
    int64_t count = 0;
    for (int64_t i = 0; i < width; i++) {
        place *p = &places[i];
        const double deviation = sqrt(p->square / (double)rows), spread = p->greatest - p->least;
        const bool blurred = spread > 0 && fmax(fabs(p->least), fabs(p->greatest)) > far * spread;
        if (standardise || blurred)
            p->shift = p->mean;
        if (standardise && deviation > 0)
            p->unit = deviation;
        if (!standardise && blurred) {
            *moved = i;
            count++;
        }
    }
    return count;
}

static float kept_at(const mn_values *values, const place *places, int64_t width, int64_t i)
{
    const place *p = &places[i % width];
    return (float)((values->at(values->from, i) - p->shift) / p->unit);
}

static mn_status find_range(const mn_values *values, const place *places, bool half, int64_t width,
                            float *least, float *greatest)
{
    for (int64_t i = 0; i < values->rows * width; i++) {
        const float value = kept_at(values, places, width, i);
        if (!isfinite(value))
            return not_finite(values, width, i, values->at(values->from, i));
        if (half && fabsf(value) > GREATEST_HALF)
            return mn_fail(MN_BAD_VALUE,
                           "%s: value %lld of row %lld is %g, but half floats end at 65504; set "
                           "dtype to f32",
                           values->path, (long long)(i % width), (long long)(i / width),
                           (double)value);
        least[i % width] = fminf(least[i % width], value);
        greatest[i % width] = fmaxf(greatest[i % width], value);
    }
    return MN_OK;
}

static void fill_floats(const mn_values *values, const place *places, const mn_dataset *dataset,
                        mn_images *images)
{
    const int64_t width = row_of(dataset);
    float *floats = (float *)(void *)images->pixels;
    uint16_t *halves = (uint16_t *)(void *)images->pixels;
    for (int64_t i = 0; i < values->rows * width; i++)
        if (dataset->type == MN_ROW_F32)
            floats[i] = kept_at(values, places, width, i);
        else
            halves[i] = mn_half_of(kept_at(values, places, width, i));
}

static void fill_steps(const mn_values *values, const place *places, const mn_dataset *dataset,
                       mn_images *images)
{
    const int64_t width = row_of(dataset);
    for (int64_t i = 0; i < values->rows * width; i++) {
        const double offset = (double)dataset->offset[i % width];
        const double scale = (double)dataset->scale[i % width];
        const double part = ((double)kept_at(values, places, width, i) - offset) / scale;
        images->pixels[i] = scale > 0 ? (uint8_t)lround(255 * fmin(fmax(part, 0), 1)) : 0;
    }
}

static mn_status measure(const mn_values *train, const mn_values *test, const place *places,
                         mn_dataset *dataset)
{
    const int64_t width = row_of(dataset);
    float *least = dataset->offset, *greatest = dataset->scale;
    for (int64_t i = 0; i < width; i++) {
        least[i] = HUGE_VAL;
        greatest[i] = -HUGE_VAL;
    }
    const bool half = dataset->type == MN_ROW_F16;
    MN_TRY(find_range(train, places, half, width, least, greatest));
    MN_TRY(find_range(test, places, half, width, least, greatest));
    for (int64_t i = 0; i < width; i++) {
        greatest[i] -= least[i];
        if (!isfinite(greatest[i]))
            return mn_fail(MN_BAD_VALUE, "%s: value %lld of the rows reaches too far to be kept",
                           train->path, (long long)i);
    }
    const bool steps = dataset->type == MN_ROW_U8;
    (steps ? fill_steps : fill_floats)(train, places, dataset, &dataset->train);
    (steps ? fill_steps : fill_floats)(test, places, dataset, &dataset->test);
    return MN_OK;
}

static mn_status survey_and_measure(const mn_values *train, const mn_values *test, bool standardise,
                                    place *places, mn_dataset *dataset)
{
    int64_t moved = 0;
    MN_TRY(survey(train, row_of(dataset), places));
    const int64_t count = decide(standardise, train->rows, row_of(dataset), places, &moved);
    dataset->moved = standardise || count > 0;
    if (count > 0)
        MN_TRY(
            mn_dataset_note(dataset,
                            "%s: %lld of %lld values of a row lie far from 0 for their width, as "
                            "value %lld, from %.10g to %.10g: their means are taken off",
                            train->path, (long long)count, (long long)row_of(dataset),
                            (long long)moved, places[moved].least, places[moved].greatest));
    return measure(train, test, places, dataset);
}

mn_status mn_values_measure(const mn_values *train, const mn_values *test, bool standardise,
                            mn_dataset *dataset)
{
    const size_t width = (size_t)row_of(dataset);
    place *places = mn_memory_take(width, sizeof *places);
    dataset->offset = mn_data_take(width * sizeof *dataset->offset); /* the data set frees both */
    dataset->scale = mn_data_take(width * sizeof *dataset->scale);
    const mn_status status =
        places != NULL && dataset->offset != NULL && dataset->scale != NULL
            ? survey_and_measure(train, test, standardise, places, dataset)
            : mn_fail(MN_NO_MEMORY, "out of memory for the ranges of %zu values", width);
    mn_memory_give(places);
    return status;
}
