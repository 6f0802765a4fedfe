/* resize.c -- a picture of any size made into an image of a given one.
 *
 * Along an axis a new pixel is a weighted mean of old ones, and with sizes that are whole numbers
 * the weights are whole numbers over a total.  So all of it is exact integer arithmetic, rounded
 * once, at the end: a data set has one digest on every machine.  Random views, which have crops of
 * sizes that are none, are resized in floats (data/augment/view_resample.c). */
#include "data/read/resize.h"

#include <mneme/memory.h>
#include <stdbool.h>

/* How the pixels of an axis are made: new pixel i is the sum over the k below taps[i] of
 * weight[i][k] times old pixel first[i] + k, over total[i]. */
typedef struct axis {
    int64_t size, most;            /* most: of the taps */
    int64_t *first, *taps, *total; /* (size) */
    int64_t *weight;               /* (size, most) */
} axis;

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Measured so that an old pixel is `size` long and a new one `old`: overlaps are whole numbers. */
static int64_t overlap(const axis *a, int64_t old, int64_t i, int64_t k)
{
    const int64_t begin = i * old, left = k * a->size;
    return least_of(begin + old, left + a->size) - greatest_of(begin, left);
}

/* The height of the triangle about new pixel i at the centre of old pixel k.  Measured in 2 x size
 * parts of an old pixel, centres lie on whole numbers. */
static int64_t triangle(const axis *a, int64_t old, int64_t i, int64_t k)
{
    const int64_t apart = (2 * k + 1) * a->size - (2 * i + 1) * old;
    return 2 * greatest_of(old, a->size) - (apart < 0 ? -apart : apart);
}

static void weigh(axis *a, mn_resize resize, int64_t old)
{
    const int64_t reach = (greatest_of(old, a->size) - 1) / a->size + 1; /* of the triangle */
    for (int64_t i = 0; i < a->size; i++) {
        const int64_t centre = (2 * i + 1) * old / (2 * a->size);
        const bool area = resize == MN_RESIZE_AREA;
        const int64_t low = area ? i * old / a->size : greatest_of(0, centre - reach);
        const int64_t end = area ? ((i + 1) * old - 1) / a->size + 1 : centre + reach + 1;
        int64_t *weight = a->weight + i * a->most;
        for (int64_t k = low; k < least_of(end, old); k++) {
            const int64_t value = area ? overlap(a, old, i, k) : triangle(a, old, i, k);
            if (value <= 0)
                continue;
            if (a->taps[i] == 0)
                a->first[i] = k;
            weight[a->taps[i]++] = value;
            a->total[i] += value;
        }
    }
}

static mn_status open_axis(axis *a, mn_resize resize, int64_t old, int64_t size)
{
    *a = (axis){.size = size, .most = 2 * ((greatest_of(old, size) - 1) / size) + 5};
    a->first = mn_memory_take_zeroed((size_t)size * 3, sizeof *a->first);
    a->weight = mn_memory_take((size_t)(size * a->most), sizeof *a->weight);
    if (a->first == NULL || a->weight == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for resizing an image");
    a->taps = a->first + size;
    a->total = a->taps + size;
    weigh(a, resize, old);
    return MN_OK;
}

static void close_axis(axis *a)
{
    mn_memory_give(a->first);
    mn_memory_give(a->weight);
}

/* The part of the picture that is kept. */
typedef struct part {
    int64_t left, top, width, height;
} part;

static part part_of(const mn_raster *raster, mn_fit fit, int64_t height, int64_t width)
{
    part p = {0, 0, raster->width, raster->height};
    if (fit == MN_FIT_CROP) {
        p.width = greatest_of(1, least_of(p.width, p.height * width / height));
        p.height = greatest_of(1, least_of(p.height, p.width * height / width));
    }
    p.left = (raster->width - p.width) / 2;
    p.top = (raster->height - p.height) / 2;
    return p;
}

/* One old line, resized along x: sums (width, channels). */
static void resize_line(const axis *x, const mn_raster *raster, const uint8_t *line, int64_t *sums)
{
    const int64_t channels = raster->channels;
    for (int64_t i = 0; i < x->size; i++)
        for (int64_t c = 0; c < channels; c++) {
            const uint8_t *from = line + x->first[i] * raster->across + c * raster->apart;
            const int64_t *weight = x->weight + i * x->most;
            int64_t sum = 0;
            for (int64_t k = 0; k < x->taps[i]; k++)
                sum += weight[k] * from[k * raster->across];
            sums[i * channels + c] = sum;
        }
}

static uint8_t grey_of(const uint8_t rgb[3])
{
    return (uint8_t)((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16);
}

/* New pixel (row, column), from the sums of all lines: values (channels). */
static void resize_column(const axis *y, int64_t row, const int64_t *sums, int64_t line,
                          int64_t channels, int64_t of_column, uint8_t *values)
{
    const int64_t *weight = y->weight + row * y->most, total = of_column * y->total[row];
    for (int64_t c = 0; c < channels; c++) {
        int64_t sum = total / 2;
        for (int64_t k = 0; k < y->taps[row]; k++)
            sum += weight[k] * sums[(y->first[row] + k) * line + c];
        values[c] = (uint8_t)(sum / total);
    }
}

/* sums (p.height, width, raster->channels) of all lines of the part. */
static void place(const mn_raster *raster, part p, const axis *x, const axis *y, int64_t channels,
                  int64_t *sums, uint8_t *pixels)
{
    const int64_t width = x->size, plane = width * y->size, line = width * raster->channels;
    const uint8_t *corner = raster->at + p.top * raster->down + p.left * raster->across;
    for (int64_t i = 0; i < p.height; i++)
        resize_line(x, raster, corner + i * raster->down, sums + i * line);
    for (int64_t i = 0; i < plane; i++) {
        const int64_t row = i / width, column = i % width;
        uint8_t values[MN_MOST_CHANNELS];
        resize_column(y, row, sums + column * raster->channels, line, raster->channels,
                      x->total[column], values);
        if (channels < raster->channels)
            pixels[i] = grey_of(values);
        for (int64_t c = 0; c < channels && channels == raster->channels; c++)
            pixels[c * plane + i] = values[c];
    }
}

mn_raster mn_raster_of_picture(const mn_picture *picture)
{
    return (mn_raster){.at = picture->rgb,
                       .width = picture->width,
                       .height = picture->height,
                       .channels = 3,
                       .across = 3,
                       .down = 3 * picture->width,
                       .apart = 1};
}

mn_raster mn_raster_of_image(const uint8_t *pixels, int64_t channels, int64_t height, int64_t width)
{
    return (mn_raster){.at = pixels,
                       .width = width,
                       .height = height,
                       .channels = channels,
                       .across = 1,
                       .down = width,
                       .apart = height * width};
}

mn_status mn_raster_place(const mn_raster *raster, mn_resize resize, mn_fit fit, int64_t channels,
                          int64_t height, int64_t width, uint8_t *pixels)
{
    const part p = part_of(raster, fit, height, width);
    axis x = {.size = 0}, y = {.size = 0};
    int64_t *sums = mn_memory_take((size_t)(p.height * width * raster->channels), sizeof *sums);
    mn_status status =
        sums != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for resizing an image");
    if (status == MN_OK)
        status = open_axis(&x, resize, p.width, width);
    if (status == MN_OK)
        status = open_axis(&y, resize, p.height, height);
    if (status == MN_OK)
        place(raster, p, &x, &y, channels, sums, pixels);
    close_axis(&x);
    close_axis(&y);
    mn_memory_give(sums);
    return status;
}
