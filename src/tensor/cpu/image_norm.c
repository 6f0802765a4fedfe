/* image_norm.c -- normalisation of channels, with what follows it in the same pass over memory: the
 * sum with a block's shortcut, and the ReLU.
 *
 * A pass over memory is what these loops cost: images are larger than the cache, and there is
 * little to compute. */
#include "base/clones.h"
#include "tensor/cpu/planes.h"
#include "tensor/image_kernels.h"

#include <math.h>

/* y = max(low, (x - mean) factor + shift + residual) */
MN_CLONES static void normalise(int64_t length, int64_t tile, float low, const float *coefficients,
                                const float *x, const float *residual, float *y)
{
    const float *mean = coefficients, *factor = mean + tile, *shift = factor + tile;
    if (residual == NULL)
        MN_TILED(length, tile, {
            const float v = (x[i] - mean[j]) * factor[j] + shift[j];
            y[i] = v < low ? low : v;
        });
    else
        MN_TILED(length, tile, {
            const float v = (x[i] - mean[j]) * factor[j] + shift[j] + residual[i];
            y[i] = v < low ? low : v;
        });
}

/* tiles of mean and of inverse scale */
static void lay_out_norm(const mn_planes *p, const mn_piece *c, const mn_channel_norm *norm,
                         float *mean, float *factor, float *scratch)
{
    mn_tile_lay_out(p, c, true, norm->mean, 0, mean);
    mn_tile_lay_out(p, c, true, norm->inverse, 0, factor);
    mn_tile_lay_out(p, c, false, norm->scale, 1, scratch);
    for (int64_t j = 0; j < p->tile; j++)
        factor[j] *= scratch[j];
}

/* With `own_shift`, shift is (groups, C). */
static mn_status norm_forward(const mn_channel_norm *norm, bool own_shift, const mn_tensor *x,
                              const mn_tensor *residual, mn_tensor *y)
{
    enum { COEFFICIENTS = 3, BUFFERS = 3 };
    const mn_planes p = mn_planes_of(x, norm->each_image);
    const void *added = residual != NULL ? residual->data : NULL;
    mn_plane_sums s;
    MN_TRY(mn_plane_sums_take(&p, COEFFICIENTS, BUFFERS, &s));
#pragma omp parallel for schedule(static) if (p.threads)
    for (int64_t i = 0; i < p.pieces; i++) {
        const mn_piece c = mn_piece_at(&p, i);
        const int64_t spans = mn_piece_spans(&p, &c);
        float *mean = s.coefficients + i * COEFFICIENTS * p.tile;
        float *factor = mean + p.tile, *shift = factor + p.tile;
        float *of_x = mn_span_buffer(&p, &s, BUFFERS, 0),
              *of_y = mn_span_buffer(&p, &s, BUFFERS, 1);
        float *of_residual = mn_span_buffer(&p, &s, BUFFERS, 2);
        lay_out_norm(&p, &c, norm, mean, factor, shift);
        mn_tile_lay_out(&p, &c, own_shift, norm->shift, 0, shift);
        for (int64_t k = 0; k < spans; k++) {
            const mn_span span = mn_piece_span(&p, &c, k);
            normalise(span.length, p.tile, norm->relu ? 0 : -INFINITY, mean,
                      mn_span_read(x->data, span, of_x), mn_span_read(added, span, of_residual),
                      mn_span_open(y->data, span, false, of_y));
            mn_span_close(y->data, span, of_y);
        }
    }
    return MN_OK;
}

mn_status mn_channel_norm_forward(const mn_channel_norm *norm, const mn_tensor *x,
                                  const mn_tensor *residual, mn_tensor *y)
{
    return norm_forward(norm, false, x, residual, y);
}

/* --- backward --- */

/* dy masked by the ReLU that produced y.  Multiplies by 0 or 1, because a branch would not be
 * vectorised. */
#define BEHIND_RELU (dy[i] * (float)(y[i] > 0))

/* sums of dy, and of dy (x - mean); with y, behind a ReLU */
MN_CLONES static void add_slopes(int64_t length, int64_t tile, const float *mean, const float *x,
                                 const float *y, const float *dy, double *sum, double *along)
{
    if (y == NULL)
        MN_TILED(length, tile, {
            sum[j] += (double)dy[i];
            along[j] += (double)(dy[i] * (x[i] - mean[j]));
        });
    else
        MN_TILED(length, tile, {
            const float slope = BEHIND_RELU;
            sum[j] += (double)slope;
            along[j] += (double)(slope * (x[i] - mean[j]));
        });
}

/* dresidual (+)= dy behind a ReLU */
MN_CLONES static void pass_on(int64_t length, bool add, const float *y, const float *dy,
                              float *dresidual)
{
    if (add)
        MN_TILED(length, length, dresidual[i] += BEHIND_RELU);
    else
        MN_TILED(length, length, dresidual[i] = BEHIND_RELU);
}

/* dx (+)= factor (dy - offset - (x - mean) tilt); with y, behind a ReLU */
MN_CLONES static void normalise_backward(int64_t length, int64_t tile, bool add,
                                         const float *coefficients, const float *x, const float *y,
                                         const float *dy, float *dx)
{
    const float *mean = coefficients, *factor = mean + tile;
    const float *offset = factor + tile, *tilt = offset + tile;
#define GRADIENT(slope) factor[j] * ((slope)-offset[j] - (x[i] - mean[j]) * tilt[j])
    if (y == NULL && add)
        MN_TILED(length, tile, dx[i] += GRADIENT(dy[i]));
    else if (y == NULL)
        MN_TILED(length, tile, dx[i] = GRADIENT(dy[i]));
    else if (add)
        MN_TILED(length, tile, dx[i] += GRADIENT(BEHIND_RELU));
    else
        MN_TILED(length, tile, dx[i] = GRADIENT(BEHIND_RELU));
#undef GRADIENT
}

/* The arrays that the two passes of the backward read and write. */
typedef struct slopes {
    const void *x, *y, *dy; /* y: NULL without a ReLU */
    const mn_channel_gradients *out;
} slopes;

enum { COEFFICIENTS = 4, BUFFERS = 4 };

/* The first pass: the sums, and what goes to the shortcut. */
static void sum_slopes(const mn_planes *p, const mn_channel_norm *norm, const slopes *in,
                       mn_plane_sums *s)
{
#pragma omp parallel for schedule(static) if (p->threads)
    for (int64_t i = 0; i < p->pieces; i++) {
        const mn_piece c = mn_piece_at(p, i);
        const int64_t spans = mn_piece_spans(p, &c);
        double *tile = s->tiles + i * 2 * p->tile;
        float *mean = s->coefficients + i * COEFFICIENTS * p->tile;
        float *buffer[BUFFERS];
        for (int k = 0; k < BUFFERS; k++)
            buffer[k] = mn_span_buffer(p, s, BUFFERS, k);
        mn_tile_lay_out(p, &c, true, norm->mean, 0, mean);
        for (int64_t k = 0; k < spans; k++) {
            const mn_span span = mn_piece_span(p, &c, k);
            const float *y = mn_span_read(in->y, span, buffer[1]);
            const float *dy = mn_span_read(in->dy, span, buffer[2]);
            add_slopes(span.length, p->tile, mean, mn_span_read(in->x, span, buffer[0]), y, dy,
                       tile, tile + p->tile);
            if (in->out->dresidual == NULL)
                continue;
            pass_on(span.length, in->out->add_residual, y, dy,
                    mn_span_open(in->out->dresidual, span, in->out->add_residual, buffer[3]));
            mn_span_close(in->out->dresidual, span, buffer[3]);
        }
    }
    mn_plane_sums_fold(p, s);
}

/* offset and tilt of a tile, from the sums of its channels */
static void lay_out_slopes(const mn_planes *p, const mn_piece *c, const mn_channel_norm *norm,
                           const mn_plane_sums *s, float *offset, float *tilt)
{
    const double count = (double)(p->images * p->pixels);
    const int64_t lanes = norm->constant ? 0 : mn_piece_lanes(p, c);
    const int64_t at = c->group * p->channels + c->block * p->width;
    for (int64_t w = 0; w < p->width; w++) {
        const double inverse = w < lanes ? (double)norm->inverse[at + w] : 0;
        offset[w] = w < lanes ? (float)(s->first[at + w] / count) : 0;
        tilt[w] = w < lanes ? (float)(inverse * inverse * s->second[at + w] / count) : 0;
    }
    mn_tile_repeat(p, offset);
    mn_tile_repeat(p, tilt);
}

static void spread_slopes(const mn_planes *p, const mn_channel_norm *norm, const slopes *in,
                          const mn_plane_sums *s)
{
    const bool add = in->out->add;
#pragma omp parallel for schedule(static) if (p->threads)
    for (int64_t i = 0; i < p->pieces; i++) {
        const mn_piece c = mn_piece_at(p, i);
        const int64_t spans = mn_piece_spans(p, &c);
        float *tiles = s->coefficients + i * COEFFICIENTS * p->tile;
        float *buffer[BUFFERS];
        for (int k = 0; k < BUFFERS; k++)
            buffer[k] = mn_span_buffer(p, s, BUFFERS, k);
        lay_out_norm(p, &c, norm, tiles, tiles + p->tile, tiles + 2 * p->tile);
        lay_out_slopes(p, &c, norm, s, tiles + 2 * p->tile, tiles + 3 * p->tile);
        for (int64_t k = 0; k < spans; k++) {
            const mn_span span = mn_piece_span(p, &c, k);
            normalise_backward(
                span.length, p->tile, add, tiles, mn_span_read(in->x, span, buffer[0]),
                mn_span_read(in->y, span, buffer[1]), mn_span_read(in->dy, span, buffer[2]),
                mn_span_open(in->out->dx, span, add, buffer[3]));
            mn_span_close(in->out->dx, span, buffer[3]);
        }
    }
}

mn_status mn_channel_norm_backward(const mn_channel_norm *norm, const mn_tensor *x,
                                   const mn_tensor *y, const mn_tensor *dy,
                                   const mn_channel_gradients *out)
{
    const mn_planes p = mn_planes_of(x, norm->each_image);
    slopes in = {x->data, norm->relu ? y->data : NULL, dy->data, out};
    mn_plane_sums s;
    MN_TRY(mn_plane_sums_take(&p, COEFFICIENTS, BUFFERS, &s));
    sum_slopes(&p, norm, &in, &s);
    for (int64_t channel = 0; channel < p.channels; channel++) {
        double of_shift = 0, of_scale = 0;
        for (int64_t at = channel; at < p.groups * p.channels; at += p.channels) {
            of_shift += s.first[at];
            of_scale += s.second[at] * (double)norm->inverse[at];
        }
        if (out->dscale != NULL)
            out->dscale[channel] = (float)of_scale + (out->add_scale ? out->dscale[channel] : 0);
        if (out->dshift != NULL)
            out->dshift[channel] = (float)of_shift + (out->add_shift ? out->dshift[channel] : 0);
    }
    if (out->dresidual != NULL && !out->add_residual) { /* what is behind the ReLU lies there */
        in.dy = out->dresidual;
        in.y = NULL;
    }
    if (out->dx != NULL)
        spread_slopes(&p, norm, &in, &s);
    return MN_OK;
}

/* --- a scale and a shift of each image's own: a norm without statistics --- */

mn_status mn_channel_affine_forward(const mn_tensor *x, const float *scale, const float *shift,
                                    mn_tensor *y)
{
    const mn_channel_norm norm = {.each_image = true, .inverse = scale, .shift = shift};
    return norm_forward(&norm, true, x, NULL, y);
}

static void take_sum(int64_t count, const double *sum, float *to, bool add)
{
    for (int64_t i = 0; i < count && to != NULL; i++)
        to[i] = (float)sum[i] + (add ? to[i] : 0);
}

mn_status mn_channel_affine_backward(const mn_tensor *x, const float *scale, const mn_tensor *dy,
                                     const mn_channel_gradients *out)
{
    const mn_planes p = mn_planes_of(x, true);
    const mn_channel_norm norm = {.each_image = true, .constant = true, .inverse = scale};
    const slopes in = {x->data, NULL, dy->data, out};
    mn_plane_sums s;
    MN_TRY(mn_plane_sums_take(&p, COEFFICIENTS, BUFFERS, &s));
    sum_slopes(&p, &norm, &in, &s);
    take_sum(p.groups * p.channels, s.first, out->dshift, out->add_shift);
    take_sum(p.groups * p.channels, s.second, out->dscale, out->add_scale);
    if (out->dx != NULL)
        spread_slopes(&p, &norm, &in, &s);
    return MN_OK;
}
