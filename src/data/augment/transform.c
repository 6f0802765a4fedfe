/* transform.c -- from rows to what a network sees.
 *
 * What is random about a row is looked up by the row's own key, so rows can go to any thread. */
#include "base/reserve.h"
#include "base/team.h"
#include "data/augment/plain.h"

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

/* Where lines of an image come from: one of the two is NULL. */
typedef struct lines {
    const uint8_t *bytes;
    const float *floats;
} lines;

static void normalise(lines from, int64_t at, int64_t count, float mean, float deviation, float *x)
{
    if (from.bytes != NULL)
        mn_normalise(from.bytes + at, count, mean, deviation, x);
    for (int64_t i = 0; i < count && from.floats != NULL; i++)
        x[i] = (from.floats[at + i] - mean) / deviation;
}

/* One line of a channel, the one that begins at `first` (-1: black), moved to the right and
 * normalised. */
static void fill_line(lines from, int64_t first, int64_t width, int64_t right, mn_pad_mode mode,
                      float mean, float deviation, float *x)
{
    const uint8_t black = 0;
    for (int64_t i = 0; i < width; i++) {
        const int64_t at = i + right;
        if (first >= 0 && at >= 0 && at < width) { /* all that lies inside, in one go */
            const int64_t count = width - (right > 0 ? right : i);
            normalise(from, first + at, count, mean, deviation, x + i);
            i += count - 1;
            continue;
        }
        const int64_t place = first >= 0 ? inside(at, width, mode) : -1;
        if (place >= 0)
            normalise(from, first + place, 1, mean, deviation, x + i);
        else
            mn_normalise(&black, 1, mean, deviation, x + i);
    }
}

static void apply_view(const mn_transform *transform, mn_shape image, view drawn, mn_row_type type,
                       const void *row, float *x)
{
    const lines from = {type == MN_ROW_U8 ? row : NULL, type == MN_ROW_F32 ? row : NULL};
    const int64_t height = image.size[1], width = image.size[2];
    for (int64_t channel = 0; channel < image.size[0]; channel++)
        for (int64_t y = 0; y < height; y++) {
            const int64_t place = inside(y + drawn.down, height, transform->pad_mode);
            float *line = x + (channel * height + y) * width;
            fill_line(from, place >= 0 ? (channel * height + place) * width : -1, width,
                      drawn.right, transform->pad_mode, transform->mean[channel],
                      transform->deviation[channel], line);
            if (drawn.flip)
                mirror(line, width);
        }
}

mn_status mn_transform_check(const mn_transform *transform, const mn_dataset *dataset)
{
    if (transform->channels != mn_dataset_normalised(dataset))
        return mn_fail(MN_BAD_OPTION, "normalise: for %lld channels, but '%s' has %lld",
                       (long long)transform->channels, dataset->name,
                       (long long)mn_dataset_normalised(dataset));
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
static void apply_random_view(const mn_transform *transform, mn_shape image, mn_row_type type,
                              const void *row, mn_key key, float *x, view_failure *failure)
{
    const mn_status status =
        mn_views_apply(transform->views, transform, image, 1, type, row, 1, key, x);
    if (status == MN_OK)
        return;
#pragma omp critical(mn_view_failure)
    {
        failure->status = status;
        snprintf(failure->why, sizeof failure->why, "%s", mn_error());
    }
}

mn_status mn_transform_apply(const mn_transform *transform, mn_shape image, int64_t count,
                             mn_row_type type, const void *rows, mn_key key, const int64_t *ids,
                             float *x)
{
    view_failure failure = {.status = MN_OK};
    const int64_t values = mn_shape_count(image);
    if (type == MN_ROW_X) {
        memcpy(x, rows, mn_row_bytes(type, count * values));
        return MN_OK;
    }
    const bool random = transform->pad > 0 || transform->flip || transform->views != NULL;
    const bool share = count * values >= WORTH_SHARING && omp_get_max_threads() > 1;
    MN_TRY(mn_reserve_ask(MN_RESERVE_REGION));
    MN_SHARED_LOOP(row, count, share, {
        const void *from = (const uint8_t *)rows + mn_row_bytes(type, row * values);
        float *to = x + row * values;
        if (!random) {
            mn_transform_image(transform, image, type, from, to);
            continue;
        }
        const int64_t id = ids != NULL ? ids[row] : row;
        const mn_key own = mn_key_at(key, (uint64_t)id);
        if (transform->views == NULL)
            apply_view(transform, image, draw_view(transform, own), type, from, to);
        else
            apply_random_view(transform, image, type, from, own, to, &failure);
    });
    return failure.status == MN_OK ? MN_OK : mn_fail(failure.status, "%s", failure.why);
}
