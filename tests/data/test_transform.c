/* Augmentation: every pixel of every view, how often each is drawn, and who draws it. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/data.h>
#include <mneme/stream.h>
#include <mneme/views.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { CHANNELS = 3, HEIGHT = 5, WIDTH = 7, PLANE = HEIGHT * WIDTH, PIXELS = CHANNELS * PLANE };

static const mn_shape image = {.rank = 3, .size = {CHANNELS, HEIGHT, WIDTH}};
static uint8_t pixels[PIXELS];

static mn_transform transform_of(int64_t pad, mn_pad_mode mode, bool flip)
{
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (uint8_t)(1 + i * 2); /* all different, none black */
    return (mn_transform){.channels = CHANNELS,
                          .mean = {0.1f, 0.2f, 0.3f},
                          .deviation = {0.5f, 0.25f, 2},
                          .pad = pad,
                          .pad_mode = mode,
                          .flip = flip};
}

/* The definition, pixel by pixel: pad, cut out, mirror, normalise. */
static float expected(const mn_transform *t, int64_t down, int64_t right, bool flip,
                      int64_t channel, int64_t y, int64_t x)
{
    if (flip)
        x = WIDTH - 1 - x;
    int64_t at[2] = {y + down, x + right};
    const int64_t size[2] = {HEIGHT, WIDTH};
    bool black = false;
    for (int i = 0; i < 2; i++) {
        const bool inside = at[i] >= 0 && at[i] < size[i];
        if (t->pad_mode == MN_PAD_ZERO && !inside)
            black = true;
        else if (t->pad_mode == MN_PAD_EDGE && !inside)
            at[i] = at[i] < 0 ? 0 : size[i] - 1;
        else if (!inside) /* numpy's "reflect" */
            at[i] = at[i] < 0 ? -at[i] : size[i] - 1 - (at[i] - (size[i] - 1));
    }
    const uint8_t pixel = black ? 0 : pixels[channel * PLANE + at[0] * WIDTH + at[1]];
    return ((float)pixel / 255.0f - t->mean[channel]) / t->deviation[channel];
}

static bool is_view(const mn_transform *t, int64_t down, int64_t right, bool flip, const float *x)
{
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t i = 0; i < PLANE; i++)
            if (x[c * PLANE + i] != expected(t, down, right, flip, c, i / WIDTH, i % WIDTH))
                return false;
    return true;
}

/* Which view x is, as a number; views that look alike never occur with these pixels. */
static int view_of(const mn_transform *t, const float *x)
{
    int found = -1, view = 0;
    for (int64_t down = -t->pad; down <= t->pad; down++)
        for (int64_t right = -t->pad; right <= t->pad; right++)
            for (int flip = 0; flip <= t->flip; flip++, view++)
                if (is_view(t, down, right, flip, x)) {
                    ck_assert_int_eq(found, -1);
                    found = view;
                }
    return found;
}

static int views_of(const mn_transform *t)
{
    return (int)((2 * t->pad + 1) * (2 * t->pad + 1) * (t->flip ? 2 : 1));
}

/* Applies to `count` rows of the same image and counts the views; the chi-square over them. */
static double views_drawn(const mn_transform *t, int64_t count, int *counts)
{
    const int views = views_of(t);
    memset(counts, 0, (size_t)views * sizeof *counts);
    for (int64_t id = 0; id < count; id++) {
        float x[PIXELS];
        ck_assert_ok(mn_transform_apply(t, image, 1, MN_ROW_U8, pixels,
                                        mn_key_of(5, "test.augment"), &id, x));
        const int view = view_of(t, x);
        ck_assert_int_ge(view, 0); /* every row is one of the views, pixel for pixel */
        counts[view]++;
    }
    const double each = (double)count / views;
    double sum = 0;
    for (int i = 0; i < views; i++)
        sum += (counts[i] - each) * (counts[i] - each) / each;
    return sum;
}

/* A chi-square of `freedom` degrees lies above this once in a million (Wilson and Hilferty). */
static double most_likely(double freedom)
{
    const double spread = 2 / (9 * freedom);
    return freedom * pow(1 - spread + 4.75 * sqrt(spread), 3);
}

START_TEST(every_row_is_one_of_the_views_and_all_are_equally_likely)
{
    static const struct {
        int64_t pad;
        mn_pad_mode mode;
        bool flip;
    } cases[] = {{2, MN_PAD_ZERO, true},
                 {3, MN_PAD_EDGE, true},
                 {3, MN_PAD_REFLECT, false},
                 {2, MN_PAD_ZERO, false},
                 {0, MN_PAD_ZERO, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const mn_transform t = transform_of(cases[i].pad, cases[i].mode, cases[i].flip);
        int counts[2 * 9 * 9];
        const int views = views_of(&t);
        const double chi = views_drawn(&t, 60 * views, counts);
        ck_assert_msg(chi < most_likely(views - 1), "pad %d: chi-square %g over %d views",
                      (int)t.pad, chi, views);
    }
}
END_TEST

START_TEST(the_same_key_and_image_give_the_same_view_whatever_comes_along)
{
    enum { ROWS = 40 };
    const mn_transform t = transform_of(2, MN_PAD_REFLECT, true);
    static uint8_t many[ROWS][PIXELS];
    static float x[ROWS][PIXELS], alone[PIXELS];
    int64_t ids[ROWS];
    for (int row = 0; row < ROWS; row++) {
        memcpy(many[row], pixels, PIXELS);
        ids[row] = 1000 - 7 * row;
    }
    const mn_key key = mn_key_of(1, "test.augment");
    ck_assert_ok(mn_transform_apply(&t, image, ROWS, MN_ROW_U8, many[0], key, ids, x[0]));
    int other = 0;
    for (int row = 0; row < ROWS; row++) {
        ck_assert_ok(mn_transform_apply(&t, image, 1, MN_ROW_U8, pixels, key, ids + row, alone));
        ck_assert_mem_eq(alone, x[row], sizeof alone);
        ck_assert_ok(mn_transform_apply(&t, image, 1, MN_ROW_U8, pixels,
                                        mn_key_of(2, "test.augment"), ids + row, alone));
        other += memcmp(alone, x[row], sizeof alone) != 0;
    }
    ck_assert_int_gt(other, ROWS / 2);
    for (int row = 0; row < ROWS; row++)
        ids[row] = row;
    ck_assert_ok(mn_transform_apply(&t, image, ROWS, MN_ROW_U8, many[0], key, NULL,
                                    x[0])); /* no ids: their places */
    ck_assert_ok(mn_transform_apply(&t, image, 1, MN_ROW_U8, pixels, key, ids + 9, alone));
    ck_assert_mem_eq(alone, x[9], sizeof alone);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bits)
{
    enum { ROWS = 256, BIG = 3 * 32 * 32 };
    const mn_transform t = transform_of(4, MN_PAD_ZERO, true);
    uint8_t *many = malloc((size_t)ROWS * BIG);
    float *one = malloc(sizeof(float) * ROWS * BIG), *more = malloc(sizeof(float) * ROWS * BIG);
    ck_assert(many != NULL && one != NULL && more != NULL);
    for (int i = 0; i < ROWS * BIG; i++)
        many[i] = (uint8_t)(i * 37 + i / 911);
    const mn_key key = mn_key_of(1, "test.augment");
    const mn_shape big = MN_SHAPE(3, 32, 32);
    omp_set_num_threads(1);
    ck_assert_ok(mn_transform_apply(&t, big, ROWS, MN_ROW_U8, many, key, NULL, one));
    for (int threads = 2; threads <= 3; threads++) {
        omp_set_num_threads(threads);
        memset(more, 0, sizeof(float) * ROWS * BIG);
        ck_assert_ok(mn_transform_apply(&t, big, ROWS, MN_ROW_U8, many, key, NULL, more));
        ck_assert_int_eq(memcmp(one, more, sizeof(float) * ROWS * BIG), 0);
    }
    free(many);
    free(one);
    free(more);
}
END_TEST

static mn_loader *loader_of(mn_stream **stream, mn_dataset **dataset, const mn_transform *t)
{
    mn_loader *loader;
    ck_assert_ok(mn_dataset_open(
        "synthetic", "{\"classes\": 2, \"train_per_class\": 20, \"size\": 8}", NULL, dataset));
    const mn_stream_spec spec = {.tasks = 1, MN_STREAM_DEFAULTS};
    ck_assert_ok(mn_stream_new(*dataset, &spec, 1, stream));
    ck_assert_ok(mn_loader_new(*stream, MN_PART_TRAIN, 0, 0, 40, t, &loader));
    return loader;
}

START_TEST(a_view_that_cannot_be_made_is_no_plain_one)
{
    enum { ROWS = 2048 }; /* enough to be shared out among threads */
    static const mn_view_spec impossible = {
        .blur = 1, .blur_kernel = 4, .sigma_least = 1, .sigma_most = 1};
    static uint8_t many[ROWS * PIXELS];
    static float x[ROWS * PIXELS];
    mn_transform t = transform_of(0, MN_PAD_ZERO, false);
    t.views = &impossible;
    for (int threads = 1; threads <= 2; threads++) {
        omp_set_num_threads(threads);
        ck_assert_fails(
            mn_transform_apply(&t, image, ROWS, MN_ROW_U8, many, mn_key_of(1, "x"), NULL, x),
            MN_BAD_OPTION, "blur_kernel: 4");
    }
    mn_stream *stream;
    mn_dataset *dataset;
    const mn_batch *batch;
    t.channels = 1;
    mn_loader *loader = loader_of(&stream, &dataset, &t);
    ck_assert_fails(mn_loader_batch(loader, 0, &batch), MN_BAD_OPTION, "blur_kernel: 4");
    mn_loader_free(loader);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(the_plain_transform_leaves_the_image_where_it_is)
{
    const mn_transform t = transform_of(2, MN_PAD_EDGE, true), plain = mn_transform_plain(&t);
    for (int64_t id = 0; id < 50; id++) {
        float x[PIXELS];
        ck_assert_ok(mn_transform_apply(&plain, image, 1, MN_ROW_U8, pixels,
                                        mn_key_of(1, "test.augment"), &id, x));
        ck_assert(is_view(&t, 0, 0, false, x));
    }
}
END_TEST

START_TEST(a_loader_augments_anew_in_each_epoch_in_any_order)
{
    const mn_transform t = {.channels = 1, .deviation = {1}, .pad = 2, .flip = true};
    mn_stream *stream;
    mn_dataset *dataset;
    mn_loader *loader = loader_of(&stream, &dataset, &t);
    static float first[40][64];
    int64_t where[40];
    int changed = 0;
    for (int epoch = 0; epoch < 3; epoch++) { /* the last repeats the first, shuffled */
        const mn_key order = mn_key_of(3, "test.order");
        mn_loader_augment(loader, mn_key_at(mn_key_of(1, "test.augment"), (uint64_t)epoch % 2));
        ck_assert_ok(mn_loader_shuffle(loader, epoch == 2 ? &order : NULL));
        const mn_batch *batch;
        ck_assert_ok(mn_loader_batch(loader, 0, &batch));
        for (int64_t row = 0; row < batch->count; row++) {
            where[row] = batch->indices[row];
            const float *x = batch->x + row * 64;
            if (epoch == 0)
                memcpy(first[where[row]], x, sizeof first[0]);
            else if (epoch == 1)
                changed += memcmp(first[where[row]], x, sizeof first[0]) != 0;
            else
                ck_assert_mem_eq(first[where[row]], x, sizeof first[0]);
            ck_assert_mem_eq(batch->pixels + row * 64, dataset->train.pixels + where[row] * 64, 64);
        }
    }
    ck_assert_int_gt(changed, 30);
    mn_loader_free(loader);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(padding_that_cannot_be_is_refused)
{
    mn_stream *stream;
    mn_dataset *dataset;
    mn_loader *loader;
    mn_transform t = {.channels = 1, .deviation = {1}, .pad = 7, .pad_mode = MN_PAD_REFLECT};
    mn_loader_free(loader_of(&stream, &dataset, &t));
    t.pad = 8;
    ck_assert_fails(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 40, &t, &loader), MN_BAD_OPTION,
                    "augment.pad: 8 reaches across images of 8x8");
    t.pad_mode = MN_PAD_EDGE;
    mn_stream_free(stream);
    mn_dataset_free(dataset);
    mn_loader_free(loader_of(&stream, &dataset, &t));
    t.pad = -1;
    ck_assert_fails(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 40, &t, &loader), MN_BAD_OPTION,
                    "augment.pad: -1 is below 0");
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

MN_SUITE("transform", every_row_is_one_of_the_views_and_all_are_equally_likely,
         the_same_key_and_image_give_the_same_view_whatever_comes_along,
         any_number_of_threads_gives_the_same_bits, a_view_that_cannot_be_made_is_no_plain_one,
         the_plain_transform_leaves_the_image_where_it_is,
         a_loader_augments_anew_in_each_epoch_in_any_order, padding_that_cannot_be_is_refused)
