/* Rows of floats from the file to the network, through the buffer and back: nothing is rounded on
 * the way, whatever strategy learns, and a resume goes on with the same bits. */
#include "base/registry.h"
#include "store/exemplars.h"
#include "store/runfile.h"
#include "tensor/file/half.h"
#include "tensor/file/safetensors_write.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/data.h>
#include <mneme/losses.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLASSES = 6, EACH = 30, ROWS = CLASSES * EACH, WIDTH = 12 };

static const char *folder;
static float x[ROWS][WIDTH], y[ROWS];

/* Clusters, and values of which no two are equal, so that a row is known by them. */
static void make_data(bool halves)
{
    const mn_key key = mn_key_of(3, "test.floats");
    for (int row = 0; row < ROWS; row++) {
        y[row] = (float)(row / EACH);
        for (int k = 0; k < WIDTH; k++) {
            const double centre = (row / EACH) % 3 == k % 3 ? 1 : -1;
            x[row][k] = (float)(centre * (1 + (row / EACH) / 3) +
                                0.5 * mn_random_normal(key, (uint64_t)(row * WIDTH + k)));
            if (halves)
                x[row][k] = mn_half_value(mn_half_of(x[row][k]));
        }
    }
    char path[600];
    snprintf(path, sizeof path, "%s/own.safetensors", folder);
    mn_named_values tensors[] = {{"x_train", MN_SHAPE(ROWS, WIDTH), x[0], MN_VALUES_F32},
                                 {"y_train", MN_SHAPE(ROWS), y, MN_VALUES_F32}};
    ck_assert_ok(mn_safetensors_write(path, tensors, 2));
}

static const char *benchmark(const char *dtype)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s.json", folder, dtype);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out,
            "{\"name\": \"floats\", \"dataset\": {\"name\": \"npy\", \"path\": "
            "\"own.safetensors\", \"dtype\": \"%s\"}, \"stream\": {\"scenario\": "
            "\"class-incremental\", \"tasks\": 3}, \"network\": {\"name\": \"mlp\", \"widths\": "
            "\"16\"}, \"train\": {\"epochs\": 1, \"batch\": 10, \"lr\": 0.01, \"buffer_size\": "
            "30, \"threads\": 1}}",
            dtype);
    fclose(out);
    return path;
}

static void begin(bool halves)
{
    folder = test_folder("float-rows");
    make_data(halves);
}

static void end(void)
{
    char command[700];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* --- what is kept --- */

typedef struct looking {
    bool halves;
    int64_t rows;
} looking;

/* Some row of the data, value for value. */
static bool is_of_data(const float *values)
{
    for (int row = 0; row < ROWS; row++)
        if (memcmp(values, x[row], sizeof x[row]) == 0)
            return true;
    return false;
}

static mn_status look(void *context, const mn_exemplar *exemplar)
{
    looking *l = context;
    float values[WIDTH];
    uint16_t halves[WIDTH];
    ck_assert_uint_eq(exemplar->image_bytes, l->halves ? sizeof halves : sizeof values);
    memcpy(l->halves ? (void *)halves : values, exemplar->image, exemplar->image_bytes);
    for (int k = 0; k < WIDTH && l->halves; k++)
        values[k] = mn_half_value(halves[k]);
    ck_assert(is_of_data(values));
    l->rows++;
    return MN_OK;
}

static mn_status pass(void *context, int64_t slot, const char *name, const float *values,
                      int64_t width)
{
    (void)context, (void)slot, (void)name, (void)values, (void)width;
    return MN_OK;
}

static void check_exemplars(const char *path, bool halves)
{
    looking l = {halves, 0};
    const mn_exemplar_reader reader = {&l, look, pass};
    mn_runfile *run;
    ck_assert_ok(mn_runfile_open(path, MN_READ, &run));
    ck_assert_ok(mn_runfile_read_exemplars(run, &reader));
    ck_assert_ok(mn_runfile_close(run));
    ck_assert_int_gt(l.rows, 5);
}

static void run_both(const char *dtype, const char *strategy, const test_setting *more)
{
    const char *one = test_file(folder, "one"), *other = test_file(folder, "other");
    test_setting settings[8] = {{"commit_steps", "25"}, {NULL, NULL}};
    int n = 1;
    for (; more != NULL && more->key != NULL; more++)
        settings[n++] = *more;
    settings[n] = (test_setting){NULL, NULL};
    test_run(benchmark(dtype), strategy, settings, one);
    settings[n++] = (test_setting){"rebuild", "true"};
    settings[n] = (test_setting){NULL, NULL};
    test_run(benchmark(dtype), strategy, settings, other);
    test_same_run(one, other);
}

START_TEST(exemplars_are_the_rows_of_the_data_bit_for_bit)
{
    static const char *const policies[] = {"reservoir", "herding"};
    for (int halves = 0; halves < 2; halves++) {
        begin(halves == 1);
        for (int p = 0; p < 2; p++) {
            const test_setting policy[] = {{"buffer_policy", policies[p]}, {NULL, NULL}};
            run_both(halves == 1 ? "f16" : "f32", "derpp", policy);
            check_exemplars(test_file(folder, "one"), halves == 1);
        }
        const test_setting limited[] = {{"buffer_memory", "600"}, {NULL, NULL}};
        run_both(halves == 1 ? "f16" : "f32", "derpp", limited);
        check_exemplars(test_file(folder, "one"), halves == 1);
        end();
    }
}
END_TEST

START_TEST(every_strategy_learns_from_floats_and_goes_on_from_its_file)
{
    begin(false);
    int learnt = 0;
    for (int i = 0; mn_registered(MN_KIND_STRATEGY, i) != NULL; i++) {
        const mn_strategy *strategy = (const void *)mn_registered(MN_KIND_STRATEGY, i);
        if (strcmp(test_benchmark_of(strategy->name), "split-synthetic") != 0) /* looks at maps */
            continue;
        if (strcmp(strategy->name, "condensed") == 0) /* makes images, and says so */
            continue;
        run_both("f32", strategy->name, NULL);
        learnt++;
    }
    mn_experiment *images = test_experiment(benchmark("f32"), "finetune+condensed", NULL);
    test_remove(test_file(folder, "one"));
    ck_assert_fails(mn_experiment_run(images, test_file(folder, "one"), NULL), MN_UNSUPPORTED,
                    "are features, and images are condensed");
    mn_experiment_free(images);
    ck_assert_int_gt(learnt, 20);
    end();
}
END_TEST

/* --- what the network sees --- */

static mn_status see(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_batch *old = mn_draw(learner, "old", 8);
    const mn_batch *all[] = {now, old, mn_plain(learner, old), mn_join(learner, now, old),
                             mn_draw_labelled_per_class(learner, "some", 2)};
    for (size_t b = 0; b < sizeof all / sizeof all[0]; b++)
        for (int64_t i = 0; i < all[b]->count; i++) {
            ck_assert(is_of_data(all[b]->x + i * WIDTH)); /* not normalised */
            ck_assert_mem_eq(mn_batch_values(all[b]) + i * WIDTH, all[b]->x + i * WIDTH,
                             WIDTH * sizeof(float));
        }
    mn_var *unit = mn_pixels(learner, tape, now);
    const mn_batch *made = mn_plain_images(learner, unit, NULL, (mn_range){0, 0});
    for (int64_t i = 0; i < now->count * WIDTH; i++) {
        const float part = mn_host(unit)[i];
        ck_assert(part >= 0 && part <= 1);
        ck_assert(fabsf(made->x[i] - now->x[i]) < 1e-5F);
        ck_assert(fabsf(mn_batch_values(made)[i] - now->x[i]) < 1e-5F);
    }
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static mn_status see_after(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

static const mn_strategy seer = {
    MN_STRATEGY_HEADER,       .name = "seer", .summary = "Looks at rows.",
    .needs = MN_NEEDS_BUFFER, .loss = see,    .after_step = see_after,
};

START_TEST(batches_of_all_kinds_hold_the_values_themselves)
{
    begin(false);
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &seer));
    test_run(benchmark("f32"), "seer", NULL, test_file(folder, "seer"));
    end();
}
END_TEST

/* --- other ways to keep them --- */

START_TEST(rows_are_kept_in_as_many_bytes_as_the_user_says)
{
    static const struct {
        const char *values;
        long long bytes; /* of a row */
    } ways[] = {{"data", 48}, {"f32", 48}, {"f16", 24}, {"u8", 12},
                {"u4", 6},    {"u2", 3},   {"u1", 2}};
    begin(false);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char sql[128];
        const test_setting settings[] = {
            {"buffer_values", ways[i].values}, {"buffer_size", "20"}, {NULL, NULL}};
        run_both("f32", "er", settings);
        const char *one = test_file(folder, "one");
        ck_assert_int_eq(test_query(one, "SELECT max(length(image)) FROM exemplar"), ways[i].bytes);
        snprintf(sql, sizeof sql, "SELECT min(length(image)) = %lld FROM exemplar", ways[i].bytes);
        ck_assert_int_eq(test_query(one, sql), 1);
    }
    end();
}
END_TEST

/* A budget holds the codec's own bytes, and of each row payload and label. */
START_TEST(rows_in_a_smaller_form_fill_a_budget_of_bytes)
{
    static const struct {
        const char *codec, *consumption;
        long long bytes, rows, codec_bytes;
    } ways[] = {{"raw", "decoded", 196, 25, 0},
                {"resize:7", "decoded", 49, 100, 0},
                {"resize:7", "native", 49, 100, 0},
                {"project:12", "decoded", 24, 199, 8},
                {"project:12", "native", 24, 199, 8}};
    folder = test_folder("float-rows");
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const char *one = test_file(folder, "one");
        const test_setting settings[] = {{"threads", "1"},
                                         {"buffer_bytes", "5000"},
                                         {"codec", ways[i].codec},
                                         {"codec_consumption", ways[i].consumption},
                                         {NULL, NULL}};
        test_run("split-synthetic", "er", settings, one);
        ck_assert_int_eq(test_query(one, "SELECT min(length(image)) FROM exemplar"), ways[i].bytes);
        ck_assert_int_eq(test_query(one, "SELECT max(length(image)) FROM exemplar"), ways[i].bytes);
        ck_assert_int_eq(test_query(one, "SELECT count(*) FROM exemplar"), ways[i].rows);
        ck_assert_int_eq(test_query(one, "SELECT value FROM run WHERE key = 'buffer_rows'"),
                         ways[i].rows);
        ck_assert_int_eq(
            test_query(one, "SELECT coalesce(sum(value), 0) FROM run WHERE key = 'codec_bytes'"),
            ways[i].codec_bytes);
        ck_assert_int_le(ways[i].rows * (ways[i].bytes + 1) + ways[i].codec_bytes, 5000);
    }
    end();
}
END_TEST

START_TEST(bytes_kept_as_floats_change_no_bit_of_what_is_learnt)
{
    folder = test_folder("float-rows");
    const test_setting plain[] = {{"threads", "1"}, {"buffer_size", "50"}, {NULL, NULL}};
    const test_setting wide[] = {
        {"threads", "1"}, {"buffer_size", "50"}, {"buffer_values", "f32"}, {NULL, NULL}};
    const char *one = test_file(folder, "one"), *other = test_file(folder, "other");
    test_run("split-synthetic", "er", plain, one);
    test_run("split-synthetic", "er", wide, other);
    static const char sums[] = "SELECT sum(crc) FROM tensor WHERE role = 'weight'";
    ck_assert_int_eq(test_query(one, sums), test_query(other, sums));
    ck_assert_int_eq(test_query(other, "SELECT max(length(image)) FROM exemplar"),
                     4 * test_query(one, "SELECT max(length(image)) FROM exemplar"));
    end();
}
END_TEST

MN_SUITE("float rows", rows_in_a_smaller_form_fill_a_budget_of_bytes,
         exemplars_are_the_rows_of_the_data_bit_for_bit,
         batches_of_all_kinds_hold_the_values_themselves,
         rows_are_kept_in_as_many_bytes_as_the_user_says,
         bytes_kept_as_floats_change_no_bit_of_what_is_learnt,
         every_strategy_learns_from_floats_and_goes_on_from_its_file)
