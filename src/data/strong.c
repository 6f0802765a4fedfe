/* strong.c -- the augmentation of contrastive learning (Chen et al., SimCLR, 2020): flip, random
 * crop resized to the whole, colour jitter, loss of colour; in this order, then normalised.
 *
 * An image of one channel has no colour to change, and is often a sign that a mirror makes wrong:
 * it is cropped, and its brightness and contrast change.  Ranges are those of X-DER's authors:
 * crops of 0.2 to 1 of the area and 3/4 to 4/3 in shape; jitter of 0.4, 0.4, 0.4 and 0.1, of four
 * images in five; loss of colour of one in five. */
#include "data/strong.h"

#include <math.h>

/* Which random number is for what. */
enum { FLIP, JITTER, GREY, BRIGHTNESS, CONTRAST, SATURATION, HUE, ORDER, CROP };
enum { TRIES = 10, STEPS = 4 };

static double between(mn_key key, uint64_t counter, double low, double high)
{
    return low + (high - low) * mn_random_uniform(key, counter);
}

static float clamp(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* --- crop --- */

typedef struct crop {
    int64_t top, left, height, width;
} crop;

static crop draw_crop(mn_key key, int64_t height, int64_t width)
{
    for (uint64_t at = CROP; at < CROP + 4 * TRIES; at += 4) {
        const double area = between(key, at, 0.2, 1) * (double)(height * width);
        const double ratio = exp(between(key, at + 1, log(3.0 / 4), log(4.0 / 3)));
        const int64_t wide = llround(sqrt(area * ratio)), high = llround(sqrt(area / ratio));
        if (wide > 0 && high > 0 && wide <= width && high <= height)
            return (crop){mn_random_below(key, at + 2, height - high + 1),
                          mn_random_below(key, at + 3, width - wide + 1), high, wide};
    }
    return (crop){0, 0, height, width};
}

/* Two neighbours in the crop, and how near the second one is. */
typedef struct neighbours {
    int64_t low, high;
    float share;
} neighbours;

static neighbours find(int64_t i, int64_t size, int64_t first, int64_t part)
{
    const double centre = ((double)i + 0.5) * (double)part / (double)size - 0.5;
    const double at = fmin(fmax(centre, 0), (double)(part - 1));
    const int64_t low = (int64_t)at, high = low + 1 < part ? low + 1 : low;
    return (neighbours){first + low, first + high, (float)(at - (double)low)};
}

static float pixel(const uint8_t *plane, int64_t place)
{
    return (float)plane[place] / 255.0f;
}

/* One channel of the crop, at the size of the image. */
static void resize(const uint8_t *plane, int64_t height, int64_t width, crop c, bool flip, float *x)
{
    for (int64_t row = 0; row < height; row++) {
        const neighbours y = find(row, height, c.top, c.height);
        for (int64_t column = 0; column < width; column++) {
            const neighbours h = find(column, width, c.left, c.width);
            const int64_t left = flip ? width - 1 - h.low : h.low;
            const int64_t right = flip ? width - 1 - h.high : h.high;
            const float above = pixel(plane, y.low * width + left) * (1 - h.share) +
                                pixel(plane, y.low * width + right) * h.share;
            const float below = pixel(plane, y.high * width + left) * (1 - h.share) +
                                pixel(plane, y.high * width + right) * h.share;
            x[row * width + column] = above * (1 - y.share) + below * y.share;
        }
    }
}

/* --- colour; x (channels, plane) in [0, 1] --- */

typedef struct picture {
    float *x;
    int64_t channels, plane;
} picture;

static float grey(const picture *p, int64_t i)
{
    if (p->channels != 3)
        return p->x[i];
    return 0.299f * p->x[i] + 0.587f * p->x[p->plane + i] + 0.114f * p->x[2 * p->plane + i];
}

static void brighten(const picture *p, float factor)
{
    for (int64_t i = 0; i < p->channels * p->plane; i++)
        p->x[i] = clamp(p->x[i] * factor);
}

static void change_contrast(const picture *p, float factor)
{
    double sum = 0;
    for (int64_t i = 0; i < p->plane; i++)
        sum += (double)grey(p, i);
    const float mean = (float)(sum / (double)p->plane);
    for (int64_t i = 0; i < p->channels * p->plane; i++)
        p->x[i] = clamp(mean + factor * (p->x[i] - mean));
}

static void saturate(const picture *p, float factor)
{
    for (int64_t i = 0; i < p->plane; i++) {
        const float level = grey(p, i);
        for (int64_t c = 0; c < 3; c++) {
            float *x = &p->x[c * p->plane + i];
            *x = clamp(level + factor * (*x - level));
        }
    }
}

/* A colour turned about the wheel by `turn` (1: once round), through hue, chroma and value. */
static void turn_hue(const picture *p, float turn)
{
    for (int64_t i = 0; i < p->plane; i++) {
        float *r = &p->x[i], *g = r + p->plane, *b = g + p->plane;
        const float most = fmaxf(*r, fmaxf(*g, *b)), least = fminf(*r, fminf(*g, *b));
        const float chroma = most - least;
        if (chroma <= 0)
            continue;
        const float sixth = most == *r   ? (*g - *b) / chroma
                            : most == *g ? 2 + (*b - *r) / chroma
                                         : 4 + (*r - *g) / chroma;
        const float hue = sixth + 6 * turn;
        float *const channel[] = {r, g, b};
        static const float offset[] = {5, 3, 1};
        for (int c = 0; c < 3; c++) {
            float k = fmodf(offset[c] + hue, 6);
            k = k < 0 ? k + 6 : k;
            *channel[c] = most - chroma * fmaxf(0, fminf(1, fminf(k, 4 - k)));
        }
    }
}

static void jitter(const picture *p, mn_key key)
{
    int64_t order[STEPS];
    mn_random_permutation(mn_key_at(key, ORDER), STEPS, order);
    for (int i = 0; i < STEPS; i++) {
        const int64_t step = BRIGHTNESS + order[i];
        if (step == BRIGHTNESS)
            brighten(p, (float)between(key, BRIGHTNESS, 0.6, 1.4));
        else if (step == CONTRAST)
            change_contrast(p, (float)between(key, CONTRAST, 0.6, 1.4));
        else if (step == SATURATION && p->channels == 3)
            saturate(p, (float)between(key, SATURATION, 0.6, 1.4));
        else if (step == HUE && p->channels == 3)
            turn_hue(p, (float)between(key, HUE, -0.1, 0.1));
    }
}

/* --- all of it --- */

static void view_of(const mn_transform *transform, mn_shape image, const uint8_t *pixels,
                    mn_key key, float *x)
{
    const int64_t height = image.size[1], width = image.size[2];
    const picture p = {x, image.size[0], height * width};
    const bool flip = p.channels == 3 && mn_random_uniform(key, FLIP) < 0.5;
    const crop c = draw_crop(key, height, width);
    for (int64_t channel = 0; channel < p.channels; channel++)
        resize(pixels + channel * p.plane, height, width, c, flip, x + channel * p.plane);
    if (mn_random_uniform(key, JITTER) < 0.8)
        jitter(&p, key);
    if (p.channels == 3 && mn_random_uniform(key, GREY) < 0.2)
        saturate(&p, 0);
    for (int64_t i = 0; i < p.channels * p.plane; i++)
        x[i] = (x[i] - transform->mean[i / p.plane]) / transform->deviation[i / p.plane];
}

void mn_strong_apply(const mn_transform *transform, mn_shape image, int64_t count,
                     const uint8_t *pixels, mn_key key, int64_t first, float *x)
{
    const int64_t values = mn_shape_count(image);
    if (transform->scale != NULL) {
        const mn_transform plain = mn_transform_plain(transform);
        mn_transform_apply(&plain, image, count, pixels, key, NULL, x);
        return;
    }
#pragma omp parallel for schedule(static) if (count * values >= 1 << 14)
    for (int64_t row = 0; row < count; row++)
        view_of(transform, image, pixels + row * values, mn_key_at(key, (uint64_t)(first + row)),
                x + row * values);
}
