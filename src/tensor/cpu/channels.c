/* channels.c -- moments and means of each channel's pixels. */
#include "base/clones.h"
#include "tensor/cpu/planes.h"
#include "tensor/image_kernels.h"

#include <math.h>

MN_CLONES static void add_moments(int64_t length, int64_t tile, const float *x, double *sum,
                                  double *square)
{
    MN_TILED(length, tile, {
        const double v = (double)x[i];
        sum[j] += v;
        square[j] += v * v;
    });
}

static mn_status sum_moments(const mn_planes *p, const void *x, mn_plane_sums *s)
{
    MN_TRY(mn_plane_sums_take(p, 0, 1, s));
#pragma omp parallel for schedule(static) if (p->threads)
    for (int64_t i = 0; i < p->pieces; i++) {
        const mn_piece c = mn_piece_at(p, i);
        const int64_t spans = mn_piece_spans(p, &c);
        double *tile = s->tiles + i * 2 * p->tile;
        float *buffer = mn_span_buffer(p, s, 1, 0);
        for (int64_t k = 0; k < spans; k++) {
            const mn_span span = mn_piece_span(p, &c, k);
            add_moments(span.length, p->tile, mn_span_read(x, span, buffer), tile, tile + p->tile);
        }
    }
    mn_plane_sums_fold(p, s);
    return MN_OK;
}

mn_status mn_channel_moments(const mn_tensor *x, bool each_image, float *mean, float *variance)
{
    const mn_planes p = mn_planes_of(x, each_image);
    const double count = (double)(p.images * p.pixels);
    mn_plane_sums s;
    MN_TRY(sum_moments(&p, x->data, &s));
    for (int64_t i = 0; i < p.groups * p.channels; i++) {
        const double middle = s.first[i] / count;
        const double spread = s.second[i] / count - middle * middle;
        mean[i] = (float)middle;
        variance[i] = spread > 0 ? (float)spread : 0;
    }
    return MN_OK;
}

void mn_channel_inverse(int64_t n, float epsilon, const float *variance, float *inverse)
{
    for (int64_t i = 0; i < n; i++)
        inverse[i] = 1 / sqrtf(variance[i] + epsilon);
}

/* --- means over pixels --- */

mn_status mn_channel_means(const mn_tensor *x, float *y)
{
    const mn_planes p = mn_planes_of(x, true);
    mn_plane_sums s;
    MN_TRY(sum_moments(&p, x->data, &s));
    for (int64_t i = 0; i < p.groups * p.channels; i++)
        y[i] = (float)(s.first[i] / (double)p.pixels);
    return MN_OK;
}

MN_CLONES static void spread(int64_t length, int64_t tile, float factor, const float *values,
                             bool add, float *y)
{
    if (add)
        MN_TILED(length, tile, y[i] += factor * values[j]);
    else
        MN_TILED(length, tile, y[i] = factor * values[j]);
}

mn_status mn_channel_means_backward(const float *dy, bool add, mn_tensor *dx)
{
    const mn_planes p = mn_planes_of(dx, true);
    mn_plane_sums s;
    MN_TRY(mn_plane_sums_take(&p, 1, 1, &s));
#pragma omp parallel for schedule(static) if (p.threads)
    for (int64_t i = 0; i < p.pieces; i++) {
        const mn_piece c = mn_piece_at(&p, i);
        const int64_t spans = mn_piece_spans(&p, &c);
        float *tile = s.coefficients + i * p.tile, *buffer = mn_span_buffer(&p, &s, 1, 0);
        mn_tile_lay_out(&p, &c, true, dy, 0, tile);
        for (int64_t k = 0; k < spans; k++) {
            const mn_span span = mn_piece_span(&p, &c, k);
            spread(span.length, p.tile, 1 / (float)p.pixels, tile, add,
                   mn_span_open(dx->data, span, add, buffer));
            mn_span_close(dx->data, span, buffer);
        }
    }
    return MN_OK;
}
