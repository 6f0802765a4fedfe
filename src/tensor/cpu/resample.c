/* resample.c -- bilinear upsampling.
 *
 * A new pixel lies between two old rows and two old columns, whose weights are the same for every
 * plane.  The backward is the same walk with reads and additions exchanged. */
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"

#include <stddef.h>

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

void mn_kernel_upsample(const mn_upsampling *u, const float *x, float *y)
{
    for (int64_t i = 0; i < u->new_height; i++) {
        const place row = place_of(i, u->height, u->new_height, u->align_corners);
        for (int64_t j = 0; j < u->new_width; j++) {
            const place column = place_of(j, u->width, u->new_width, u->align_corners);
            for (int64_t p = 0; p < u->planes; p++) {
                const float *near = x + (p * u->height + row.near) * u->width;
                const float *far = x + (p * u->height + row.far) * u->width;
                const float a =
                    near[column.near] + column.of_far * (near[column.far] - near[column.near]);
                const float b =
                    far[column.near] + column.of_far * (far[column.far] - far[column.near]);
                y[(p * u->new_height + i) * u->new_width + j] = a + row.of_far * (b - a);
            }
        }
    }
}

void mn_kernel_upsample_backward(const mn_upsampling *u, const float *dy, float *dx, bool add)
{
    if (!add)
        mn_kernel_fill(u->planes * u->height * u->width, 0, dx);
    for (int64_t i = 0; i < u->new_height; i++) {
        const place row = place_of(i, u->height, u->new_height, u->align_corners);
        for (int64_t j = 0; j < u->new_width; j++) {
            const place column = place_of(j, u->width, u->new_width, u->align_corners);
            for (int64_t p = 0; p < u->planes; p++) {
                float *near = dx + (p * u->height + row.near) * u->width;
                float *far = dx + (p * u->height + row.far) * u->width;
                const float slope = dy[(p * u->new_height + i) * u->new_width + j];
                const float of_far = row.of_far * slope, of_near = slope - of_far;
                near[column.near] += (1 - column.of_far) * of_near;
                near[column.far] += column.of_far * of_near;
                far[column.near] += (1 - column.of_far) * of_far;
                far[column.far] += column.of_far * of_far;
            }
        }
    }
}
