/* augment.c -- the changes of adaptive discriminator augmentation, as one map and one mix
 * of channels for each image.
 *
 * Strengths are StyleGAN2-ADA's defaults.  Images are normalised here, so a brightness of 0.2 is a
 * fifth of the data's deviation, and contrast and colour turn about the data's mean.  Images are
 * mirrored at their edges. */
#include "strategies/genifer/augment.h"

#include <math.h>
#include <mneme/image_ops.h>

enum { GEOMETRY = 14, COLOUR = 7, CHANCES = GEOMETRY + COLOUR, STRENGTHS = 8 };

static const double circle = 6.283185307179586;

/* Numbers of one image: whether (uniform) and how much (normal), each read once, in order. */
typedef struct numbers {
    const float *uniform, *normal;
} numbers;

static double uniform(numbers *n)
{
    return (double)*n->uniform++;
}

static double normal(numbers *n)
{
    return (double)*n->normal++;
}

/* --- where pixels come from: maps from what is seen to the image --- */

typedef struct affine {
    double m[2][3];
} affine;

/* first after then: a point is moved by `then`, and by `first` after it. */
static affine compose(affine first, affine then)
{
    affine c;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            c.m[i][j] = first.m[i][0] * then.m[0][j] + first.m[i][1] * then.m[1][j] +
                        (j == 2 ? first.m[i][2] : 0);
    return c;
}

static affine scaling(double across, double down)
{
    return (affine){{{across, 0, 0}, {0, down, 0}}};
}

static affine moving(double across, double down)
{
    return (affine){{{1, 0, across}, {0, 1, down}}};
}

/* Pixels are square, however wide the image is for its height. */
static affine turning(double angle, double aspect)
{
    return (affine){{{cos(angle), -sin(angle) / aspect, 0}, {sin(angle) * aspect, cos(angle), 0}}};
}

static affine geometry(numbers *n, double p, mn_shape shape)
{
    const double height = (double)shape.size[2], width = (double)shape.size[3];
    const double aspect = width / height, most_move = 0.125;
    const double turn = 1 - sqrt(1 - p); /* of two turns, one comes with p */
    affine map = scaling(1, 1);
    const bool flips = uniform(n) < p, quarters = uniform(n) < p, steps = uniform(n) < p;
    const double flip = uniform(n) < 0.5 ? -1 : 1, quarter = floor(4 * uniform(n));
    const double across = (2 * uniform(n) - 1) * most_move, down = (2 * uniform(n) - 1) * most_move;
    if (flips)
        map = compose(map, scaling(flip, 1));
    if (quarters)
        map = compose(map, turning(quarter * circle / 4, aspect));
    if (steps)
        map = compose(map,
                      moving(2 * round(across * width) / width, 2 * round(down * height) / height));
    const double size = exp2(0.2 * normal(n)), stretch = exp2(0.2 * normal(n));
    if (uniform(n) < p)
        map = compose(map, scaling(size, size));
    const bool before = uniform(n) < turn;
    const double angle = circle * uniform(n);
    if (before)
        map = compose(map, turning(angle, aspect));
    if (uniform(n) < p)
        map = compose(map, scaling(stretch, 1 / stretch));
    const bool after = uniform(n) < turn;
    const double other = circle * uniform(n);
    if (after)
        map = compose(map, turning(other, aspect));
    const double right = 2 * most_move * normal(n), low = 2 * most_move * normal(n);
    return uniform(n) < p ? compose(map, moving(right, low)) : map;
}

/* --- what becomes of colours: m c + m' of three channels, of which one alone has the first --- */

typedef struct colour {
    double m[3][4];
} colour;

static colour after(colour first, colour then)
{
    colour c;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            c.m[i][j] = j == 3 ? then.m[i][3] : 0;
            for (int k = 0; k < 3; k++)
                c.m[i][j] += then.m[i][k] * first.m[k][j];
        }
    return c;
}

/* along luma v = (1, 1, 1) / sqrt 3: a v v' + b (1 - v v') + c [v]x */
static colour about_luma(double along, double across, double turned)
{
    colour c = {{{0}}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            const double side = i == j ? 0 : (j - i + 3) % 3 == 1 ? -1 : 1;
            c.m[i][j] = (along - across) / 3 + (i == j ? across : 0) + turned * side / sqrt(3);
        }
    return c;
}

static colour brightness(double contrast, double shift)
{
    colour c = {{{contrast, 0, 0, shift}, {0, contrast, 0, shift}, {0, 0, contrast, shift}}};
    return c;
}

static colour colours(numbers *n, double p, int64_t channels)
{
    const double light = 0.2 * normal(n), contrast = exp2(0.5 * normal(n));
    const double saturation = exp2(normal(n));
    colour c = brightness(1, uniform(n) < p ? light : 0);
    if (uniform(n) < p)
        c = after(c, brightness(contrast, 0));
    if (channels != 3)
        return c;
    const bool flips = uniform(n) < p;
    if (uniform(n) < 0.5 && flips)
        c = after(c, about_luma(-1, 1, 0));
    const double hue = circle * uniform(n);
    if (uniform(n) < p)
        c = after(c, about_luma(1, cos(hue), sin(hue)));
    if (uniform(n) < p)
        c = after(c, about_luma(1, saturation, 0));
    return c;
}

/* --- all rows --- */

static void write_mix(const colour *c, int64_t channels, float *mix)
{
    for (int64_t i = 0; i < channels; i++)
        for (int64_t j = 0; j <= channels; j++)
            mix[i * (channels + 1) + j] = (float)c->m[i % 3][j == channels ? 3 : j];
}

mn_var *mn_augmented(mn_learner *learner, const char *name, mn_var *x, double p)
{
    enum { MOST_MIX = 12 };
    const mn_shape shape = mn_shape_of(x);
    mn_tape *tape = mn_tape_of(x);
    const int64_t rows = mn_rows_of(x);
    if (!(p > 0) || shape.rank != 4 || mn_tape_status(tape) != MN_OK)
        return x;
    const int64_t channels = shape.size[1], mix = channels * (channels + 1);
    if (rows > MN_MOST_AUGMENTED || (channels != 1 && channels != 3))
        return mn_tape_refuse(
            tape, "augmentation",
            mn_fail(MN_UNSUPPORTED, "%lld images of %lld channels; expected at most %d, of 1 or 3",
                    (long long)rows, (long long)channels, MN_MOST_AUGMENTED));
    const float *chances = mn_host(mn_uniform(learner, tape, name, MN_SHAPE(rows, CHANCES)));
    const float *strengths = mn_host(mn_noise(learner, tape, name, MN_SHAPE(rows, STRENGTHS)));
    float maps[MN_MOST_AUGMENTED * 6], mixes[MN_MOST_AUGMENTED * MOST_MIX];
    for (int64_t i = 0; i < rows && chances != NULL && strengths != NULL; i++) {
        numbers n = {chances + i * CHANCES, strengths + i * STRENGTHS};
        const affine map = geometry(&n, p, shape);
        const colour c = colours(&n, p, channels);
        for (int k = 0; k < 6; k++)
            maps[6 * i + k] = (float)map.m[k / 3][k % 3];
        write_mix(&c, channels, mixes + mix * i);
    }
    x = mn_warp(x, mn_input(tape, MN_SHAPE(rows, 2, 3), maps, false));
    return mn_mix_channels(x, mn_input(tape, MN_SHAPE(rows, channels, channels + 1), mixes, false));
}

double mn_augmentation_adapted(double p, double mean_sign, double most)
{
    const double aim = 0.5, by = 0.001;
    const double way = mean_sign > aim ? by : mean_sign < aim ? -by : 0;
    return fmin(fmax(p + way, 0), most);
}
