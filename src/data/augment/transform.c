/* transform.c -- from bytes to what a network sees.
 *
 * What is random about a row is looked up by the row's own key, so rows can go to any thread. */
#include "base/reserve.h"
#include "data/augment/plain.h"

#include <math.h>
#include <mneme/data.h>
#include <mneme/views.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* Below this, waking other threads costs more than they save. */
static const int64_t WORTH_SHARING = 1 << 16;

/* Where a row is cut out of its padded image, and whether it is mirrored. */
typedef struct view {
    int64_t down, right; /* from -pad to pad */
    bool flip;
} view;

/* A thread's message is its own: what a row's thread could not do is kept here for the caller. */
typedef struct view_failure {
    mn_status status;
    char why[256];
} view_failure;

static view draw_view(const mn_transform *transform, mn_key key)
{
    view drawn = {0, 0, false};
    if (transform->pad > 0) {
        const int64_t places = 2 * transform->pad + 1;
        drawn.down = mn_random_below(key, 0, places) - transform->pad;
        drawn.right = mn_random_below(key, 1, places) - transform->pad;
    }
    if (transform->flip)
        drawn.flip = mn_random_below(key, 2, 2) == 1;
    return drawn;
}

/* The place inside 0..size-1 that stands for `at`; -1: black. */
static int64_t inside(int64_t at, int64_t size, mn_pad_mode mode)
{
    if (at >= 0 && at < size)
        return at;
    switch (mode) {
    case MN_PAD_ZERO: break;
    case MN_PAD_EDGE: return at < 0 ? 0 : size - 1;
    case MN_PAD_REFLECT: return at < 0 ? -at : 2 * (size - 1) - at;
    }
    return -1;
}

static void mirror(float *line, int64_t width)
{
    for (int64_t left = 0, right = width - 1; left < right; left++, right--) {
        const float kept = line[left];
        line[left] = line[right];
        line[right] = kept;
    }
}

/* One line of a channel, moved to the right and normalised; from: NULL is black. */
static void fill_line(const uint8_t *from, int64_t width, int64_t right, mn_pad_mode mode,
                      float mean, float deviation, float *x)
{
    const uint8_t black = 0;
    for (int64_t i = 0; i < width; i++) {
        const int64_t at = i + right;
        if (from != NULL && at >= 0 && at < width) { /* all that lies inside, in one go */
            const int64_t count = width - (right > 0 ? right : i);
            mn_normalise(from + at, count, mean, deviation, x + i);
            i += count - 1;
            continue;
        }
        const int64_t place = from != NULL ? inside(at, width, mode) : -1;
        mn_normalise(place >= 0 ? from + place : &black, 1, mean, deviation, x + i);
    }
}

static void apply_view(const mn_transform *transform, mn_shape image, view drawn,
                       const uint8_t *pixels, float *x)
{
    const int64_t height = image.size[1], width = image.size[2];
    for (int64_t channel = 0; channel < image.size[0]; channel++)
        for (int64_t y = 0; y < height; y++) {
            const int64_t place = inside(y + drawn.down, height, transform->pad_mode);
            float *line = x + (channel * height + y) * width;
            fill_line(place >= 0 ? pixels + (channel * height + place) * width : NULL, width,
                      drawn.right, transform->pad_mode, transform->mean[channel],
                      transform->deviation[channel], line);
            if (drawn.flip)
                mirror(line, width);
        }
}

mn_status mn_transform_check(const mn_transform *transform, const mn_dataset *dataset)
{
    if (transform->channels != dataset->channels)
        return mn_fail(MN_BAD_OPTION, "normalise: for %lld channels, but '%s' has %lld",
                       (long long)transform->channels, dataset->name, (long long)dataset->channels);
    for (int64_t channel = 0; channel < transform->channels; channel++)
        if (!(transform->deviation[channel] > 0))
            return mn_fail(MN_BAD_OPTION, "normalise.deviation[%lld]: %g is not above 0",
                           (long long)channel, (double)transform->deviation[channel]);
    if (transform->scale != NULL && (transform->pad != 0 || transform->flip))
        return mn_fail(MN_BAD_OPTION,
                       "augment: '%s' holds measurements, which cannot be cropped or mirrored",
                       dataset->name);
    if (transform->pad < 0)
        return mn_fail(MN_BAD_OPTION, "augment.pad: %lld is below 0", (long long)transform->pad);
    if (transform->pad_mode == MN_PAD_REFLECT &&
        (transform->pad >= dataset->height || transform->pad >= dataset->width))
        return mn_fail(MN_BAD_OPTION,
                       "augment.pad: %lld reaches across images of %lldx%lld; reflect needs less",
                       (long long)transform->pad, (long long)dataset->height,
                       (long long)dataset->width);
    return MN_OK;
}

/* One view of a row, by whichever thread has the row; `failure` is shared by all of them. */
static void apply_random_view(const mn_transform *transform, mn_shape image, const uint8_t *pixels,
                              mn_key key, float *x, view_failure *failure)
{
    const mn_status status =
        mn_views_apply(transform->views, transform, image, 1, pixels, 1, key, x);
    if (status == MN_OK)
        return;
#pragma omp critical(mn_view_failure)
    {
        failure->status = status;
        snprintf(failure->why, sizeof failure->why, "%s", mn_error());
    }
}

mn_status mn_transform_apply(const mn_transform *transform, mn_shape image, int64_t count,
                             const uint8_t *pixels, mn_key key, const int64_t *ids, float *x)
{
    view_failure failure = {.status = MN_OK};
    const int64_t values = mn_shape_count(image);
    const bool random = transform->pad > 0 || transform->flip || transform->views != NULL;
    const bool share = count * values >= WORTH_SHARING && omp_get_max_threads() > 1;
    MN_TRY(mn_reserve_ask(MN_RESERVE_REGION));
#pragma omp parallel for schedule(static) if (share)
    for (int64_t row = 0; row < count; row++) {
        const uint8_t *from = pixels + row * values;
        float *to = x + row * values;
        if (!random) {
            mn_transform_image(transform, image, from, to);
            continue;
        }
        const int64_t id = ids != NULL ? ids[row] : row;
        const mn_key own = mn_key_at(key, (uint64_t)id);
        if (transform->views == NULL)
            apply_view(transform, image, draw_view(transform, own), from, to);
        else
            apply_random_view(transform, image, from, own, to, &failure);
    }
    return failure.status == MN_OK ? MN_OK : mn_fail(failure.status, "%s", failure.why);
}

void mn_transform_bytes(const mn_transform *transform, mn_shape image, const float *x,
                        uint8_t *pixels)
{
    const int64_t values = mn_shape_count(image), plane = values / transform->channels;
    for (int64_t i = 0; i < values; i++) {
        double value =
            (double)(x[i] * transform->deviation[i / plane] + transform->mean[i / plane]);
        if (transform->scale != NULL)
            value = (value - (double)transform->offset[i]) /
                    (double)(transform->scale[i] > 0 ? transform->scale[i] : 1);
        pixels[i] = (uint8_t)lround(255 * fmin(fmax(value, 0), 1));
    }
}
