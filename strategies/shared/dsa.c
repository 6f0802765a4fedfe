/* dsa.c -- differentiable siamese augmentation: one operation, drawn for a whole batch.
 *
 * Strengths are the authors': brightness 1, saturation 2, contrast .5; shifts by .125 and squares
 * of .5 of the image; sizes from 1 / 1.2 to 1.2 in each direction; 15 degrees.  Flips and turns are
 * warps; a flip's positions are whole pixels, so that it moves values and mixes none.  The draws
 * are keys and counters: row i of a batch, or all of them, has key_at(key, i). */
#include "strategies/shared/dsa.h"

#include <math.h>
#include <mneme/image_ops.h>

enum { COLOUR, CROP, CUTOUT, SCALE, ROTATE, FLIP, OPERATIONS };

/* The rows' draws; those of all rows are one. */
typedef struct draws {
    mn_key key;
    int64_t count;
    mn_tape *tape;
    int64_t height, width;
} draws;

static double uniform(const draws *d, int64_t row, uint64_t counter)
{
    return mn_random_uniform(mn_key_at(d->key, (uint64_t)row), counter);
}

static int64_t whole(const draws *d, int64_t row, uint64_t counter, int64_t bound)
{
    return mn_random_below(mn_key_at(d->key, (uint64_t)row), counter, bound);
}

/* (count): a r + b */
static mn_var *numbers(const draws *d, uint64_t counter, double a, double b)
{
    float number[MN_MOST_DSA];
    for (int64_t i = 0; i < d->count; i++)
        number[i] = (float)(a * uniform(d, i, counter) + b);
    return mn_input(d->tape, MN_SHAPE(d->count), number, false);
}

static mn_var *colour(const draws *d, mn_var *x)
{
    x = mn_brightness(x, numbers(d, 0, 1, -0.5));
    if (mn_shape_of(x).size[1] > 1)
        x = mn_saturation(x, numbers(d, 1, 2, 0));
    return mn_contrast(x, numbers(d, 2, 1, 0.5));
}

static mn_var *crop(const draws *d, mn_var *x)
{
    const int64_t down = (int64_t)(0.125 * (double)d->height + 0.5);
    const int64_t across = (int64_t)(0.125 * (double)d->width + 0.5);
    int64_t by[2 * MN_MOST_DSA];
    for (int64_t i = 0; i < d->count; i++) {
        by[2 * i] = whole(d, i, 0, 2 * down + 1) - down;
        by[2 * i + 1] = whole(d, i, 1, 2 * across + 1) - across;
    }
    return mn_shift_images(x, by, d->count);
}

/* The centre of a square of an even side may lie on the image's far edge, too. */
static mn_var *cutout(const draws *d, mn_var *x)
{
    const int64_t side = (int64_t)(0.5 * (double)d->height + 0.5), more = 1 - side % 2;
    int64_t corners[2 * MN_MOST_DSA];
    for (int64_t i = 0; i < d->count; i++) {
        corners[2 * i] = whole(d, i, 0, d->height + more) - side / 2;
        corners[2 * i + 1] = whole(d, i, 1, d->width + more) - side / 2;
    }
    return mn_cutout(x, corners, d->count, side);
}

/* Maps from what is seen to the image. */
static mn_var *warp(const draws *d, mn_var *x, int operation)
{
    const double ratio = 1.2, most = 15 * acos(-1.0) / 180;
    float maps[6 * MN_MOST_DSA];
    for (int64_t i = 0; i < d->count; i++) {
        const double first = uniform(d, i, 0), second = uniform(d, i, 1);
        const double across = first * (ratio - 1 / ratio) + 1 / ratio;
        const double down = second * (ratio - 1 / ratio) + 1 / ratio;
        const double angle = (2 * first - 1) * most;
        double m[4] = {first < 0.5 ? -1 : 1, 0, 0, 1};
        if (operation == SCALE)
            m[0] = across, m[3] = down;
        if (operation == ROTATE)
            m[0] = m[3] = cos(angle), m[1] = -sin(angle), m[2] = sin(angle);
        float *map = maps + 6 * i;
        map[0] = (float)m[0], map[1] = (float)m[1], map[2] = 0;
        map[3] = (float)m[2], map[4] = (float)m[3], map[5] = 0;
    }
    return mn_warp_zeros(x, mn_input(d->tape, MN_SHAPE(d->count, 2, 3), maps, false));
}

mn_var *mn_dsa(mn_var *x, bool flip, bool each, mn_key key)
{
    const mn_shape shape = mn_shape_of(x);
    mn_tape *tape = mn_tape_of(x);
    if (mn_tape_status(tape) != MN_OK || shape.size[0] == 0)
        return x;
    if (shape.rank != 4 || (each && shape.size[0] > MN_MOST_DSA))
        return mn_tape_refuse(tape, "dsa",
                              mn_fail(MN_UNSUPPORTED,
                                      "%lld rows with a draw each; expected at most %d images",
                                      (long long)shape.size[0], MN_MOST_DSA));
    const draws d = {key, each ? shape.size[0] : 1, tape, shape.size[2], shape.size[3]};
    const int operation = (int)mn_random_below(key, 0, flip ? OPERATIONS : FLIP);
    switch (operation) {
    case COLOUR: return colour(&d, x);
    case CROP: return crop(&d, x);
    case CUTOUT: return cutout(&d, x);
    default: return warp(&d, x, operation);
    }
}
