/* planes.h -- one view of images (B, C, H, W) for the loops that go by channel.
 *
 * One set of loops serves all layouts.  A layout is seen as blocks of channels that lie side by
 * side, `width` of them, pixel after pixel: 1 in a plain layout, 16 in a blocked one, all of them
 * in channels-last.  The work is cut into pieces that depend on shapes alone, never on the number
 * of threads, and sums of pieces are added in order: results do not depend on threads.
 *
 * Within a piece, loops run over tiles of a few pixels, so that rows shorter than a vector (20
 * channels) fill vectors, too: what belongs to a channel is laid out once for a whole tile.  Loops
 * are in f32: bf16 is widened and narrowed span by span, in memory that stays in the cache. */
#ifndef MN_TENSOR_CPU_PLANES_H
#define MN_TENSOR_CPU_PLANES_H

#include "tensor/cpu/layout.h"

/* Element (group, image, block, pixel, lane), of channel block * width + lane. */
typedef struct mn_planes {
    int64_t groups, images, blocks, pixels, width;
    int64_t channels; /* without what pads them */
    int64_t chunks;   /* pieces of a group's block, cut between images or else between pixels */
    int64_t tile;     /* elements: a whole number of pixels */
    int64_t pieces;
    int64_t step; /* the longest span, a whole number of tiles; 0: as long as memory runs */
    bool threads; /* whether they are worth it */
} mn_planes;

typedef struct mn_piece {
    int64_t group, block;
    int64_t first, step, runs; /* offsets of its runs of memory, */
    int64_t length;            /* and how long each is */
} mn_piece;

typedef struct mn_span { /* of a run */
    int64_t at, length;
} mn_span;

/* Two sums for each group and channel, (groups, C) each, and what the loops that make them need. */
typedef struct mn_plane_sums {
    double *first, *second;
    double *tiles;       /* two a piece */
    float *coefficients; /* so many tiles a piece as were asked for */
    float *buffers;      /* so many steps a thread as were asked for; NULL: elements are f32 */
} mn_plane_sums;

mn_planes mn_planes_of(const mn_tensor *x, bool each_image);
mn_piece mn_piece_at(const mn_planes *p, int64_t i);
int64_t mn_piece_spans(const mn_planes *p, const mn_piece *c);
mn_span mn_piece_span(const mn_planes *p, const mn_piece *c, int64_t i);
/* Channels in a piece's block, without those that pad it. */
int64_t mn_piece_lanes(const mn_planes *p, const mn_piece *c);

/* The first pixel of a tile, for the others. */
void mn_tile_repeat(const mn_planes *p, float *tile);
/* One number a channel, (groups, C) or (C), laid out for a tile of a piece's block; 0 where
 * channels pad, `otherwise` where there are none. */
void mn_tile_lay_out(const mn_planes *p, const mn_piece *c, bool of_groups, const float *values,
                     float otherwise, float *tile);

mn_status mn_plane_sums_take(const mn_planes *p, int coefficients, int buffers, mn_plane_sums *s);
/* first and second, from the tiles of all pieces */
void mn_plane_sums_fold(const mn_planes *p, mn_plane_sums *s);

/* The calling thread's i-th buffer; NULL where elements are f32. */
float *mn_span_buffer(const mn_planes *p, const mn_plane_sums *s, int buffers, int i);
/* The span as f32: in place, or in the buffer.  NULL stays NULL. */
const float *mn_span_read(const void *from, mn_span span, float *buffer);
/* Where the loops write the span, with what is there when they `add`; NULL stays NULL. */
float *mn_span_open(void *to, mn_span span, bool add, float *buffer);
void mn_span_close(void *to, mn_span span, const float *buffer);

/* The loop over `length` elements in tiles: `body` in i, of the memory, and j, of the tile. */
#define MN_TILED(length, tile, body)                                                               \
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

#endif
