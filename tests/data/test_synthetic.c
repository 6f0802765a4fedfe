/* The drawn data set: the same bytes everywhere, as many as asked for, and classes that differ. */
#include "tests/suite.h"

#include <mneme/data.h>
#include <string.h>

START_TEST(every_machine_draws_the_same_bytes)
{
    mn_dataset *dataset;
    ck_assert_ok(mn_dataset_open("synthetic", NULL, NULL, &dataset));
    ck_assert_uint_eq(dataset->digest, 0x4e1e898d);
    ck_assert_int_eq(dataset->train.count, 6000);
    ck_assert_int_eq(dataset->test.count, 1000);
    ck_assert_int_eq(dataset->height, 28);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(options_choose_sizes_and_seed)
{
    mn_dataset *dataset, *other;
    const char *small = "{\"classes\": 7, \"train_per_class\": 20, \"test_per_class\": 3, "
                        "\"size\": 15, \"seed\": 1}";
    ck_assert_ok(mn_dataset_open("synthetic", small, NULL, &dataset));
    ck_assert_int_eq(dataset->classes, 7);
    ck_assert_int_eq(dataset->train.count, 140);
    ck_assert_int_eq(dataset->test.count, 21);
    ck_assert(mn_shape_equal(mn_dataset_image(dataset), MN_SHAPE(1, 15, 15)));
    int64_t count[7] = {0};
    for (int64_t i = 0; i < dataset->train.count; i++)
        count[dataset->train.labels[i]]++;
    for (int c = 0; c < 7; c++)
        ck_assert_int_eq(count[c], 20);
    ck_assert_ok(mn_dataset_open("synthetic",
                                 "{\"classes\": 7, \"train_per_class\": 20, \"test_per_class\": 3, "
                                 "\"size\": 15, \"seed\": 2}",
                                 NULL, &other));
    ck_assert_uint_ne(dataset->digest, other->digest);
    mn_dataset_free(other);
    mn_dataset_free(dataset);
    ck_assert_fails(mn_dataset_open("synthetic", "{\"size\": 7}", NULL, &dataset), MN_BAD_OPTION,
                    "synthetic.size: '7' is not a whole number from 8 to 256");
}
END_TEST

static double distance(const mn_dataset *dataset, const double *mean, const uint8_t *image)
{
    double sum = 0;
    for (int64_t i = 0; i < dataset->height * dataset->width; i++)
        sum += (image[i] - mean[i]) * (image[i] - mean[i]);
    return sum;
}

/* Nearest class mean: far above chance, so there is something to learn, and far below 100 %, so
 * there is something left to learn. */
START_TEST(classes_can_be_told_apart_but_not_at_once)
{
    enum { CLASSES = 10, PIXELS = 784 };
    static double mean[CLASSES][PIXELS];
    mn_dataset *dataset;
    ck_assert_ok(mn_dataset_open("synthetic", NULL, NULL, &dataset));
    for (int64_t i = 0; i < dataset->train.count; i++)
        for (int k = 0; k < PIXELS; k++)
            mean[dataset->train.labels[i]][k] +=
                dataset->train.pixels[i * PIXELS + k] / (double)(dataset->train.count / CLASSES);
    int right = 0;
    for (int64_t i = 0; i < dataset->test.count; i++) {
        const uint8_t *image = dataset->test.pixels + i * PIXELS;
        int nearest = 0;
        for (int c = 1; c < CLASSES; c++)
            if (distance(dataset, mean[c], image) < distance(dataset, mean[nearest], image))
                nearest = c;
        right += nearest == dataset->test.labels[i];
    }
    ck_assert_int_gt(right, 600);
    ck_assert_int_lt(right, 990);
    mn_dataset_free(dataset);
}
END_TEST

MN_SUITE("synthetic", every_machine_draws_the_same_bytes, options_choose_sizes_and_seed,
         classes_can_be_told_apart_but_not_at_once)
