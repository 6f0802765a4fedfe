/* What views are made of, each change on pixels whose result is known. */
#include "data/augment/view_colour.h"
#include "data/augment/view_ops.h"
#include "data/augment/view_resample.h"
#include "tests/suite.h"

#include <math.h>
#include <string.h>

enum { MOST = 1024 };

static float x[MOST], scratch[8 * MOST];

static mn_canvas canvas_of(int64_t channels, int64_t height, int64_t width, const float *values)
{
    const mn_canvas canvas = {x, channels, height, width};
    for (int64_t i = 0; i < channels * height * width; i++)
        x[i] = values != NULL ? values[i] : 0;
    return canvas;
}

static void expect(const float *wanted, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(fabsf(x[i] - wanted[i]) < 1e-5f, "place %d is %.6f, expected %.6f", (int)i,
                      (double)x[i], (double)wanted[i]);
}

#define VALUES(...)                                                                                \
    (const float[])                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* --- crops --- */

static uint8_t pixels[3 * 6 * 8];

static void crop_of(mn_crop crop, bool flip, const mn_canvas *canvas)
{
    for (int i = 0; i < 3 * 6 * 8; i++)
        pixels[i] = (uint8_t)(i * 37);
    ck_assert_int_le(mn_view_scratch(6, 8, canvas->height, canvas->width), 8 * MOST);
    mn_view_resized_crop(MN_ROW_U8, pixels, 6, 8, crop, flip, canvas, scratch);
}

START_TEST(a_crop_of_its_own_size_is_the_image_to_the_bit)
{
    mn_canvas canvas = canvas_of(3, 6, 8, NULL);
    crop_of((mn_crop){0, 0, 6, 8}, false, &canvas);
    for (int i = 0; i < 3 * 6 * 8; i++)
        ck_assert(x[i] == (float)pixels[i] / 255.0f);
    crop_of((mn_crop){0, 0, 6, 8}, true, &canvas);
    for (int i = 0; i < 3 * 6 * 8; i++)
        ck_assert(x[i] == (float)pixels[i / 8 * 8 + 7 - i % 8] / 255.0f);
    canvas = canvas_of(3, 3, 4, NULL);
    crop_of((mn_crop){2, 1, 3, 4}, false, &canvas);
    for (int i = 0; i < 3 * 3 * 4; i++)
        ck_assert(x[i] == (float)pixels[i / 12 * 48 + (2 + i / 4 % 3) * 8 + 1 + i % 4] / 255.0f);
}
END_TEST

START_TEST(enlarging_goes_evenly_from_pixel_to_pixel_and_not_beyond_the_crop)
{
    static const uint8_t image[] = {9, 0, 255, 9, 9, 102, 51, 9}; /* 2 x 4; nines lie outside */
    const mn_canvas canvas = canvas_of(1, 2, 4, NULL);
    mn_view_resized_crop(MN_ROW_U8, image, 2, 4, (mn_crop){0, 1, 2, 2}, false, &canvas, scratch);
    expect(VALUES(0, 0.25f, 0.75f, 1, 0.4f, 0.35f, 0.25f, 0.2f), 8);
    mn_view_resized_crop(MN_ROW_U8, image, 2, 4, (mn_crop){0, 1, 2, 2}, true, &canvas, scratch);
    expect(VALUES(1, 0.75f, 0.25f, 0, 0.2f, 0.25f, 0.35f, 0.4f), 8);
}
END_TEST

START_TEST(shrinking_takes_all_pixels_under_a_wider_triangle)
{
    static const uint8_t image[] = {70, 0, 140, 7};
    const mn_canvas canvas = canvas_of(1, 1, 2, NULL);
    mn_view_resized_crop(MN_ROW_U8, image, 1, 4, (mn_crop){0, 0, 1, 4}, false, &canvas, scratch);
    /* weights 3, 3, 1 of 7 about the first two, and the same from the right */
    expect(VALUES((3 * 70 + 0 + 140) / 7.0f / 255, (0 + 3 * 140 + 3 * 7) / 7.0f / 255), 2);
}
END_TEST

/* --- colour --- */

START_TEST(brightness_multiplies_and_stays_within_bounds)
{
    const mn_canvas canvas = canvas_of(1, 1, 3, VALUES(0, 0.4f, 0.8f));
    mn_view_brightness(&canvas, 1.5f);
    expect(VALUES(0, 0.6f, 1), 3);
}
END_TEST

START_TEST(contrast_moves_away_from_the_mean_of_the_greys)
{
    mn_canvas canvas = canvas_of(1, 1, 4, VALUES(0, 0.2f, 0.4f, 1)); /* mean 0.4 */
    mn_view_contrast(&canvas, 0.5f);
    expect(VALUES(0.2f, 0.3f, 0.4f, 0.7f), 4);
    /* greys 0.299 and 0.114: mean 0.2065 */
    canvas = canvas_of(3, 1, 2, VALUES(1, 0, 0, 0, 0, 1));
    mn_view_contrast(&canvas, 0);
    for (int i = 0; i < 6; i++)
        ck_assert(fabsf(x[i] - 0.2065f) < 1e-6f);
    float many[900]; /* every pixel counts, whatever the width of vectors */
    for (int i = 0; i < 900; i++)
        many[i] = (float)i / 899;
    canvas = canvas_of(1, 30, 30, many);
    mn_view_contrast(&canvas, 0);
    ck_assert(fabsf(x[0] - 0.5f) < 1e-5f);
}
END_TEST

START_TEST(saturation_moves_away_from_grey)
{
    mn_canvas canvas = canvas_of(3, 1, 1, VALUES(0.5f, 0.25f, 0));
    const float grey = 0.299f * 0.5f + 0.587f * 0.25f;
    mn_view_saturation(&canvas, 0.5f);
    expect(VALUES((0.5f + grey) / 2, (0.25f + grey) / 2, grey / 2), 3);
    mn_view_saturation(&canvas, 0);
    expect(VALUES(grey, grey, grey), 3);
    canvas = canvas_of(1, 1, 3, VALUES(0.1f, 0.5f, 0.9f));
    mn_view_saturation(&canvas, 0); /* no colour, no change */
    expect(VALUES(0.1f, 0.5f, 0.9f), 3);
}
END_TEST

START_TEST(hue_turns_red_to_green_to_blue_and_leaves_grey)
{
    const float start[] = {0.8f, 0.5f, 0.2f, 0.5f, 0.2f, 0.5f}; /* a red, a grey */
    mn_canvas canvas = canvas_of(3, 1, 2, start);
    mn_view_hue(&canvas, 1.0f / 3);
    expect(VALUES(0.2f, 0.5f, 0.8f, 0.5f, 0.2f, 0.5f), 6); /* green */
    mn_view_hue(&canvas, -2.0f / 3);
    expect(VALUES(0.2f, 0.5f, 0.2f, 0.5f, 0.8f, 0.5f), 6); /* blue */
    mn_view_hue(&canvas, 0.5f);
    expect(VALUES(0.8f, 0.5f, 0.8f, 0.5f, 0.2f, 0.5f), 6); /* its opposite, yellow */
    for (int step = -4; step <= 4; step++) {
        canvas = canvas_of(3, 1, 2, VALUES(0.9f, 0.3f, 0.6f, 0.7f, 0.1f, 0.2f));
        mn_view_hue(&canvas, (float)step / 4);
        mn_view_hue(&canvas, (float)-step / 4);
        expect(VALUES(0.9f, 0.3f, 0.6f, 0.7f, 0.1f, 0.2f), 6);
    }
    canvas = canvas_of(1, 1, 3, VALUES(0.1f, 0.5f, 0.9f));
    mn_view_hue(&canvas, 0.3f);
    expect(VALUES(0.1f, 0.5f, 0.9f), 3);
}
END_TEST

START_TEST(solarising_inverts_from_the_threshold_up)
{
    const mn_canvas canvas = canvas_of(1, 1, 4, VALUES(0.4f, 0.5f, 0.75f, 1));
    mn_view_solarise(&canvas, 0.75f);
    expect(VALUES(0.4f, 0.5f, 0.25f, 0), 4);
}
END_TEST

START_TEST(equalising_spreads_three_levels_over_all)
{
    float values[765];
    for (int i = 0; i < 765; i++)
        values[i] = (float)(10 + 10 * (i % 3)) / 255;
    mn_canvas canvas = canvas_of(1, 15, 51, values);
    mn_view_equalise(&canvas); /* 255 of each level: a step is 2 pixels */
    for (int i = 0; i < 765; i++)
        ck_assert(fabsf(x[i] - (float)(i % 3 == 0 ? 0 : i % 3 == 1 ? 128 : 255) / 255) < 1e-6f);
    for (int i = 0; i < 765; i++)
        values[i] = 0.3f;
    canvas = canvas_of(1, 15, 51, values);
    mn_view_equalise(&canvas); /* one level: nothing to spread */
    expect(values, 765);
    canvas = canvas_of(1, 1, 4, VALUES(0.1f, 0.2f, 0.3f, 0.4f));
    mn_view_equalise(&canvas); /* too few pixels for a step */
    expect(VALUES(0.1f, 0.2f, 0.3f, 0.4f), 4);
}
END_TEST

/* --- blur --- */

START_TEST(a_blurred_point_is_the_gaussian_and_edges_are_mirrored)
{
    const float e = expf(-0.5f), centre = 1 / (1 + 2 * e), side = e / (1 + 2 * e);
    float point[5 * 6] = {0};
    point[2 * 6 + 3] = 1;
    mn_canvas canvas = canvas_of(1, 5, 6, point);
    mn_view_blur(&canvas, 3, 1, scratch);
    ck_assert(fabsf(x[2 * 6 + 3] - centre * centre) < 1e-6f);
    ck_assert(fabsf(x[2 * 6 + 2] - centre * side) < 1e-6f);
    ck_assert(fabsf(x[1 * 6 + 3] - centre * side) < 1e-6f);
    ck_assert(fabsf(x[3 * 6 + 4] - side * side) < 1e-6f);
    ck_assert(x[0] == 0);
    canvas = canvas_of(1, 1, 4, VALUES(0, 1, 0, 0));
    mn_view_blur(&canvas, 1, 1, scratch); /* a kernel of one pixel changes nothing */
    expect(VALUES(0, 1, 0, 0), 4);
    canvas = canvas_of(1, 3, 3, VALUES(0, 1, 0, 0, 1, 0, 0, 1, 0));
    mn_view_blur(&canvas, 3, 1, scratch); /* columns are alike: only their neighbours count */
    expect(VALUES(2 * side, centre, 2 * side, 2 * side, centre, 2 * side), 6);
}
END_TEST

MN_SUITE("view_ops", a_crop_of_its_own_size_is_the_image_to_the_bit,
         enlarging_goes_evenly_from_pixel_to_pixel_and_not_beyond_the_crop,
         shrinking_takes_all_pixels_under_a_wider_triangle,
         brightness_multiplies_and_stays_within_bounds,
         contrast_moves_away_from_the_mean_of_the_greys, saturation_moves_away_from_grey,
         hue_turns_red_to_green_to_blue_and_leaves_grey, solarising_inverts_from_the_threshold_up,
         equalising_spreads_three_levels_over_all,
         a_blurred_point_is_the_gaussian_and_edges_are_mirrored)
