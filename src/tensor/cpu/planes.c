/* planes.c -- how images are cut into pieces, spans and tiles. */
#include "tensor/cpu/planes.h"
#include "tensor/cpu/bfloat16.h"
#include "tensor/cpu/primitive.h"
#include "tensor/image_kernels.h"

#include <omp.h>
#include <string.h>

enum { LEAST_TILE = 64, MOST_CHUNKS = 8, PARALLEL = 32768, STEP = 2048 };

static mn_channel_order order_of(const mn_tensor *x)
{
    return x->layout == NULL ? MN_CHANNELS_FIRST : x->layout->order;
}

bool mn_channels_known(const mn_tensor *x)
{
    return order_of(x) != MN_CHANNELS_HIDDEN;
}

mn_planes mn_planes_of(const mn_tensor *x, bool each_image)
{
    const mn_shape s = x->shape;
    mn_planes p = {.groups = each_image ? s.size[0] : 1,
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
    const int64_t most = p.images > 1 ? p.images : p.pixels;
    const int64_t chunks = p.blocks >= MOST_CHUNKS ? 2 : MOST_CHUNKS;
    p.chunks = each_image ? 1 : most < chunks ? most : chunks;
    p.tile = p.width * (p.width < LEAST_TILE ? (LEAST_TILE + p.width - 1) / p.width : 1);
    p.pieces = p.groups * p.blocks * p.chunks;
    if (x->dtype == MN_BF16)
        p.step = p.tile * (p.tile < STEP ? STEP / p.tile : 1);
    p.threads = p.groups * p.images * p.blocks * p.pixels * p.width > PARALLEL;
    return p;
}

/* Pieces of the same images follow each other, so that a thread meets those that it convolved, and
 * finds them in its cache. */
mn_piece mn_piece_at(const mn_planes *p, int64_t i)
{
    const int64_t block = i % p->blocks, chunk = i / p->blocks % p->chunks;
    const int64_t group = i / p->blocks / p->chunks, run = p->pixels * p->width;
    const int64_t all = p->images > 1 ? p->images : p->pixels;
    const int64_t from = all * chunk / p->chunks, to = all * (chunk + 1) / p->chunks;
    mn_piece c = {.group = group, .block = block, .step = p->blocks * run, .runs = 1};
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

static int64_t spans_of_run(const mn_planes *p, const mn_piece *c)
{
    return p->step == 0 ? 1 : (c->length + p->step - 1) / p->step;
}

int64_t mn_piece_spans(const mn_planes *p, const mn_piece *c)
{
    return c->runs * spans_of_run(p, c);
}

mn_span mn_piece_span(const mn_planes *p, const mn_piece *c, int64_t i)
{
    const int64_t spans = spans_of_run(p, c), begin = i % spans * p->step;
    const int64_t left = c->length - begin;
    return (mn_span){c->first + i / spans * c->step + begin,
                     p->step != 0 && p->step < left ? p->step : left};
}

int64_t mn_piece_lanes(const mn_planes *p, const mn_piece *c)
{
    const int64_t left = p->channels - c->block * p->width;
    return left < p->width ? left : p->width;
}

/* --- tiles --- */

void mn_tile_repeat(const mn_planes *p, float *tile)
{
    for (int64_t i = p->width; i < p->tile; i++)
        tile[i] = tile[i - p->width];
}

void mn_tile_lay_out(const mn_planes *p, const mn_piece *c, bool of_groups, const float *values,
                     float otherwise, float *tile)
{
    const int64_t lanes = mn_piece_lanes(p, c);
    const int64_t at = (of_groups ? c->group * p->channels : 0) + c->block * p->width;
    for (int64_t w = 0; w < p->width; w++)
        tile[w] = w >= lanes ? 0 : values != NULL ? values[at + w] : otherwise;
    mn_tile_repeat(p, tile);
}

/* --- sums --- */

/* A step begins where a vector does. */
static int64_t buffer_floats(const mn_planes *p)
{
    return (p->step + 15) / 16 * 16;
}

/* One piece of scratch memory: the two sums, then the tiles, then floats. */
mn_status mn_plane_sums_take(const mn_planes *p, int coefficients, int buffers, mn_plane_sums *s)
{
    const int64_t count = (p->groups * p->channels + 7) / 8 * 8;
    const int64_t tiles = (p->pieces * 2 * p->tile + 7) / 8 * 8;
    const int64_t floats = (p->pieces * coefficients * p->tile + 15) / 16 * 16;
    const int64_t buffered = buffers * buffer_floats(p) * omp_get_max_threads();
    const size_t doubles = (size_t)(2 * count + tiles) * sizeof(double);
    char *memory = mn_scratch_take(MN_SCRATCH_RESULT,
                                   doubles + (size_t)(floats + buffered) * sizeof(float) + 64);
    if (memory == NULL)
        return MN_NO_MEMORY;
    s->first = (double *)(void *)memory;
    s->second = s->first + count;
    s->tiles = s->second + count;
    s->coefficients = (float *)(void *)(memory + doubles);
    s->buffers = buffered > 0 ? s->coefficients + floats : NULL;
    memset(s->tiles, 0, (size_t)tiles * sizeof(double));
    return MN_OK;
}

void mn_plane_sums_fold(const mn_planes *p, mn_plane_sums *s)
{
    const int64_t count = p->groups * p->channels;
    const double *tiles = s->tiles;
    memset(s->first, 0, (size_t)count * sizeof *s->first);
    memset(s->second, 0, (size_t)count * sizeof *s->second);
    for (int64_t i = 0; i < p->pieces; i++, tiles += 2 * p->tile) {
        const mn_piece c = mn_piece_at(p, i);
        const int64_t at = c.group * p->channels + c.block * p->width;
        const int64_t lanes = mn_piece_lanes(p, &c);
        for (int64_t pixel = 0; pixel < p->tile; pixel += p->width)
            for (int64_t w = 0; w < lanes; w++) {
                s->first[at + w] += tiles[pixel + w];
                s->second[at + w] += tiles[p->tile + pixel + w];
            }
    }
}

/* --- spans as f32 --- */

float *mn_span_buffer(const mn_planes *p, const mn_plane_sums *s, int buffers, int i)
{
    return s->buffers != NULL ? s->buffers + (omp_get_thread_num() * buffers + i) * buffer_floats(p)
                              : NULL;
}

const float *mn_span_read(const void *from, mn_span span, float *buffer)
{
    if (buffer == NULL || from == NULL)
        return from != NULL ? (const float *)from + span.at : NULL;
    mn_bf16_widen(span.length, (const uint16_t *)from + span.at, buffer);
    return buffer;
}

float *mn_span_open(void *to, mn_span span, bool add, float *buffer)
{
    if (buffer == NULL || to == NULL)
        return to != NULL ? (float *)to + span.at : NULL;
    if (add)
        mn_bf16_widen(span.length, (const uint16_t *)to + span.at, buffer);
    return buffer;
}

void mn_span_close(void *to, mn_span span, const float *buffer)
{
    if (buffer != NULL && to != NULL)
        mn_bf16_narrow(span.length, buffer, (uint16_t *)to + span.at);
}
