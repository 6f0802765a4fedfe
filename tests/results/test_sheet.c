/* Contact sheets: what is painted where, and what a sheet of a run shows. */
#include "data/read/decode.h"
#include "data/read/picture.h"
#include "data/sheet/font.h"
#include "data/sheet/sheet.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/results.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *folder;

static const char *path_of(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static mn_picture read_sheet(const char *name)
{
    mn_picture picture;
    ck_assert_ok(mn_picture_read(path_of(name), &picture));
    ck_assert_int_ne(access(path_of("sheet.png.part"), F_OK), 0);
    unlink(path_of(name));
    return picture;
}

static const uint8_t *at(const mn_picture *picture, int64_t x, int64_t y)
{
    ck_assert(x >= 0 && x < picture->width && y >= 0 && y < picture->height);
    return picture->rgb + (y * picture->width + x) * 3;
}

START_TEST(images_lie_where_they_should_and_keep_their_colours)
{
    folder = test_folder("sheet");
    uint8_t image[3][32][32];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 1024; i++)
            image[c][i / 32][i % 32] = (uint8_t)(i * (c + 3));
    mn_sheet *sheet;
    ck_assert_ok(mn_sheet_new(MN_SHAPE(3, 32, 32), &sheet));
    ck_assert_ok(mn_sheet_row(sheet, "ab")); /* 2 letters of 8 pixels, 8 behind them */
    ck_assert_ok(mn_sheet_image(sheet, image[0][0], 0.5));
    ck_assert_ok(mn_sheet_image(sheet, image[0][0], 1));
    ck_assert_ok(mn_sheet_write(sheet, path_of("sheet.png")));
    mn_sheet_free(sheet);
    const mn_picture picture = read_sheet("sheet.png");
    ck_assert_int_eq(picture.width, 8 + 24 + 2 * (64 + 3) + 8);
    ck_assert_int_eq(picture.height, 8 + 64 + 3 + 4 + 3 + 8);
    for (int tile = 0; tile < 2; tile++)
        for (int y = 0; y < 64; y++)
            for (int x = 0; x < 64; x++)
                for (int c = 0; c < 3; c++)
                    ck_assert_int_eq(at(&picture, 32 + 67 * tile + x, 8 + y)[c],
                                     image[c][y / 2][x / 2]);
    const uint8_t *half = at(&picture, 32 + 31, 74), *rest = at(&picture, 32 + 32, 74);
    ck_assert(half[0] > half[2] && rest[0] == rest[2]); /* a bar of half the width */
    const uint8_t *whole = at(&picture, 32 + 67 + 63, 74);
    ck_assert_mem_eq(whole, half, 3);
    mn_picture unused = picture;
    mn_picture_free(&unused);
    (void)rmdir(folder);
}
END_TEST

START_TEST(letters_are_distinct)
{
    static const char known[] = "ABCDEFGHIJKLMNPQRSTUVWXYZ0123456789 .,:;-_+/()'%=?"; /* O is 0 */
    uint32_t shape[sizeof known - 1];
    for (size_t i = 0; i < sizeof known - 1; i++) {
        shape[i] = 0;
        for (int k = 0; k < MN_FONT_WIDTH * MN_FONT_HEIGHT; k++)
            shape[i] = shape[i] << 1 | mn_font_ink(known[i], k % MN_FONT_WIDTH, k / MN_FONT_WIDTH);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(shape[i] != shape[j], "%c and %c look alike", known[i], known[j]);
    }
    ck_assert(!mn_font_ink('A', 3, 0) && !mn_font_ink('A', 0, 5) && !mn_font_ink('A', -1, 0));
    ck_assert(mn_font_ink('a', 1, 0) && !mn_font_ink('a', 0, 0));
}
END_TEST

START_TEST(a_run_is_drawn_with_a_row_for_each_class)
{
    folder = test_folder("sheet-run");
    char run[600];
    snprintf(run, sizeof run, "%s", path_of("run.mneme"));
    const test_setting none[] = {{NULL, NULL}};
    test_run("split-synthetic", "der", none, run);
    ck_assert_ok(mn_results_sheet(run, path_of("sheet.png")));
    mn_picture picture = read_sheet("sheet.png");
    /* A line for the run, and for each of 3 tasks a line and 2 rows of images of 14 x 4 pixels. */
    ck_assert_int_eq(picture.height, 8 + 4 * (10 + 9) + 6 * (56 + 3 + 7) + 8);
    mn_picture_free(&picture);
    ck_assert_fails(mn_results_sheet(run, "/no/such/sheet.png"), MN_IO_FAILED,
                    "/no/such/sheet.png: cannot be written");
    ck_assert_fails(mn_results_sheet(path_of("none.mneme"), path_of("sheet.png")), MN_NOT_FOUND,
                    "none.mneme");
    test_remove(run);
    const test_setting resized[] = {{"codec", "resize:7"}, {NULL, NULL}};
    snprintf(run, sizeof run, "%s", path_of("run.mneme"));
    test_run("split-synthetic", "er", resized, run);
    ck_assert_ok(mn_results_sheet(run, path_of("sheet.png"))); /* as they are kept */
    picture = read_sheet("sheet.png");
    ck_assert_int_gt(picture.height, 0);
    mn_picture_free(&picture);
    test_remove(run);
    snprintf(run, sizeof run, "%s", path_of("run.mneme"));
    test_run("split-synthetic", "finetune", none, run);
    ck_assert_fails(mn_results_sheet(run, path_of("sheet.png")), MN_NOT_FOUND,
                    "the run remembers nothing");
    test_remove(run);
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_benchmark_is_drawn_plain_and_augmented)
{
    folder = test_folder("sheet-data");
    mn_picture plain, augmented;
    for (int i = 0; i < 2; i++) {
        mn_experiment *experiment;
        ck_assert_ok(mn_experiment_new("split-synthetic", "finetune", &experiment));
        ck_assert_ok(mn_experiment_set(experiment, "augment.pad", "3"));
        ck_assert_ok(mn_experiment_set(experiment, "normalise.mean", "0.25"));
        ck_assert_ok(mn_experiment_set(experiment, "normalise.deviation", "0.5"));
        ck_assert_ok(mn_experiment_resolve(experiment));
        ck_assert_ok(mn_experiment_sheet(experiment, i == 1 ? MN_SHEET_AUGMENTED : MN_SHEET_PLAIN,
                                         path_of("sheet.png")));
        mn_experiment_free(experiment);
        *(i == 0 ? &plain : &augmented) = read_sheet("sheet.png");
    }
    ck_assert_int_eq(plain.height, augmented.height);
    /* The first image of the first class stands first in both, as it came. */
    const int64_t left = 8 + (int64_t)strlen("0") * 8 + 8, top = 8 + 2 * (10 + 9);
    int moved = 0;
    for (int64_t y = 0; y < 56; y++)
        for (int64_t x = 0; x < 56; x++) {
            ck_assert_mem_eq(at(&plain, left + x, top + y), at(&augmented, left + x, top + y), 3);
            moved += memcmp(at(&plain, left + x, top + y), at(&augmented, left + 59 + x, top + y),
                            3) != 0;
        }
    ck_assert_int_gt(moved, 100);
    mn_picture_free(&plain);
    mn_picture_free(&augmented);
    (void)rmdir(folder);
}
END_TEST

/* Without changes a view is the image; a small one stands in the middle of its place, white about
 * it. */
START_TEST(views_are_drawn_beside_the_image_and_small_ones_in_the_middle)
{
    static const char *const still[] = {"area_least", "flip",     "jitter",
                                        "solarise",   "equalise", "small_area_least"};
    folder = test_folder("sheet-views");
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", "finetune", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "normalise.mean", "0.25"));
    ck_assert_ok(mn_experiment_set(experiment, "views.small_size", "8"));
    for (size_t i = 0; i < sizeof still / sizeof still[0]; i++) {
        char key[64];
        snprintf(key, sizeof key, "views.%s", still[i]);
        ck_assert_ok(mn_experiment_set(experiment, key, "0"));
    }
    ck_assert_fails(mn_experiment_sheet(experiment, MN_SHEET_VIEWS, path_of("sheet.png")),
                    MN_OUT_OF_ORDER, "resolved");
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_ok(mn_experiment_sheet(experiment, MN_SHEET_VIEWS, path_of("sheet.png")));
    mn_experiment_free(experiment);
    mn_picture sheet = read_sheet("sheet.png");
    const int64_t left = 8 + (int64_t)strlen("0") * 8 + 8, top = 8 + 2 * (10 + 9);
    int coloured = 0;
    for (int64_t y = 0; y < 56; y++)
        for (int64_t x = 0; x < 56; x++) {
            for (int64_t view = 1; view <= 9; view++)
                ck_assert_mem_eq(at(&sheet, left + x, top + y),
                                 at(&sheet, left + view * 59 + x, top + y), 3);
            const bool framed = x >= 12 && x < 44 && y >= 12 && y < 44; /* 8 of 14 pixels */
            const uint8_t *small = at(&sheet, left + 10 * 59 + x, top + y);
            ck_assert(framed || small[0] == 255);
            coloured += small[0] < 255;
        }
    ck_assert_int_gt(coloured, 500);
    mn_picture_free(&sheet);
    (void)rmdir(folder);
}
END_TEST

MN_SUITE("sheet", images_lie_where_they_should_and_keep_their_colours, letters_are_distinct,
         a_run_is_drawn_with_a_row_for_each_class, a_benchmark_is_drawn_plain_and_augmented,
         views_are_drawn_beside_the_image_and_small_ones_in_the_middle)
