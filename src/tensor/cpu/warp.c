/* warp.c -- images seen through affine maps, and channels mixed: one change an image.
 *
 * Where a pixel comes from is the same for all channels, so it is worked out once and used for
 * each.  The backward is the same walk with reads and additions exchanged. */
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"

#include <math.h>
#include <stddef.h>

/* Two neighbours along an axis and the weight of the second; the first's is the rest. */
typedef struct neighbours {
    int64_t near, far;
    float of_far;
} neighbours;

/* The pixels about a place between -1 and 1 along an axis, or beyond, where the image is mirrored:
 * its edges lie half a pixel outside of its outermost pixels. */
static neighbours neighbours_of(double place, int64_t size)
{
    const double span = (double)size;
    double at = fabs(fmod(((place + 1) * span) / 2, 2 * span));
    at = (at > span ? 2 * span - at : at) - 0.5;
    at = at < 0 ? 0 : at > span - 1 ? span - 1 : at;
    const int64_t near = (int64_t)at;
    return (neighbours){near, near < size - 1 ? near + 1 : near, (float)(at - (double)near)};
}

typedef struct corner {
    int64_t at[4];
    float weight[4];
} corner;

/* Where pixel (i, j) comes from. */
static corner corner_of(const mn_images_shape *s, const float *map, int64_t i, int64_t j)
{
    const double u = ((double)(2 * j + 1)) / (double)s->width - 1;
    const double v = ((double)(2 * i + 1)) / (double)s->height - 1;
    const double across = (double)map[0] * u + (double)map[1] * v + (double)map[2];
    const double down = (double)map[3] * u + (double)map[4] * v + (double)map[5];
    const neighbours x = neighbours_of(across, s->width), y = neighbours_of(down, s->height);
    return (corner){{y.near * s->width + x.near, y.near * s->width + x.far,
                     y.far * s->width + x.near, y.far * s->width + x.far},
                    {(1 - y.of_far) * (1 - x.of_far), (1 - y.of_far) * x.of_far,
                     y.of_far * (1 - x.of_far), y.of_far * x.of_far}};
}

void mn_kernel_warp(const mn_images_shape *s, const float *maps, const float *x, float *y)
{
    const int64_t pixels = s->height * s->width, image = s->channels * pixels;
#pragma omp parallel for schedule(static) if (s->images * image > 32768)
    for (int64_t n = 0; n < s->images; n++)
        for (int64_t at = 0; at < pixels; at++) {
            const corner c = corner_of(s, maps + 6 * n, at / s->width, at % s->width);
            for (int64_t plane = n * image; plane < (n + 1) * image; plane += pixels)
                y[plane + at] = c.weight[0] * x[plane + c.at[0]] +
                                c.weight[1] * x[plane + c.at[1]] +
                                c.weight[2] * x[plane + c.at[2]] + c.weight[3] * x[plane + c.at[3]];
        }
}

void mn_kernel_warp_backward(const mn_images_shape *s, const float *maps, const float *dy,
                             float *dx, bool add)
{
    const int64_t pixels = s->height * s->width, image = s->channels * pixels;
    if (!add)
        mn_kernel_fill(s->images * image, 0, dx);
#pragma omp parallel for schedule(static) if (s->images * image > 32768)
    for (int64_t n = 0; n < s->images; n++)
        for (int64_t at = 0; at < pixels; at++) {
            const corner c = corner_of(s, maps + 6 * n, at / s->width, at % s->width);
            for (int64_t plane = n * image; plane < (n + 1) * image; plane += pixels)
                for (int k = 0; k < 4; k++)
                    dx[plane + c.at[k]] += c.weight[k] * dy[plane + at];
        }
}

void mn_kernel_mix_channels(const mn_images_shape *s, const float *mixes, const float *x, float *y)
{
    const int64_t pixels = s->height * s->width, c = s->channels;
    for (int64_t n = 0; n < s->images; n++)
        for (int64_t to = 0; to < c; to++) {
            const float *mix = mixes + (n * c + to) * (c + 1);
            float *out = y + (n * c + to) * pixels;
            mn_kernel_fill(pixels, mix[c], out);
            for (int64_t from = 0; from < c; from++)
                mn_kernel_axpby(pixels, mix[from], x + (n * c + from) * pixels, 1, out);
        }
}

void mn_kernel_mix_channels_backward(const mn_images_shape *s, const float *mixes, const float *dy,
                                     float *dx, bool add)
{
    const int64_t pixels = s->height * s->width, c = s->channels;
    if (!add)
        mn_kernel_fill(s->images * c * pixels, 0, dx);
    for (int64_t n = 0; n < s->images; n++)
        for (int64_t to = 0; to < c; to++)
            for (int64_t from = 0; from < c; from++)
                mn_kernel_axpby(pixels, mixes[(n * c + to) * (c + 1) + from],
                                dy + (n * c + to) * pixels, 1, dx + (n * c + from) * pixels);
}
