/* views.c -- random views: what is drawn for each, and a batch of them.
 *
 * Every choice about a view is looked up by row and view, so rows can go to any thread.  Crops are
 * drawn as torchvision's RandomResizedCrop draws them, jitter as its ColorJitter. */
#include "base/reserve.h"
#include "base/team.h"
#include "data/augment/plain.h"
#include "data/augment/view_colour.h"
#include "data/augment/view_ops.h"
#include "data/augment/view_resample.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/views.h>
#include <omp.h>

/* Below this, waking other threads costs more than they save. */
static const int64_t WORTH_SHARING = 1 << 14;

/* Which random number is for what; a crop takes four for each try. */
enum {
    FLIP,
    JITTER,
    BRIGHTNESS,
    CONTRAST,
    SATURATION,
    HUE,
    ORDER,
    GREY,
    BLUR,
    SIGMA,
    SOLARISE,
    THRESHOLD,
    EQUALISE,
    CUTOUT,
    CUTOUT_DOWN,
    CUTOUT_RIGHT,
    CROP
};
enum { TRIES = 10, STEPS = 4 };

/* --- specs --- */

static int64_t shorter_side(mn_shape image)
{
    return image.size[1] < image.size[2] ? image.size[1] : image.size[2];
}

mn_view_spec mn_small_view(const mn_view_spec *spec, mn_shape image)
{
    mn_view_spec small = *spec;
    const int64_t usual = (9 * shorter_side(image) + 8) / 16;
    small.size = spec->small_size > 0 ? spec->small_size : usual;
    small.area_least = spec->small_area_least;
    small.area_most = spec->small_area_most;
    return small;
}

mn_shape mn_view_shape(const mn_view_spec *spec, mn_shape image)
{
    return spec->size > 0 ? MN_SHAPE(image.size[0], spec->size, spec->size) : image;
}

static mn_status check_range(const char *key, double least, double most)
{
    return least > 0 && least <= most
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "views.%s_least: %g is not above 0 and at most %s_most, %g",
                         key, least, key, most);
}

mn_status mn_view_check(const mn_view_spec *spec, mn_shape image)
{
    if (image.rank != 3)
        return mn_fail(MN_BAD_OPTION, "views: the data are not images");
    const mn_shape view = mn_view_shape(spec, image);
    if (view.size[1] > image.size[1] || view.size[2] > image.size[2])
        return mn_fail(MN_BAD_OPTION, "views: a size of %lld is larger than the images, %lldx%lld",
                       (long long)view.size[1], (long long)image.size[1], (long long)image.size[2]);
    if (spec->small_area_least > 0) /* first: a small view's area is a copy of it */
        MN_TRY(check_range("small_area", spec->small_area_least, spec->small_area_most));
    if (spec->area_least > 0) {
        MN_TRY(check_range("area", spec->area_least, spec->area_most));
        MN_TRY(check_range("aspect", spec->aspect_least, spec->aspect_most));
        if (spec->area_most > 1)
            return mn_fail(MN_BAD_OPTION, "views.area_most: %g is above 1, the whole image",
                           spec->area_most);
    }
    if (spec->blur <= 0)
        return MN_OK;
    MN_TRY(check_range("sigma", spec->sigma_least, spec->sigma_most));
    if (spec->blur_kernel % 2 == 0 || spec->blur_kernel / 2 >= shorter_side(view))
        return mn_fail(MN_BAD_OPTION,
                       "views.blur_kernel: %lld is not an odd number below twice the view's %lld "
                       "pixels",
                       (long long)spec->blur_kernel, (long long)shorter_side(view));
    return MN_OK;
}

/* --- drawing --- */

static double between(mn_key key, uint64_t counter, double low, double high)
{
    return low + (high - low) * mn_random_uniform(key, counter);
}

static bool happens(mn_key key, uint64_t counter, double probability)
{
    return probability > 0 && mn_random_uniform(key, counter) < probability;
}

/* The crop when no random one fitted: the largest centred one whose aspect is allowed. */
static mn_crop middle(const mn_view_spec *spec, int64_t height, int64_t width)
{
    const double aspect = (double)width / (double)height;
    mn_crop crop = {0, 0, height, width};
    if (aspect < spec->aspect_least)
        crop.height = llround((double)width / spec->aspect_least);
    else if (aspect > spec->aspect_most)
        crop.width = llround((double)height * spec->aspect_most);
    crop.top = (height - crop.height) / 2;
    crop.left = (width - crop.width) / 2;
    return crop;
}

static mn_crop draw_crop(const mn_view_spec *spec, mn_key key, int64_t height, int64_t width)
{
    if (spec->area_least <= 0)
        return (mn_crop){0, 0, height, width};
    for (uint64_t at = CROP; at < CROP + 4 * TRIES; at += 4) {
        const double area = between(key, at, spec->area_least, spec->area_most);
        const double aspect =
            exp(between(key, at + 1, log(spec->aspect_least), log(spec->aspect_most)));
        const double pixels = area * (double)(height * width);
        const int64_t wide = llround(sqrt(pixels * aspect)), high = llround(sqrt(pixels / aspect));
        if (wide > 0 && high > 0 && wide <= width && high <= height)
            return (mn_crop){mn_random_below(key, at + 2, height - high + 1),
                             mn_random_below(key, at + 3, width - wide + 1), high, wide};
    }
    return middle(spec, height, width);
}

static float draw_factor(mn_key key, uint64_t counter, double strength)
{
    return (float)between(key, counter, fmax(0, 1 - strength), 1 + strength);
}

static void jitter(const mn_view_spec *spec, mn_key key, const mn_canvas *canvas)
{
    int64_t order[STEPS];
    mn_random_permutation(mn_key_at(key, ORDER), STEPS, order);
    for (int i = 0; i < STEPS; i++) {
        const int64_t step = BRIGHTNESS + order[i];
        if (step == BRIGHTNESS && spec->brightness > 0)
            mn_view_brightness(canvas, draw_factor(key, BRIGHTNESS, spec->brightness));
        else if (step == CONTRAST && spec->contrast > 0)
            mn_view_contrast(canvas, draw_factor(key, CONTRAST, spec->contrast));
        else if (step == SATURATION && spec->saturation > 0)
            mn_view_saturation(canvas, draw_factor(key, SATURATION, spec->saturation));
        else if (step == HUE && spec->hue > 0)
            mn_view_hue(canvas, (float)between(key, HUE, -spec->hue, spec->hue));
    }
}

/* A square about any pixel of the view, as far as it lies inside (DeVries and Taylor 2017); x is
 * normalised, so that 0 is the mean colour. */
static void cut_out(const mn_view_spec *spec, mn_key key, const mn_canvas *canvas)
{
    const int64_t height = canvas->height, width = canvas->width;
    const int64_t side = llround(spec->cutout_size * (double)(height < width ? height : width));
    const int64_t top = mn_random_below(key, CUTOUT_DOWN, height) - side / 2;
    const int64_t left = mn_random_below(key, CUTOUT_RIGHT, width) - side / 2;
    for (int64_t channel = 0; channel < canvas->channels; channel++)
        for (int64_t y = top < 0 ? 0 : top; y < top + side && y < height; y++)
            for (int64_t x = left < 0 ? 0 : left; x < left + side && x < width; x++)
                canvas->x[(channel * height + y) * width + x] = 0;
}

static void normalise(const mn_transform *transform, const mn_canvas *canvas)
{
    const int64_t plane = canvas->height * canvas->width;
    for (int64_t channel = 0; channel < canvas->channels; channel++) {
        const float mean = transform->mean[channel], deviation = transform->deviation[channel];
        float *x = canvas->x + channel * plane;
        for (int64_t i = 0; i < plane; i++)
            x[i] = (x[i] - mean) / deviation;
    }
}

static void make_view(const mn_view_spec *spec, const mn_transform *transform, mn_shape image,
                      mn_row_type type, const void *row, mn_key key, const mn_canvas *canvas,
                      float *scratch)
{
    const int64_t height = image.size[1], width = image.size[2];
    mn_view_resized_crop(type, row, height, width, draw_crop(spec, key, height, width),
                         happens(key, FLIP, spec->flip), canvas, scratch);
    if (happens(key, JITTER, spec->jitter))
        jitter(spec, key, canvas);
    if (happens(key, GREY, spec->grey))
        mn_view_saturation(canvas, 0);
    if (happens(key, BLUR, spec->blur))
        mn_view_blur(canvas, spec->blur_kernel,
                     (float)between(key, SIGMA, spec->sigma_least, spec->sigma_most), scratch);
    if (happens(key, SOLARISE, spec->solarise))
        mn_view_solarise(canvas, (float)mn_random_uniform(key, THRESHOLD));
    if (happens(key, EQUALISE, spec->equalise))
        mn_view_equalise(canvas);
    normalise(transform, canvas);
    if (happens(key, CUTOUT, spec->cutout))
        cut_out(spec, key, canvas);
}

/* --- a batch --- */

/* Measurements have no views: every one is the row itself. */
static void plain_views(const mn_transform *transform, mn_shape image, int64_t count,
                        mn_row_type type, const uint8_t *rows, int64_t views, float *x)
{
    const int64_t values = mn_shape_count(image);
    for (int64_t i = 0; i < count * views; i++)
        mn_transform_image(transform, image, type, rows + mn_row_bytes(type, i % count * values),
                           x + i * values);
}

mn_status mn_views_apply(const mn_view_spec *spec, const mn_transform *transform, mn_shape image,
                         int64_t count, mn_row_type type, const void *rows, int64_t views,
                         mn_key key, float *x)
{
    MN_TRY(mn_view_check(spec, image));
    const mn_shape view = mn_view_shape(spec, image);
    const int64_t height = view.size[1], width = view.size[2], values = mn_shape_count(view);
    if (transform->scale != NULL) {
        if (values != mn_shape_count(image))
            return mn_fail(MN_BAD_OPTION, "views: the data are measurements, of which a part "
                                          "cannot be made larger; leave the views' size out");
        plain_views(transform, image, count, type, rows, views, x);
        return MN_OK;
    }
    if (!omp_in_parallel()) /* else for a row alone */
        MN_TRY(mn_reserve_ask(MN_RESERVE_REGION));
    const int64_t total = count * views;
    const bool share = total * values >= WORTH_SHARING && omp_get_max_threads() > 1;
    const int64_t room = mn_view_scratch(image.size[1], image.size[2], height, width);
    float *scratch =
        mn_memory_take((size_t)(share ? omp_get_max_threads() : 1) * (size_t)room, sizeof *scratch);
    if (scratch == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for views");
    MN_SHARED_LOOP(i, total, share, {
        const int64_t row = i % count, at = i / count;
        const mn_canvas canvas = {x + i * values, view.size[0], height, width};
        make_view(spec, transform, image, type,
                  (const uint8_t *)rows + mn_row_bytes(type, row * mn_shape_count(image)),
                  mn_key_at(mn_key_at(key, (uint64_t)row), (uint64_t)at), &canvas,
                  scratch + omp_get_thread_num() * room);
    });
    mn_memory_give(scratch);
    return MN_OK;
}
