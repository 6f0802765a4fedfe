/* resize.c -- a picture of any size made into an image of a given one.
 *
 * Along an axis a new pixel is a weighted mean of old ones, and with sizes that are whole numbers
 * the weights are whole numbers over a common total.  So all of it is exact integer arithmetic,
 * rounded once, at the end. */
#include "data/read/resize.h"

#include <mneme/memory.h>

/* How the pixels of an axis are made: new pixel i is the sum of weight[i][k] times old pixel
 * first[i] + k, over `total`. */
typedef struct axis {
    int64_t size, taps, total;
    int64_t *first;  /* (size) */
    int64_t *weight; /* (size, taps) */
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
static void weigh_area(axis *a, int64_t old)
{
    a->total = old;
    for (int64_t i = 0; i < a->size; i++) {
        const int64_t begin = i * old, end = begin + old;
        a->first[i] = begin / a->size;
        for (int64_t k = 0; k < a->taps; k++) {
            const int64_t left = (a->first[i] + k) * a->size;
            a->weight[i * a->taps + k] =
                greatest_of(0, least_of(end, left + a->size) - greatest_of(begin, left));
        }
    }
}

/* Measured in 2 x size parts of an old pixel: centres then lie on whole numbers. */
static void weigh_bilinear(axis *a, int64_t old)
{
    const int64_t unit = 2 * a->size;
    a->total = unit;
    for (int64_t i = 0; i < a->size; i++) {
        const int64_t centre = (2 * i + 1) * old - a->size; /* from the centre of old pixel 0 */
        const int64_t at = greatest_of(0, least_of(centre, (old - 1) * unit));
        a->first[i] = at / unit;
        a->weight[i * a->taps] = unit - at % unit;
        a->weight[i * a->taps + 1] = at % unit; /* 0 at the last pixel, beyond which is none */
    }
}

static mn_status open_axis(axis *a, mn_resize resize, int64_t old, int64_t size)
{
    *a = (axis){.size = size, .taps = resize == MN_RESIZE_AREA ? old / size + 2 : 2};
    a->first = mn_memory_take((size_t)size, sizeof *a->first);
    a->weight = mn_memory_take_zeroed((size_t)(size * a->taps), sizeof *a->weight);
    if (a->first == NULL || a->weight == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for resizing an image");
    if (resize == MN_RESIZE_AREA)
        weigh_area(a, old);
    else
        weigh_bilinear(a, old);
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

static part part_of(const mn_picture *picture, mn_fit fit, int64_t height, int64_t width)
{
    part p = {0, 0, picture->width, picture->height};
    if (fit == MN_FIT_CROP) {
        p.width = greatest_of(1, least_of(p.width, p.height * width / height));
        p.height = greatest_of(1, least_of(p.height, p.width * height / width));
    }
    p.left = (picture->width - p.width) / 2;
    p.top = (picture->height - p.height) / 2;
    return p;
}

/* One old line, resized along x: sums (width, 3). */
static void resize_line(const axis *x, const uint8_t *line, int64_t old, int64_t *sums)
{
    for (int64_t i = 0; i < x->size; i++) {
        int64_t sum[3] = {0, 0, 0};
        for (int64_t k = 0; k < x->taps && x->first[i] + k < old; k++)
            for (int64_t c = 0; c < 3; c++)
                sum[c] += x->weight[i * x->taps + k] * line[(x->first[i] + k) * 3 + c];
        for (int64_t c = 0; c < 3; c++)
            sums[i * 3 + c] = sum[c];
    }
}

static void store(const int64_t sum[3], int64_t total, int64_t channels, int64_t plane,
                  uint8_t *pixel)
{
    static const int64_t luma[3] = {19595, 38470, 7471}; /* of 65536 */
    if (channels == 3) {
        for (int64_t c = 0; c < 3; c++)
            pixel[c * plane] = (uint8_t)((sum[c] + total / 2) / total);
        return;
    }
    int64_t grey = 32768;
    for (int64_t c = 0; c < 3; c++)
        grey += luma[c] * ((sum[c] + total / 2) / total);
    *pixel = (uint8_t)(grey >> 16);
}

/* sums (p.height, width, 3) of all lines of the part. */
static void place(const mn_picture *picture, part p, const axis *x, const axis *y, int64_t channels,
                  int64_t *sums, uint8_t *pixels)
{
    const int64_t width = x->size, plane = width * y->size, total = x->total * y->total;
    for (int64_t line = 0; line < p.height; line++)
        resize_line(x, picture->rgb + ((p.top + line) * picture->width + p.left) * 3, p.width,
                    sums + line * width * 3);
    for (int64_t i = 0; i < plane; i++) {
        const int64_t row = i / width, column = i % width;
        int64_t sum[3] = {0, 0, 0};
        for (int64_t k = 0; k < y->taps && y->first[row] + k < p.height; k++)
            for (int64_t c = 0; c < 3; c++)
                sum[c] += y->weight[row * y->taps + k] *
                          sums[((y->first[row] + k) * width + column) * 3 + c];
        store(sum, total, channels, plane, pixels + i);
    }
}

mn_status mn_picture_place(const mn_picture *picture, mn_resize resize, mn_fit fit,
                           int64_t channels, int64_t height, int64_t width, uint8_t *pixels)
{
    const part p = part_of(picture, fit, height, width);
    axis x = {.size = 0}, y = {.size = 0};
    int64_t *sums = mn_memory_take((size_t)(p.height * width * 3), sizeof *sums);
    mn_status status =
        sums != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for resizing an image");
    if (status == MN_OK)
        status = open_axis(&x, resize, p.width, width);
    if (status == MN_OK)
        status = open_axis(&y, resize, p.height, height);
    if (status == MN_OK)
        place(picture, p, &x, &y, channels, sums, pixels);
    close_axis(&x);
    close_axis(&y);
    mn_memory_give(sums);
    return status;
}
