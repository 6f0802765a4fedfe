/* view_colour.c -- changes of colour, each a loop over planes that the compiler can make vectors
 * of: no branches, no calls, and no sum whose order would differ between machines. */
#include "data/augment/view_colour.h"
#include "base/clones.h"

#include <string.h>

static float clamp(float v)
{
    v = v < 0 ? 0 : v;
    return v > 1 ? 1 : v;
}

static int64_t plane_of(const mn_canvas *canvas)
{
    return canvas->height * canvas->width;
}

static float grey_of(float r, float g, float b)
{
    return 0.299f * r + 0.587f * g + 0.114f * b;
}

/* x = clamp(base + factor (x - base)), base the same for all. */
MN_CLONES static void blend(float *x, int64_t count, float base, float factor)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = clamp(base + factor * (x[i] - base));
}

void mn_view_brightness(const mn_canvas *canvas, float factor)
{
    blend(canvas->x, canvas->channels * plane_of(canvas), 0, factor);
}

/* --- contrast --- */

enum { LANES = 16 }; /* sums side by side: fast, and of one order whatever the vectors' width */

static float sum_of(const float lane[LANES])
{
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += (double)lane[k];
    return (float)sum;
}

MN_CLONES static float sum_of_plane(const float *x, int64_t count)
{
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += x[i + k];
    for (; i < count; i++)
        lane[0] += x[i];
    return sum_of(lane);
}

static float mean_grey(const mn_canvas *canvas)
{
    const int64_t plane = plane_of(canvas);
    if (canvas->channels != 3)
        return sum_of_plane(canvas->x, canvas->channels * plane) /
               (float)(canvas->channels * plane);
    /* The mean of the greys is the grey of the means. */
    float mean[3];
    for (int c = 0; c < 3; c++)
        mean[c] = sum_of_plane(canvas->x + c * plane, plane) / (float)plane;
    return grey_of(mean[0], mean[1], mean[2]);
}

void mn_view_contrast(const mn_canvas *canvas, float factor)
{
    blend(canvas->x, canvas->channels * plane_of(canvas), mean_grey(canvas), factor);
}

/* --- saturation and hue --- */

MN_CLONES static void saturate(float *restrict r, float *restrict g, float *restrict b,
                               int64_t count, float factor)
{
    for (int64_t i = 0; i < count; i++) {
        const float grey = grey_of(r[i], g[i], b[i]);
        r[i] = clamp(grey + factor * (r[i] - grey));
        g[i] = clamp(grey + factor * (g[i] - grey));
        b[i] = clamp(grey + factor * (b[i] - grey));
    }
}

void mn_view_saturation(const mn_canvas *canvas, float factor)
{
    const int64_t plane = plane_of(canvas);
    if (canvas->channels == 3)
        saturate(canvas->x, canvas->x + plane, canvas->x + 2 * plane, plane, factor);
}

static float least(float a, float b)
{
    return a < b ? a : b;
}

static float greatest(float a, float b)
{
    return a > b ? a : b;
}

/* A channel from hue (in sixths of the wheel), value and chroma; at: 5, 3, 1 of R, G, B. */
static float channel_of(float at, float hue, float value, float chroma)
{
    float k = at + hue; /* from -6 to 16 */
    k = k < 0 ? k + 6 : k;
    k = k >= 12 ? k - 12 : k;
    k = k >= 6 ? k - 6 : k;
    return value - chroma * greatest(0, least(1, least(k, 4 - k)));
}

MN_CLONES static void turn_hue(float *restrict r, float *restrict g, float *restrict b,
                               int64_t count, float sixths)
{
    for (int64_t i = 0; i < count; i++) {
        const float red = r[i], green = g[i], blue = b[i];
        const float value = greatest(red, greatest(green, blue));
        const float chroma = value - least(red, least(green, blue));
        const float divisor = chroma > 0 ? chroma : 1; /* greys stay what they are */
        const float from_red = (green - blue) / divisor;
        const float from_green = 2 + (blue - red) / divisor;
        const float from_blue = 4 + (red - green) / divisor;
        const float other = value == green ? from_green : from_blue;
        const float hue = (value == red ? from_red : other) + sixths;
        r[i] = channel_of(5, hue, value, chroma);
        g[i] = channel_of(3, hue, value, chroma);
        b[i] = channel_of(1, hue, value, chroma);
    }
}

void mn_view_hue(const mn_canvas *canvas, float turn)
{
    const int64_t plane = plane_of(canvas);
    if (canvas->channels == 3)
        turn_hue(canvas->x, canvas->x + plane, canvas->x + 2 * plane, plane, 6 * turn);
}

/* --- histograms --- */

MN_CLONES static void solarise(float *x, int64_t count, float threshold)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = x[i] >= threshold ? 1 - x[i] : x[i];
}

void mn_view_solarise(const mn_canvas *canvas, float threshold)
{
    solarise(canvas->x, canvas->channels * plane_of(canvas), threshold);
}

enum { LEVELS = 256 };

static int level_of(float x)
{
    return (int)(x * (LEVELS - 1) + 0.5f);
}

/* PIL's: level i becomes the number of pixels below it, in steps of which 255 hold all pixels but
 * those of the highest level there is.  With too few pixels for a step, everything stays. */
static void equalise(float *x, int64_t count)
{
    int64_t histogram[LEVELS] = {0}, below = 0;
    float table[LEVELS];
    int highest = 0;
    for (int64_t i = 0; i < count; i++)
        histogram[level_of(x[i])]++;
    for (int i = 0; i < LEVELS; i++)
        highest = histogram[i] > 0 ? i : highest;
    const int64_t step = (count - histogram[highest]) / (LEVELS - 1);
    if (step == 0)
        return;
    for (int i = 0; i < LEVELS; i++) {
        const int64_t level = (below + step / 2) / step;
        table[i] = (float)(level < LEVELS ? level : LEVELS - 1) / (LEVELS - 1);
        below += histogram[i];
    }
    for (int64_t i = 0; i < count; i++)
        x[i] = table[level_of(x[i])];
}

void mn_view_equalise(const mn_canvas *canvas)
{
    const int64_t plane = plane_of(canvas);
    for (int64_t channel = 0; channel < canvas->channels; channel++)
        equalise(canvas->x + channel * plane, plane);
}
