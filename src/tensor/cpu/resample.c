/* resample.c -- upsampling, bilinear and to the nearest pixel.
 *
 * A new pixel lies between two old rows and two old columns, whose weights are the same for every
 * plane.  The backward is the same walk with reads and additions exchanged. */
#include "base/clones.h"
#include "base/team.h"
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"

#include <stddef.h>
#include <string.h>

typedef struct place { /* of a new row or column among the old */
    int64_t near, far;
    float of_far; /* its weight; the near one's is the rest */
} place;

static place place_of(int64_t i, int64_t old, int64_t new, bool align_corners)
{
    double at;
    if (align_corners)
        at = new > 1 ? (double)i *(double)(old - 1) / (double)(new - 1) : 0;
    else
        at = ((double)i + 0.5) * (double)old / (double)new - 0.5;
    at = at < 0 ? 0 : at;
    const int64_t below = (int64_t)at;
    place p = {below < old - 1 ? below : old - 1, below < old - 1 ? below + 1 : old - 1, 0};
    p.of_far = (float)(at - (double)p.near);
    return p;
}

enum { CHUNK = 256 }; /* columns whose places are known at a time */

static int64_t places_of(const mn_upsampling *u, int64_t first, place columns[CHUNK])
{
    const int64_t left = u->new_width - first, count = left < CHUNK ? left : CHUNK;
    for (int64_t j = 0; j < count; j++)
        columns[j] = place_of(first + j, u->width, u->new_width, u->align_corners);
    return count;
}

static bool worth_threads(const mn_upsampling *u)
{
    return u->planes * u->new_height * u->new_width > 32768;
}

static void upsample_row(const place *columns, int64_t count, const float *near, const float *far,
                         float of_far, float *y)
{
    for (int64_t j = 0; j < count; j++) {
        const place c = columns[j];
        const float a = near[c.near] + c.of_far * (near[c.far] - near[c.near]);
        const float b = far[c.near] + c.of_far * (far[c.far] - far[c.near]);
        y[j] = a + of_far * (b - a);
    }
}

void mn_kernel_upsample(const mn_upsampling *u, const float *x, float *y)
{
    place columns[CHUNK];
    for (int64_t first = 0; first < u->new_width; first += CHUNK) {
        const int64_t count = places_of(u, first, columns);
        MN_SHARED_LOOP(p, u->planes, worth_threads(u), {
            for (int64_t i = 0; i < u->new_height; i++) {
                const place row = place_of(i, u->height, u->new_height, u->align_corners);
                upsample_row(columns, count, x + (p * u->height + row.near) * u->width,
                             x + (p * u->height + row.far) * u->width, row.of_far,
                             y + (p * u->new_height + i) * u->new_width + first);
            }
        });
    }
}

static void upsample_row_backward(const place *columns, int64_t count, const float *dy,
                                  float of_far, float *near, float *far)
{
    for (int64_t j = 0; j < count; j++) {
        const place c = columns[j];
        const float to_far = of_far * dy[j], to_near = dy[j] - to_far;
        near[c.near] += (1 - c.of_far) * to_near;
        near[c.far] += c.of_far * to_near;
        far[c.near] += (1 - c.of_far) * to_far;
        far[c.far] += c.of_far * to_far;
    }
}

void mn_kernel_upsample_backward(const mn_upsampling *u, const float *dy, float *dx, bool add)
{
    place columns[CHUNK];
    if (!add)
        mn_kernel_fill(u->planes * u->height * u->width, 0, dx);
    for (int64_t first = 0; first < u->new_width; first += CHUNK) {
        const int64_t count = places_of(u, first, columns);
        MN_SHARED_LOOP(p, u->planes, worth_threads(u), {
            for (int64_t i = 0; i < u->new_height; i++) {
                const place row = place_of(i, u->height, u->new_height, u->align_corners);
                upsample_row_backward(columns, count,
                                      dy + (p * u->new_height + i) * u->new_width + first,
                                      row.of_far, dx + (p * u->height + row.near) * u->width,
                                      dx + (p * u->height + row.far) * u->width);
            }
        });
    }
}

/* --- to the nearest --- */

/* The first of the new places that come from old place i or a later one. */
static int64_t first_of(int64_t i, int64_t old, int64_t new)
{
    return (i * new + old - 1) / old;
}

MN_CLONES static void repeat_columns(int64_t old, int64_t new, const float *x, float *y)
{
    if (new == 2 * old)
        for (int64_t i = 0; i < old; i++)
            y[2 * i] = y[2 * i + 1] = x[i];
    else
        for (int64_t i = 0, j = 0; i < old; i++)
            for (const int64_t end = first_of(i + 1, old, new); j < end; j++)
                y[j] = x[i];
}

MN_CLONES static void add_repeated(int64_t old, int64_t new, const float *dy, float *dx)
{
    if (new == 2 * old)
        for (int64_t i = 0; i < old; i++)
            dx[i] = dx[i] + dy[2 * i] + dy[2 * i + 1];
    else
        for (int64_t i = 0, j = 0; i < old; i++)
            for (const int64_t end = first_of(i + 1, old, new); j < end; j++)
                dx[i] += dy[j];
}

void mn_kernel_upsample_nearest(const mn_upsampling *u, const float *x, float *y)
{
    const size_t row = (size_t)u->new_width * sizeof *y;
    MN_SHARED_LOOP(p, u->planes * u->height, worth_threads(u), {
        const int64_t i = p % u->height, first = first_of(i, u->height, u->new_height),
                      end = first_of(i + 1, u->height, u->new_height);
        float *to = y + (p / u->height * u->new_height + first) * u->new_width;
        if (first < end)
            repeat_columns(u->width, u->new_width, x + p * u->width, to);
        for (int64_t k = 1; k < end - first; k++)
            memcpy(to + k * u->new_width, to, row);
    });
}

void mn_kernel_upsample_nearest_backward(const mn_upsampling *u, const float *dy, float *dx,
                                         bool add)
{
    if (!add)
        mn_kernel_fill(u->planes * u->height * u->width, 0, dx);
    MN_SHARED_LOOP(p, u->planes * u->height, worth_threads(u), {
        const int64_t i = p % u->height, end = first_of(i + 1, u->height, u->new_height);
        for (int64_t j = first_of(i, u->height, u->new_height); j < end; j++)
            add_repeated(u->width, u->new_width,
                         dy + (p / u->height * u->new_height + j) * u->new_width,
                         dx + p * u->width);
    });
}
