/* channels.c -- sums over the pixels of a channel, and functions of pixel and channel.
 *
 * One set of loops serves all layouts of images.  A layout is seen as blocks of channels that lie
 * side by side, `width` of them, pixel after pixel: 1 in a plain layout, 16 in a blocked one, all
 * of them in channels-last.  The work is cut into pieces that depend on shapes alone, never on the
 * number of threads, and sums of pieces are added in order: results do not depend on threads.
 *
 * Within a piece, loops run over tiles of a few pixels, so that rows shorter than a vector (20
 * channels) fill vectors, too: what belongs to a channel is laid out once for a whole tile. */
#include "tensor/cpu/clones.h"
#include "tensor/cpu/primitive.h"
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"

#include <math.h>
#include <string.h>

enum { LEAST_TILE = 64, MOST_CHUNKS = 8, PARALLEL = 32768 };

/* Element (group, image, block, pixel, lane), of channel block * width + lane. */
typedef struct planes {
    int64_t groups, images, blocks, pixels, width;
    int64_t channels; /* without what pads them */
    int64_t chunks;   /* pieces of a group's block, cut between images or else between pixels */
    int64_t tile;     /* elements: a whole number of pixels */
} planes;

static mn_channel_order order_of(const mn_tensor *x)
{
    return x->layout == NULL ? MN_CHANNELS_FIRST : x->layout->order;
}

bool mn_channels_known(const mn_tensor *x)
{
    return order_of(x) != MN_CHANNELS_HIDDEN;
}

static planes planes_of(const mn_tensor *x, bool each_image)
{
    const mn_shape s = x->shape;
    planes p = {.groups = each_image ? s.size[0] : 1,
                .images = each_image ? 1 : s.size[0],
                .blocks = s.size[1],
                .pixels = s.size[2] * s.size[3],
                .width = 1,
                .channels = s.size[1]};
    const mn_channel_order order = order_of(x);
    if (order == MN_CHANNELS_BLOCKED) {
        p.width = x->layout->block;
        p.blocks = (p.channels + p.width - 1) / p.width;
    } else if (order == MN_CHANNELS_LAST) {
        p.pixels *= p.images;
        p.images = p.blocks = 1;
        p.width = p.channels;
    }
    const int64_t pieces = p.images > 1 ? p.images : p.pixels;
    const int64_t chunks = p.blocks >= MOST_CHUNKS ? 2 : MOST_CHUNKS;
    p.chunks = each_image ? 1 : pieces < chunks ? pieces : chunks;
    p.tile = p.width * (p.width < LEAST_TILE ? (LEAST_TILE + p.width - 1) / p.width : 1);
    return p;
}

/* --- pieces --- */

typedef struct piece {
    int64_t group, block;
    int64_t first, step, runs; /* offsets of its runs of memory, */
    int64_t length;            /* and how long each is */
} piece;

static int64_t piece_count(const planes *p)
{
    return p->groups * p->blocks * p->chunks;
}

/* Pieces of the same images follow each other, so that a thread meets those that it convolved, and
 * finds them in its cache. */
static piece piece_at(const planes *p, int64_t i)
{
    const int64_t block = i % p->blocks, chunk = i / p->blocks % p->chunks;
    const int64_t group = i / p->blocks / p->chunks, run = p->pixels * p->width;
    const int64_t all = p->images > 1 ? p->images : p->pixels;
    const int64_t from = all * chunk / p->chunks, to = all * (chunk + 1) / p->chunks;
    piece c = {.group = group, .block = block, .step = p->blocks * run, .runs = 1};
    c.first = (group * p->images * p->blocks + block) * run;
    if (p->images > 1) {
        c.first += from * c.step;
        c.runs = to - from;
        c.length = run;
    } else {
        c.first += from * p->width;
        c.length = (to - from) * p->width;
    }
    return c;
}

static bool worth_threads(const planes *p)
{
    return p->groups * p->images * p->blocks * p->pixels * p->width > PARALLEL;
}

/* Channels in a piece's block, without those that pad it. */
static int64_t lanes_of(const planes *p, const piece *c)
{
    const int64_t left = p->channels - c->block * p->width;
    return left < p->width ? left : p->width;
}

/* The first pixel of a tile, for the others. */
static void repeat(const planes *p, float *tile)
{
    for (int64_t i = p->width; i < p->tile; i++)
        tile[i] = tile[i - p->width];
}

/* One number a channel, (groups, C) or (C), laid out for a tile of a piece's block; 0 where
 * channels pad, `otherwise` where there are none. */
static void lay_out(const planes *p, const piece *c, bool of_groups, const float *values,
                    float otherwise, float *tile)
{
    const int64_t lanes = lanes_of(p, c);
    const int64_t at = (of_groups ? c->group * p->channels : 0) + c->block * p->width;
    for (int64_t w = 0; w < p->width; w++)
        tile[w] = w >= lanes ? 0 : values != NULL ? values[at + w] : otherwise;
    repeat(p, tile);
}

/* The loop over `length` elements in tiles: `body` in i, of the memory, and j, of the tile. */
#define TILED(length, tile, body)                                                                  \
    do {                                                                                           \
        int64_t start = 0;                                                                         \
        for (; start + (tile) <= (length); start += (tile)) {                                      \
            _Pragma("omp simd") for (int64_t j = 0; j < (tile); j++)                               \
            {                                                                                      \
                const int64_t i = start + j;                                                       \
                body;                                                                              \
            }                                                                                      \
        }                                                                                          \
        for (int64_t j = 0; start + j < (length); j++) {                                           \
            const int64_t i = start + j;                                                           \
            body;                                                                                  \
        }                                                                                          \
    } while (0)

/* --- sums --- */

MN_CLONES static void add_moments(int64_t length, int64_t tile, const float *x, double *sum,
                                  double *square)
{
    TILED(length, tile, {
        const double v = (double)x[i];
        sum[j] += v;
        square[j] += v * v;
    });
}

/* The slope behind a ReLU, of whose output y is; a product, as a choice would not be vectorised. */
#define BEHIND_RELU (dy[i] * (float)(y[i] > 0))

/* sums of dy, and of dy (x - mean); with y, behind a ReLU */
MN_CLONES static void add_slopes(int64_t length, int64_t tile, const float *mean, const float *x,
                                 const float *y, const float *dy, double *sum, double *along)
{
    if (y == NULL)
        TILED(length, tile, {
            sum[j] += (double)dy[i];
            along[j] += (double)(dy[i] * (x[i] - mean[j]));
        });
    else
        TILED(length, tile, {
            const float slope = BEHIND_RELU;
            sum[j] += (double)slope;
            along[j] += (double)(slope * (x[i] - mean[j]));
        });
}

/* Two sums for each group and channel, (groups, C) each, from those of the pieces' tiles. */
static void fold(const planes *p, const double *tiles, double *first, double *second)
{
    const int64_t count = p->groups * p->channels;
    memset(first, 0, (size_t)count * sizeof *first);
    memset(second, 0, (size_t)count * sizeof *second);
    for (int64_t i = 0; i < piece_count(p); i++, tiles += 2 * p->tile) {
        const piece c = piece_at(p, i);
        const int64_t at = c.group * p->channels + c.block * p->width, lanes = lanes_of(p, &c);
        for (int64_t pixel = 0; pixel < p->tile; pixel += p->width)
            for (int64_t w = 0; w < lanes; w++) {
                first[at + w] += tiles[pixel + w];
                second[at + w] += tiles[p->tile + pixel + w];
            }
    }
}

/* Scratch memory: the two sums (groups, C) each, then the tiles of all pieces, then floats for
 * `coefficients` tiles a piece. */
typedef struct sums {
    double *first, *second, *tiles;
    float *coefficients;
} sums;

static mn_status take_sums(const planes *p, int64_t coefficients, sums *s)
{
    const int64_t count = (p->groups * p->channels + 7) / 8 * 8;
    const int64_t tiles = (piece_count(p) * 2 * p->tile + 7) / 8 * 8;
    const int64_t floats = piece_count(p) * coefficients * p->tile;
    const size_t doubles = (size_t)(2 * count + tiles) * sizeof(double);
    char *memory =
        mn_scratch_take(MN_SCRATCH_RESULT, doubles + (size_t)floats * sizeof(float) + 64);
    if (memory == NULL)
        return MN_NO_MEMORY;
    s->first = (double *)(void *)memory;
    s->second = s->first + count;
    s->tiles = s->second + count;
    s->coefficients = (float *)(void *)(memory + doubles);
    memset(s->tiles, 0, (size_t)tiles * sizeof(double));
    return MN_OK;
}

static mn_status sum_moments(const planes *p, const float *x, sums *s)
{
    MN_TRY(take_sums(p, 0, s));
    const int64_t pieces = piece_count(p);
#pragma omp parallel for schedule(static) if (worth_threads(p))
    for (int64_t i = 0; i < pieces; i++) {
        const piece c = piece_at(p, i);
        double *tile = s->tiles + i * 2 * p->tile;
        for (int64_t run = 0; run < c.runs; run++)
            add_moments(c.length, p->tile, x + c.first + run * c.step, tile, tile + p->tile);
    }
    fold(p, s->tiles, s->first, s->second);
    return MN_OK;
}

mn_status mn_channel_moments(const mn_tensor *x, bool each_image, float *mean, float *variance)
{
    const planes p = planes_of(x, each_image);
    const double count = (double)(p.images * p.pixels);
    sums s;
    MN_TRY(sum_moments(&p, mn_tensor_floats(x), &s));
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

/* --- normalisation --- */

MN_CLONES static void normalise(int64_t length, int64_t tile, float low, const float *mean,
                                const float *factor, const float *shift, const float *x, float *y)
{
    TILED(length, tile, {
        const float v = (x[i] - mean[j]) * factor[j] + shift[j];
        y[i] = v < low ? low : v;
    });
}

static float low_of(const mn_channel_norm *norm)
{
    return norm->relu ? 0 : -INFINITY;
}

/* tiles of mean and of inverse scale */
static void lay_out_norm(const planes *p, const piece *c, const mn_channel_norm *norm, float *mean,
                         float *factor, float *scratch)
{
    lay_out(p, c, true, norm->mean, 0, mean);
    lay_out(p, c, true, norm->inverse, 0, factor);
    lay_out(p, c, false, norm->scale, 1, scratch);
    for (int64_t j = 0; j < p->tile; j++)
        factor[j] *= scratch[j];
}

mn_status mn_channel_norm_forward(const mn_channel_norm *norm, const mn_tensor *x, mn_tensor *y)
{
    const planes p = planes_of(x, norm->each_image);
    const int64_t pieces = piece_count(&p);
    const float *in = mn_tensor_floats(x);
    float *out = mn_tensor_floats(y);
    sums s;
    MN_TRY(take_sums(&p, 3, &s));
#pragma omp parallel for schedule(static) if (worth_threads(&p))
    for (int64_t i = 0; i < pieces; i++) {
        const piece c = piece_at(&p, i);
        float *mean = s.coefficients + i * 3 * p.tile;
        float *factor = mean + p.tile, *shift = factor + p.tile;
        lay_out_norm(&p, &c, norm, mean, factor, shift);
        lay_out(&p, &c, false, norm->shift, 0, shift);
        for (int64_t run = 0; run < c.runs; run++) {
            const int64_t at = c.first + run * c.step;
            normalise(c.length, p.tile, low_of(norm), mean, factor, shift, in + at, out + at);
        }
    }
    return MN_OK;
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
        TILED(length, tile, dx[i] += GRADIENT(dy[i]));
    else if (y == NULL)
        TILED(length, tile, dx[i] = GRADIENT(dy[i]));
    else if (add)
        TILED(length, tile, dx[i] += GRADIENT(BEHIND_RELU));
    else
        TILED(length, tile, dx[i] = GRADIENT(BEHIND_RELU));
#undef GRADIENT
}

static void sum_slopes(const planes *p, const mn_channel_norm *norm, const float *x, const float *y,
                       const float *dy, sums *s)
{
    const int64_t pieces = piece_count(p);
#pragma omp parallel for schedule(static) if (worth_threads(p))
    for (int64_t i = 0; i < pieces; i++) {
        const piece c = piece_at(p, i);
        double *tile = s->tiles + i * 2 * p->tile;
        float *mean = s->coefficients + i * 4 * p->tile;
        lay_out(p, &c, true, norm->mean, 0, mean);
        for (int64_t run = 0; run < c.runs; run++) {
            const int64_t at = c.first + run * c.step;
            add_slopes(c.length, p->tile, mean, x + at, y != NULL ? y + at : NULL, dy + at, tile,
                       tile + p->tile);
        }
    }
    fold(p, s->tiles, s->first, s->second);
}

/* offset and tilt of a tile, from the sums of its channels */
static void lay_out_slopes(const planes *p, const piece *c, const mn_channel_norm *norm,
                           const sums *s, float *offset, float *tilt)
{
    const double count = (double)(p->images * p->pixels);
    const int64_t lanes = norm->constant ? 0 : lanes_of(p, c);
    const int64_t at = c->group * p->channels + c->block * p->width;
    for (int64_t w = 0; w < p->width; w++) {
        const double inverse = w < lanes ? (double)norm->inverse[at + w] : 0;
        offset[w] = w < lanes ? (float)(s->first[at + w] / count) : 0;
        tilt[w] = w < lanes ? (float)(inverse * inverse * s->second[at + w] / count) : 0;
    }
    repeat(p, offset);
    repeat(p, tilt);
}

static void spread_slopes(const planes *p, const mn_channel_norm *norm, const float *x,
                          const float *y, const float *dy, const sums *s, float *dx, bool add)
{
    const int64_t pieces = piece_count(p);
#pragma omp parallel for schedule(static) if (worth_threads(p))
    for (int64_t i = 0; i < pieces; i++) {
        const piece c = piece_at(p, i);
        float *tiles = s->coefficients + i * 4 * p->tile;
        lay_out_norm(p, &c, norm, tiles, tiles + p->tile, tiles + 2 * p->tile);
        lay_out_slopes(p, &c, norm, s, tiles + 2 * p->tile, tiles + 3 * p->tile);
        for (int64_t run = 0; run < c.runs; run++) {
            const int64_t at = c.first + run * c.step;
            normalise_backward(c.length, p->tile, add, tiles, x + at, y != NULL ? y + at : NULL,
                               dy + at, dx + at);
        }
    }
}

mn_status mn_channel_norm_backward(const mn_channel_norm *norm, const mn_tensor *x,
                                   const mn_tensor *y, const mn_tensor *dy, float *dx, bool add,
                                   float *dscale, bool add_scale, float *dshift, bool add_shift)
{
    const planes p = planes_of(x, norm->each_image);
    const float *in = mn_tensor_floats(x), *out = norm->relu ? mn_tensor_floats(y) : NULL;
    const float *slope = mn_tensor_floats(dy);
    sums s;
    MN_TRY(take_sums(&p, 4, &s));
    sum_slopes(&p, norm, in, out, slope, &s);
    for (int64_t channel = 0; channel < p.channels; channel++) {
        double of_shift = 0, of_scale = 0;
        for (int64_t at = channel; at < p.groups * p.channels; at += p.channels) {
            of_shift += s.first[at];
            of_scale += s.second[at] * (double)norm->inverse[at];
        }
        if (dscale != NULL)
            dscale[channel] = (float)of_scale + (add_scale ? dscale[channel] : 0);
        if (dshift != NULL)
            dshift[channel] = (float)of_shift + (add_shift ? dshift[channel] : 0);
    }
    if (dx != NULL)
        spread_slopes(&p, norm, in, out, slope, &s, dx, add);
    return MN_OK;
}

/* --- a scale and a shift of each image's own: a norm without statistics --- */

mn_status mn_channel_affine_forward(const mn_tensor *x, const float *scale, const float *shift,
                                    mn_tensor *y)
{
    const planes p = planes_of(x, true);
    const int64_t pieces = piece_count(&p);
    sums s;
    MN_TRY(take_sums(&p, 3, &s));
#pragma omp parallel for schedule(static) if (worth_threads(&p))
    for (int64_t i = 0; i < pieces; i++) {
        const piece c = piece_at(&p, i);
        float *mean = s.coefficients + i * 3 * p.tile;
        float *factor = mean + p.tile, *addend = factor + p.tile;
        lay_out(&p, &c, true, NULL, 0, mean);
        lay_out(&p, &c, true, scale, 0, factor);
        lay_out(&p, &c, true, shift, 0, addend);
        normalise(c.length, p.tile, -INFINITY, mean, factor, addend, mn_tensor_floats(x) + c.first,
                  mn_tensor_floats(y) + c.first);
    }
    return MN_OK;
}

static void take_sum(int64_t count, const double *sum, float *to, bool add)
{
    for (int64_t i = 0; i < count && to != NULL; i++)
        to[i] = (float)sum[i] + (add ? to[i] : 0);
}

mn_status mn_channel_affine_backward(const mn_tensor *x, const float *scale, const mn_tensor *dy,
                                     float *dx, bool add, float *dscale, bool add_scale,
                                     float *dshift, bool add_shift)
{
    const planes p = planes_of(x, true);
    const mn_channel_norm norm = {.each_image = true, .constant = true, .inverse = scale};
    const float *in = mn_tensor_floats(x), *slope = mn_tensor_floats(dy);
    sums s;
    MN_TRY(take_sums(&p, 4, &s));
    sum_slopes(&p, &norm, in, NULL, slope, &s);
    take_sum(p.groups * p.channels, s.first, dshift, add_shift);
    take_sum(p.groups * p.channels, s.second, dscale, add_scale);
    if (dx != NULL)
        spread_slopes(&p, &norm, in, NULL, slope, &s, dx, add);
    return MN_OK;
}

/* --- means over pixels --- */

mn_status mn_channel_means(const mn_tensor *x, float *y)
{
    const planes p = planes_of(x, true);
    sums s;
    MN_TRY(sum_moments(&p, mn_tensor_floats(x), &s));
    for (int64_t i = 0; i < p.groups * p.channels; i++)
        y[i] = (float)(s.first[i] / (double)p.pixels);
    return MN_OK;
}

MN_CLONES static void spread(int64_t length, int64_t tile, float factor, const float *values,
                             bool add, float *y)
{
    if (add)
        TILED(length, tile, y[i] += factor * values[j]);
    else
        TILED(length, tile, y[i] = factor * values[j]);
}

mn_status mn_channel_means_backward(const float *dy, bool add, mn_tensor *dx)
{
    const planes p = planes_of(dx, true);
    const int64_t pieces = piece_count(&p);
    sums s;
    MN_TRY(take_sums(&p, 1, &s));
#pragma omp parallel for schedule(static) if (worth_threads(&p))
    for (int64_t i = 0; i < pieces; i++) {
        const piece c = piece_at(&p, i);
        float *tile = s.coefficients + i * p.tile;
        lay_out(&p, &c, true, dy, 0, tile);
        spread(c.length, p.tile, 1 / (float)p.pixels, tile, add, mn_tensor_floats(dx) + c.first);
    }
    return MN_OK;
}
