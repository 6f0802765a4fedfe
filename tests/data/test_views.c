/* Random views: how often each change is made, how large crops are, who draws what, and specs that
 * are refused. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/views.h>
#include <omp.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, IMAGE = 3 * PLANE, VIEWS = 400 };

static uint8_t pixels[2 * IMAGE];
static float x[VIEWS * IMAGE], again[VIEWS * IMAGE];

static mn_transform plain(int64_t channels)
{
    return (mn_transform){.channels = channels, .deviation = {1, 1, 1, 1}};
}

static mn_shape image_of(int64_t channels)
{
    return MN_SHAPE(channels, SIDE, SIDE);
}

/* Red grows to the right, green downwards; blue is the same everywhere. */
static void paint(void)
{
    for (int i = 0; i < PLANE; i++) {
        pixels[i] = (uint8_t)(8 * (i % SIDE));
        pixels[PLANE + i] = (uint8_t)(8 * (i / SIDE));
        pixels[2 * PLANE + i] = 100;
    }
    memcpy(pixels + IMAGE, pixels, IMAGE);
}

static void make(const mn_view_spec *spec, int64_t channels, float *to)
{
    const mn_transform transform = plain(channels);
    paint();
    ck_assert_ok(mn_views_apply(spec, &transform, image_of(channels), 1, MN_ROW_U8, pixels, VIEWS,
                                mn_key_of(3, "views"), to));
}

static bool near(float a, float b)
{
    return fabsf(a - b) < 1e-5f;
}

/* --- how often --- */

static const mn_view_spec one_change[] = {
    {.flip = 0.3},
    {.jitter = 0.3, .brightness = 0.4},
    {.jitter = 0.3, .contrast = 0.4},
    {.jitter = 0.3, .saturation = 0.4},
    {.jitter = 0.3, .hue = 0.1},
    {.grey = 0.3},
    {.blur = 0.3, .blur_kernel = 3, .sigma_least = 0.5, .sigma_most = 2},
    {.equalise = 0.3},
    {.cutout = 0.3, .cutout_size = 0.5},
};

START_TEST(each_change_is_made_as_often_as_said)
{
    for (size_t k = 0; k < sizeof one_change / sizeof one_change[0]; k++) {
        make(&one_change[k], 3, x);
        int changed = 0;
        for (int view = 0; view < VIEWS; view++) {
            bool same = true;
            for (int i = 0; i < IMAGE; i++)
                same = same && near(x[view * IMAGE + i], (float)pixels[i] / 255.0f);
            changed += !same;
        }
        /* of 400, 120: five standard deviations are 46 */
        ck_assert_msg(changed >= 74 && changed <= 166, "change %d: %d of %d", (int)k, changed,
                      VIEWS);
    }
}
END_TEST

START_TEST(solarising_takes_thresholds_from_all_of_the_range)
{
    static const mn_view_spec spec = {.solarise = 1};
    make(&spec, 3, x);
    int inverted = 0; /* blue, 100 of 255, is at or above its threshold in 39 of 100 */
    for (int view = 0; view < VIEWS; view++)
        inverted += x[view * IMAGE + 2 * PLANE] > 0.5f;
    ck_assert_int_ge(inverted, 108);
    ck_assert_int_le(inverted, 206);
}
END_TEST

/* --- crops --- */

START_TEST(crops_have_the_areas_and_shapes_of_the_spec)
{
    static const mn_view_spec spec = {
        .area_least = 0.3, .area_most = 0.75, .aspect_least = 0.75, .aspect_most = 4.0 / 3};
    make(&spec, 3, x);
    double least = 1, most = 0, narrowest = 9, widest = 0;
    for (int view = 0; view < VIEWS; view++) {
        const float *v = x + view * IMAGE;
        /* A pixel of the view is so many of the image wide: 8 grey levels each. */
        const double width = (double)(v[24] - v[8]) * 255 / 8 / 16;
        const double height = (double)(v[PLANE + 24 * SIDE] - v[PLANE + 8 * SIDE]) * 255 / 8 / 16;
        least = fmin(least, width * height);
        most = fmax(most, width * height);
        narrowest = fmin(narrowest, width / height);
        widest = fmax(widest, width / height);
    }
    /* Sides are whole pixels: 17.5 of 32 may be 17 or 18. */
    ck_assert_msg(least > 0.27 && least < 0.32 && most < 0.78 && most > 0.72, "areas %g to %g",
                  least, most);
    ck_assert_msg(narrowest > 0.71 && narrowest < 0.8 && widest < 1.41 && widest > 1.25,
                  "shapes %g to %g", narrowest, widest);
}
END_TEST

START_TEST(crops_that_fit_nowhere_become_the_largest_in_the_middle)
{
    static const mn_view_spec spec = {
        .area_least = 1, .area_most = 1, .aspect_least = 2, .aspect_most = 2};
    make(&spec, 3, x);
    ck_assert(near(x[24] - x[8], 16 * 8 / 255.0f)); /* full width */
    ck_assert(near(x[PLANE + 24 * SIDE] - x[PLANE + 8 * SIDE], 16 * 4 / 255.0f));
    ck_assert(near(x[PLANE], 8 * 8 / 255.0f)); /* rows 8 to 23 */
}
END_TEST

START_TEST(small_views_have_their_own_size_and_area)
{
    static const mn_view_spec full = {.flip = 0.5,
                                      .area_least = 1,
                                      .area_most = 1,
                                      .aspect_least = 1,
                                      .aspect_most = 1,
                                      .small_area_least = 0.25,
                                      .small_area_most = 0.25};
    const mn_transform transform = plain(3);
    const mn_view_spec small = mn_small_view(&full, image_of(3));
    ck_assert_int_eq(small.size, 18); /* 9/16 of 32 */
    ck_assert_int_eq(mn_view_shape(&small, image_of(3)).size[2], 18);
    paint();
    ck_assert_ok(mn_views_apply(&small, &transform, image_of(3), 2, MN_ROW_U8, pixels, 2,
                                mn_key_of(3, "views"), x));
    int mirrored = 0;
    for (int view = 0; view < 4; view++) { /* 16 pixels of the image over 18 of the view */
        const float *v = x + view * 3 * 18 * 18;
        ck_assert(near(fabsf(v[13] - v[4]), 8 * 8 / 255.0f));
        mirrored += v[13] < v[4];
    }
    ck_assert_int_le(mirrored, 4);
}
END_TEST

/* --- images that are not colour photographs --- */

START_TEST(images_of_one_channel_have_no_colour_to_lose)
{
    static const mn_view_spec spec = {.jitter = 1, .saturation = 1, .hue = 0.5, .grey = 1};
    make(&spec, 1, x);
    int wrong = 0;
    for (int i = 0; i < VIEWS * PLANE; i++)
        wrong += x[i] != (float)pixels[i % PLANE] / 255.0f;
    ck_assert_int_eq(wrong, 0);
}
END_TEST

START_TEST(measurements_come_as_they_are_or_not_at_all)
{
    static float offset[IMAGE], scale[IMAGE];
    mn_view_spec spec = {.flip = 1, .grey = 1};
    mn_transform transform = plain(3);
    for (int i = 0; i < IMAGE; i++)
        scale[i] = 1;
    transform.offset = offset;
    transform.scale = scale;
    paint();
    ck_assert_ok(mn_views_apply(&spec, &transform, image_of(3), 1, MN_ROW_U8, pixels, 2,
                                mn_key_of(3, "views"), x));
    for (int i = 0; i < 2 * IMAGE; i++)
        ck_assert(x[i] == (float)pixels[i % IMAGE] / 255.0f);
    spec.size = 18;
    ck_assert_fails(mn_views_apply(&spec, &transform, image_of(3), 1, MN_ROW_U8, pixels, 2,
                                   mn_key_of(3, "views"), x),
                    MN_BAD_OPTION, "measurements");
}
END_TEST

/* --- who draws what --- */

static const mn_view_spec everything = {.area_least = 0.3,
                                        .area_most = 1,
                                        .aspect_least = 0.75,
                                        .aspect_most = 4.0 / 3,
                                        .flip = 0.5,
                                        .jitter = 0.8,
                                        .brightness = 0.4,
                                        .contrast = 0.4,
                                        .saturation = 0.4,
                                        .hue = 0.1,
                                        .grey = 0.2,
                                        .blur = 0.5,
                                        .blur_kernel = 5,
                                        .sigma_least = 0.1,
                                        .sigma_most = 2,
                                        .solarise = 0.2,
                                        .equalise = 0.2,
                                        .cutout = 0.5,
                                        .cutout_size = 0.3};

START_TEST(views_are_those_of_their_row_whatever_else_is_in_the_batch)
{
    const mn_transform transform = plain(3);
    const mn_key key = mn_key_of(3, "views");
    make(&everything, 3, x); /* one row, VIEWS views */
    ck_assert_ok(mn_views_apply(&everything, &transform, image_of(3), 2, MN_ROW_U8, pixels,
                                VIEWS / 2, key, again));
    for (int view = 0; view < VIEWS / 2; view++)
        ck_assert_int_eq(memcmp(again + 2 * view * IMAGE, x + view * IMAGE, IMAGE * sizeof *x), 0);
    int different = 0; /* the second row is the same image, drawn on its own */
    for (int view = 0; view < VIEWS / 2; view++)
        different += memcmp(again + 2 * view * IMAGE, again + (2 * view + 1) * IMAGE,
                            IMAGE * sizeof *x) != 0;
    ck_assert_int_ge(different, VIEWS / 2 - 1);
}
END_TEST

START_TEST(threads_change_no_bit_and_values_stay_in_range)
{
    omp_set_num_threads(1);
    make(&everything, 3, x);
    omp_set_num_threads(3);
    make(&everything, 3, again);
    ck_assert_int_eq(memcmp(x, again, sizeof x), 0);
    bool inside = true;
    for (int i = 0; i < VIEWS * IMAGE; i++)
        inside = inside && x[i] >= -1e-6f && x[i] <= 1 + 1e-6f;
    ck_assert(inside);
}
END_TEST

START_TEST(views_are_normalised_and_what_is_cut_out_is_the_mean)
{
    static const mn_view_spec cut = {.cutout = 1, .cutout_size = 0.5};
    const mn_transform transform = {
        .channels = 3, .mean = {0.1f, 0.2f, 0.3f}, .deviation = {0.5f, 0.25f, 2}};
    paint();
    ck_assert_ok(mn_views_apply(&cut, &transform, image_of(3), 1, MN_ROW_U8, pixels, VIEWS,
                                mn_key_of(3, "views"), x));
    int64_t most = 0, least = PLANE, wrong = 0;
    for (int view = 0; view < VIEWS; view++) {
        int64_t cut_away = 0;
        for (int i = 0; i < IMAGE; i++) {
            const float value = x[view * IMAGE + i];
            const float kept = ((float)pixels[i] / 255.0f - transform.mean[i / PLANE]) /
                               transform.deviation[i / PLANE];
            wrong += value != 0 && !near(value, kept);
            cut_away += i >= 2 * PLANE && value == 0;
        }
        most = cut_away > most ? cut_away : most;
        least = cut_away < least ? cut_away : least;
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(most, PLANE / 4); /* 16 x 16; at the edge, less */
    ck_assert_int_ge(least, 64);
    ck_assert_int_lt(least, PLANE / 4);
}
END_TEST

/* --- what is refused --- */

static void refuse(mn_view_spec spec, const char *message)
{
    ck_assert_fails(mn_view_check(&spec, image_of(3)), MN_BAD_OPTION, message);
}

START_TEST(specs_without_sense_are_refused)
{
    refuse((mn_view_spec){.size = 33}, "a size of 33 is larger than the images, 32x32");
    refuse((mn_view_spec){.area_least = 0.5, .area_most = 0.4, .aspect_least = 1, .aspect_most = 1},
           "views.area_least: 0.5 is not above 0 and at most area_most, 0.4");
    refuse((mn_view_spec){.area_least = 0.5, .area_most = 2, .aspect_least = 1, .aspect_most = 1},
           "views.area_most: 2 is above 1");
    refuse((mn_view_spec){.area_least = 0.5, .area_most = 1, .aspect_least = 2, .aspect_most = 1},
           "views.aspect_least: 2 is not above 0 and at most aspect_most, 1");
    refuse((mn_view_spec){.blur = 1, .blur_kernel = 4, .sigma_least = 1, .sigma_most = 1},
           "views.blur_kernel: 4 is not an odd number");
    refuse((mn_view_spec){.blur = 1, .blur_kernel = 65, .sigma_least = 1, .sigma_most = 1},
           "views.blur_kernel: 65 is not an odd number below twice the view's 32");
    refuse((mn_view_spec){.blur = 1, .blur_kernel = 3, .sigma_least = 0, .sigma_most = 1},
           "views.sigma_least: 0 is not above 0");
    ck_assert_ok(mn_view_check(&everything, image_of(3)));
    ck_assert_ok(mn_view_check(&(mn_view_spec){0}, image_of(1)));
}
END_TEST

MN_SUITE("views", each_change_is_made_as_often_as_said,
         solarising_takes_thresholds_from_all_of_the_range,
         crops_have_the_areas_and_shapes_of_the_spec,
         crops_that_fit_nowhere_become_the_largest_in_the_middle,
         small_views_have_their_own_size_and_area, images_of_one_channel_have_no_colour_to_lose,
         measurements_come_as_they_are_or_not_at_all,
         views_are_those_of_their_row_whatever_else_is_in_the_batch,
         threads_change_no_bit_and_values_stay_in_range,
         views_are_normalised_and_what_is_cut_out_is_the_mean, specs_without_sense_are_refused)
