/* warp.c -- images seen through affine maps, moved or cut, and channels mixed.
 *
 * Where a pixel comes from is the same for all channels, so it is worked out once and used for
 * each.  The backward is the same walk with reads and additions exchanged. */
#include "tensor/cpu/parts.h"
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"

#include <math.h>
#include <stddef.h>

/* Two neighbours along an axis and their weights. */
typedef struct neighbours {
    int64_t near, far;
    float of_near, of_far;
} neighbours;

/* The pixels about a place between -1 and 1 along an axis, or beyond, where the image is mirrored:
 * its edges lie half a pixel outside of its outermost pixels. */
static neighbours mirrored(double place, int64_t size)
{
    const double span = (double)size;
    double at = ((place + 1) * span) / 2;
    if (at < 0 || at >= 2 * span)
        at = fabs(fmod(at, 2 * span));
    at = (at > span ? 2 * span - at : at) - 0.5;
    at = at < 0 ? 0 : at > span - 1 ? span - 1 : at;
    const int64_t near = (int64_t)at;
    const float of_far = (float)(at - (double)near);
    return (neighbours){near, near < size - 1 ? near + 1 : near, 1 - of_far, of_far};
}

/* The same where zeros lie beyond. */
static neighbours inside(double place, int64_t size)
{
    const double at = ((place + 1) * (double)size) / 2 - 0.5;
    if (!(at > -1 && at < (double)size))
        return (neighbours){0, 0, 0, 0};
    const int64_t near = (int64_t)floor(at);
    const float of_far = (float)(at - (double)near);
    return (neighbours){near < 0 ? 0 : near, near < size - 1 ? near + 1 : near,
                        near < 0 ? 0 : 1 - of_far, near < size - 1 ? of_far : 0};
}

typedef struct corner {
    int64_t at[4];
    float weight[4];
} corner;

/* Where pixel (i, j) comes from. */
static corner corner_of(const mn_warping *w, const float *map, int64_t i, int64_t j)
{
    const mn_images_shape *s = &w->images;
    const double u = ((double)(2 * j + 1)) / (double)s->width - 1;
    const double v = ((double)(2 * i + 1)) / (double)s->height - 1;
    const double across = (double)map[0] * u + (double)map[1] * v + (double)map[2];
    const double down = (double)map[3] * u + (double)map[4] * v + (double)map[5];
    const neighbours x = (w->zeros ? inside : mirrored)(across, s->width),
                     y = (w->zeros ? inside : mirrored)(down, s->height);
    return (corner){
        {y.near * s->width + x.near, y.near * s->width + x.far, y.far * s->width + x.near,
         y.far * s->width + x.far},
        {y.of_near * x.of_near, y.of_near * x.of_far, y.of_far * x.of_near, y.of_far * x.of_far}};
}

static const float *map_of(const mn_warping *w, int64_t image)
{
    return w->maps + (w->shared ? 0 : 6 * image);
}

void mn_kernel_warp(const mn_warping *w, const float *x, float *y)
{
    const mn_images_shape *s = &w->images;
    const int64_t pixels = s->height * s->width, image = s->channels * pixels;
    MN_SHARED_LOOP(n, s->images, s->images * image > 32768, {
        for (int64_t at = 0; at < pixels; at++) {
            const corner c = corner_of(w, map_of(w, n), at / s->width, at % s->width);
            for (int64_t plane = n * image; plane < (n + 1) * image; plane += pixels)
                y[plane + at] = c.weight[0] * x[plane + c.at[0]] +
                                c.weight[1] * x[plane + c.at[1]] +
                                c.weight[2] * x[plane + c.at[2]] + c.weight[3] * x[plane + c.at[3]];
        }
    });
}

void mn_kernel_warp_backward(const mn_warping *w, const float *dy, float *dx, bool add)
{
    const mn_images_shape *s = &w->images;
    const int64_t pixels = s->height * s->width, image = s->channels * pixels;
    if (!add)
        mn_kernel_fill(s->images * image, 0, dx);
    MN_SHARED_LOOP(n, s->images, s->images * image > 32768, {
        for (int64_t at = 0; at < pixels; at++) {
            const corner c = corner_of(w, map_of(w, n), at / s->width, at % s->width);
            for (int64_t plane = n * image; plane < (n + 1) * image; plane += pixels)
                for (int k = 0; k < 4; k++)
                    dx[plane + c.at[k]] += c.weight[k] * dy[plane + at];
        }
    });
}

/* --- pixels that move by whole numbers, or go ------------------------------------------------- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* y = x, moved down and across by `by`; what comes from outside is 0. */
static void shift_plane(int64_t height, int64_t width, int64_t down, int64_t across, const float *x,
                        float *y, bool add)
{
    const int64_t first = larger(0, smaller(across, width)),
                  end = larger(first, smaller(width, width + across));
    if (!add)
        mn_kernel_fill(height * width, 0, y);
    if (first == end)
        return;
    for (int64_t i = larger(0, down); i < smaller(height, height + down); i++)
        mn_kernel_axpby(end - first, 1, x + (i - down) * width + first - across, add ? 1 : 0,
                        y + i * width + first);
}

void mn_kernel_shift_images(const mn_images_shape *s, const int64_t *by, bool shared, int sign,
                            const float *x, float *y, bool add)
{
    const int64_t pixels = s->height * s->width;
    MN_SHARED_LOOP(plane, s->images * s->channels, s->images * s->channels * pixels >= MN_LARGE, {
        const int64_t *of = by + (shared ? 0 : 2 * (plane / s->channels));
        shift_plane(s->height, s->width, sign * of[0], sign * of[1], x + plane * pixels,
                    y + plane * pixels, add);
    });
}

static int64_t within(int64_t place, int64_t size)
{
    return larger(0, smaller(place, size));
}

static void cut_plane(int64_t height, int64_t width, const int64_t *first, int64_t side,
                      const float *x, float *y, bool add)
{
    const int64_t left = within(first[1], width), right = within(first[1] + side, width);
    for (int64_t i = 0; i < height; i++, x += width, y += width) {
        const bool beside = i < first[0] || i >= first[0] + side;
        mn_kernel_axpby(beside ? width : left, 1, x, add ? 1 : 0, y);
        if (beside)
            continue;
        if (!add)
            mn_kernel_fill(right - left, 0, y + left);
        mn_kernel_axpby(width - right, 1, x + right, add ? 1 : 0, y + right);
    }
}

void mn_kernel_cutout(const mn_images_shape *s, const int64_t *corners, bool shared, int64_t side,
                      const float *x, float *y, bool add)
{
    const int64_t pixels = s->height * s->width;
    MN_SHARED_LOOP(plane, s->images * s->channels, s->images * s->channels * pixels >= MN_LARGE,
                   cut_plane(s->height, s->width,
                             corners + (shared ? 0 : 2 * (plane / s->channels)), side,
                             x + plane * pixels, y + plane * pixels, add));
}

/* --- channels --------------------------------------------------------------------------------- */

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
