/* view_resample.c -- resizing and blurring, as weighted sums along one axis and then the other.
 *
 * A new pixel is a mean of old ones under a triangle about its centre, one old pixel wide to each
 * side, or as wide as a new one where the image shrinks (PIL's "bilinear").  Lines are added up
 * first, where neighbours in memory are neighbours in the sum; mirroring is a matter of the order
 * of the weights. */
#include "data/augment/view_resample.h"
#include "base/clones.h"

#include <math.h>
#include <string.h>

/* New place i is the sum over k of weight[k * size + i] times old place first[i] + k. */
typedef struct axis {
    int64_t size, taps;
    int32_t *first; /* (size) */
    float *weight;  /* (taps, size) */
} axis;

static int64_t taps_of(int64_t old, int64_t size)
{
    return old > size ? 2 * ((old + size - 1) / size) + 1 : 2;
}

static int64_t greatest_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t floats_of_axis(int64_t old, int64_t size)
{
    return size * (1 + taps_of(old, size));
}

int64_t mn_view_scratch(int64_t height, int64_t width, int64_t new_height, int64_t new_width)
{
    const int64_t line = width + taps_of(width, new_width);
    const int64_t crop =
        floats_of_axis(height, new_height) + floats_of_axis(width, new_width) + line;
    return greatest_of(crop, new_height * new_width + 3 * new_width);
}

static float *take(float **scratch, int64_t floats)
{
    float *taken = *scratch;
    *scratch += floats;
    return taken;
}

/* The triangle's weights of the new place i of `size`, of `part` old ones, written to place `at`.
 */
static void weigh(axis *a, int64_t i, int64_t at, int64_t part)
{
    const double scale = (double)part / (double)a->size, reach = scale > 1 ? scale : 1;
    const double centre = ((double)i + 0.5) * scale;
    const int64_t wanted = (int64_t)(centre + reach + 0.5), high = wanted < part ? wanted : part;
    const int64_t low = greatest_of(0, (int64_t)(centre - reach + 0.5));
    double sum = 0;
    for (int64_t k = low; k < high; k++) {
        const double x = ((double)k + 0.5 - centre) / reach, height = 1 - (x < 0 ? -x : x);
        a->weight[(k - low) * a->size + at] = (float)(height > 0 ? height : 0);
        sum += height > 0 ? height : 0;
    }
    for (int64_t k = 0; k < a->taps; k++) {
        float *weight = &a->weight[k * a->size + at];
        *weight = low + k < high ? (float)((double)*weight / sum) : 0;
    }
    a->first[at] = (int32_t)low;
}

static axis make_axis(int64_t part, int64_t size, bool mirrored, float **scratch)
{
    axis a = {.size = size, .taps = taps_of(part, size)};
    a.first = (int32_t *)(void *)take(scratch, size);
    a.weight = take(scratch, size * a.taps);
    for (int64_t i = 0; i < size; i++)
        weigh(&a, i, mirrored ? size - 1 - i : i, part);
    return a;
}

/* line += weight times bytes. */
MN_CLONES static void add_bytes(float *restrict line, const uint8_t *restrict bytes, int64_t count,
                                float weight)
{
    for (int64_t i = 0; i < count; i++)
        line[i] += weight * (float)bytes[i];
}

/* The same of floats, which are bytes / 255. */
MN_CLONES static void add_floats(float *restrict line, const float *restrict values, int64_t count,
                                 float weight)
{
    for (int64_t i = 0; i < count; i++)
        line[i] += weight * (255.0f * values[i]);
}

MN_CLONES static void across(const axis *a, const float *restrict line, float *restrict x)
{
    const int32_t *restrict first = a->first;
    const float *restrict one = a->weight, *restrict two = one + a->size;
    for (int64_t i = 0; i < a->size; i++)
        x[i] = one[i] * line[first[i]] + two[i] * line[first[i] + 1];
    for (int64_t k = 2; k < a->taps; k++) {
        const float *restrict weight = a->weight + k * a->size;
        for (int64_t i = 0; i < a->size; i++)
            x[i] += weight[i] * line[first[i] + k];
    }
    for (int64_t i = 0; i < a->size; i++)
        x[i] /= 255.0f;
}

void mn_view_resized_crop(mn_row_type type, const void *row, int64_t height, int64_t width,
                          mn_crop crop, bool flip, const mn_canvas *canvas, float *scratch)
{
    const axis down = make_axis(crop.height, canvas->height, false, &scratch);
    const axis right = make_axis(crop.width, canvas->width, flip, &scratch);
    const int64_t floats = crop.width + right.taps; /* weights of 0 reach beyond the crop */
    float *line = take(&scratch, floats);
    const uint8_t *bytes = row;
    const float *values = row;
    for (int64_t channel = 0; channel < canvas->channels; channel++)
        for (int64_t y = 0; y < canvas->height; y++) {
            memset(line, 0, (size_t)floats * sizeof *line);
            for (int64_t k = 0; k < down.taps; k++) {
                const float weight = down.weight[k * down.size + y];
                const int64_t from = channel * height + crop.top + down.first[y] + k;
                if (weight > 0 && type == MN_ROW_U8)
                    add_bytes(line, bytes + from * width + crop.left, crop.width, weight);
                else if (weight > 0)
                    add_floats(line, values + from * width + crop.left, crop.width, weight);
            }
            across(&right, line, canvas->x + (channel * canvas->height + y) * canvas->width);
        }
}

/* --- blur --- */

static int64_t mirrored(int64_t at, int64_t size)
{
    at = at < 0 ? -at : at;
    return at < size ? at : 2 * (size - 1) - at;
}

static float gaussian(int64_t distance, float sigma)
{
    const float x = (float)distance / sigma;
    return expf(-0.5f * x * x);
}

MN_CLONES static void add_line(float *restrict to, const float *restrict from, int64_t count,
                               float weight)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += weight * from[i];
}

/* One plane: lines into `sums`, then each of these, with what is mirrored at its ends, back. */
static void blur_plane(float *x, int64_t height, int64_t width, int64_t reach, float sigma,
                       float total, float *sums, float *line)
{
    memset(sums, 0, (size_t)(height * width) * sizeof *sums);
    for (int64_t y = 0; y < height; y++)
        for (int64_t k = -reach; k <= reach; k++)
            add_line(sums + y * width, x + mirrored(y + k, height) * width, width,
                     gaussian(k, sigma) / total);
    memset(x, 0, (size_t)(height * width) * sizeof *x);
    for (int64_t y = 0; y < height; y++) {
        for (int64_t i = -reach; i < width + reach; i++)
            line[i + reach] = sums[y * width + mirrored(i, width)];
        for (int64_t k = -reach; k <= reach; k++)
            add_line(x + y * width, line + reach + k, width, gaussian(k, sigma) / total);
    }
}

void mn_view_blur(const mn_canvas *canvas, int64_t kernel, float sigma, float *scratch)
{
    const int64_t reach = kernel / 2, plane = canvas->height * canvas->width;
    float *sums = take(&scratch, plane), *line = take(&scratch, canvas->width + 2 * reach);
    float total = 0;
    for (int64_t k = -reach; k <= reach; k++)
        total += gaussian(k, sigma);
    for (int64_t channel = 0; channel < canvas->channels; channel++)
        blur_plane(canvas->x + channel * plane, canvas->height, canvas->width, reach, sigma, total,
                   sums, line);
}
