/* Condensed memories: what is exactly 0, what ends in the buffer, who is refused. */
#include "strategies/shared/dsa.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/network.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[600], other[600];

static void begin(void)
{
    const char *folder = test_folder("condensed");
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    snprintf(other, sizeof other, "%s/other.mneme", folder);
}

static void end(void)
{
    test_remove(path);
    test_remove(other);
    (void)rmdir(test_folder("condensed"));
}

/* --- the loss --- */

enum { ROWS = 3, CHANNELS = 3, SIDE = 12, VALUES = ROWS * CHANNELS * SIDE * SIDE };

static mn_network *network_of_images(void)
{
    mn_network *network;
    const mn_network_spec spec = {"convnet", "{\"width\": 6, \"depth\": 2}",
                                  MN_SHAPE(CHANNELS, SIDE, SIDE), 2};
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "test"), &network));
    return network;
}

static mn_var *mean_features(mn_network *network, mn_var *x)
{
    return mn_mean_axis(mn_network_forward(network, x, MN_EVAL | MN_NO_GRADIENT).features, 0);
}

static void fill(float *values, uint64_t seed)
{
    for (int i = 0; i < VALUES; i++)
        values[i] = (float)mn_random_normal(mn_key_of(seed, "test.images"), (uint64_t)i);
}

/* |mean f(A(x)) - mean f(A(y))|^2 */
static double apart(mn_network *network, const float *x, const float *y, mn_key of_x, mn_key of_y)
{
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    const mn_shape shape = MN_SHAPE(ROWS, CHANNELS, SIDE, SIDE);
    mn_var *real = mn_dsa(mn_input(tape, shape, x, false), true, false, of_x);
    mn_var *made = mn_dsa(mn_input(tape, shape, y, true), true, false, of_y);
    const double loss = mn_item(
        mn_sum(mn_square(mn_sub(mean_features(network, real), mean_features(network, made)))));
    ck_assert_ok(mn_tape_status(tape));
    mn_tape_free(tape);
    return loss;
}

START_TEST(images_that_are_the_real_ones_have_no_loss_under_any_augmentation)
{
    enum { KEYS = 40, OPERATIONS = 6 };
    static float x[VALUES], y[VALUES];
    int drawn[OPERATIONS] = {0}, parted = 0;
    mn_network *network = network_of_images();
    fill(x, 1);
    fill(y, 2);
    for (uint64_t i = 0; i < KEYS; i++) {
        const mn_key key = mn_key_at(mn_key_of(1, "test.keys"), i), next = mn_key_at(key, 7);
        drawn[mn_random_below(key, 0, OPERATIONS)]++;
        const double same = apart(network, x, x, key, key);
        ck_assert_msg(!(same > 0) && !(same < 0), "key %d: %g", (int)i, same);
        ck_assert_double_gt(apart(network, x, y, key, key), 0.01);
        parted += apart(network, x, x, key, next) > 0.01;
    }
    ck_assert_int_gt(parted, KEYS / 2); /* two draws may be the same flip */
    for (int i = 0; i < OPERATIONS; i++)
        ck_assert_msg(drawn[i] > 0, "operation %d was never drawn", i);
    mn_network_free(network);
}
END_TEST

/* One draw for all rows is that of the first; each row's own differ, and are those of the row
 * alone. */
START_TEST(draws_belong_to_rows)
{
    const mn_shape shape = MN_SHAPE(ROWS, CHANNELS, SIDE, SIDE);
    static float x[VALUES];
    mn_tape *tape;
    int differ = 0;
    ck_assert_ok(mn_tape_new(&tape));
    for (int i = 0; i < VALUES; i++) /* the rows are equal */
        x[i] = (float)(i % (VALUES / ROWS) % 29);
    for (uint64_t i = 0; i < 20; i++) {
        const mn_key key = mn_key_at(mn_key_of(1, "test.keys"), i);
        const float *all = mn_host(mn_dsa(mn_input(tape, shape, x, false), true, false, key));
        const float *each = mn_host(mn_dsa(mn_input(tape, shape, x, false), true, true, key));
        ck_assert_ptr_nonnull(all);
        ck_assert_ptr_nonnull(each);
        for (int j = 0; j < VALUES / ROWS; j++) {
            ck_assert(fabsf(all[j] - all[VALUES / ROWS + j]) < 1e-6f);
            ck_assert(fabsf(all[j] - each[j]) < 1e-6f);
            differ += each[j] > each[VALUES / ROWS + j] + 0.01f;
        }
    }
    ck_assert_int_gt(differ, 100);
    mn_var *many = mn_zeros(tape, MN_SHAPE(MN_MOST_DSA + 1, 1, 2, 2));
    (void)mn_dsa(many, true, false, mn_key_of(1, "test"));
    ck_assert_ok(mn_tape_status(tape));
    (void)mn_dsa(many, true, true, mn_key_of(1, "test"));
    ck_assert_int_eq(mn_tape_status(tape), MN_UNSUPPORTED);
    mn_tape_free(tape);
}
END_TEST

/* --- the buffer --- */

#define QUICK                                                                                      \
    {"condensed.iterations", "6"}, {"condensed.real", "4"}, {"condensed.width", "4"},              \
        {"condensed.depth", "2"},                                                                  \
    {                                                                                              \
        "threads", "1"                                                                             \
    }

static long long count(const char *where)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM exemplar WHERE %s", where);
    return test_query(path, sql);
}

START_TEST(the_buffer_holds_what_was_made_and_nothing_else)
{
    static const char *const strategies[] = {"condensed", "er+condensed", "derpp+condensed",
                                             "gdumb+condensed"};
    static const test_setting shares[] = {QUICK, {"buffer_size", "21"}, {NULL, NULL}};
    begin();
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        test_run("split-synthetic", strategies[i], shares, path);
        ck_assert_int_eq(count("source = -1"), 21);
        ck_assert_int_eq(count("1"), 21);
        for (int label = 0; label < 6; label++) {
            char where[64];
            snprintf(where, sizeof where, "label = %d AND task = %d", label, label / 2);
            ck_assert_int_eq(count(where), label < 3 ? 4 : 3);
        }
    }
    test_run("split-synthetic", "derpp+condensed", shares, path);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM exemplar_column"), 21);
    end();
}
END_TEST

START_TEST(a_share_of_its_own_is_condensed_once)
{
    static const test_setting two[] = {
        QUICK, {"condensed.per_class", "2"}, {"buffer_size", "13"}, {NULL, NULL}};
    static const test_setting earlier[] = {QUICK,
                                           {"condensed.per_class", "2"},
                                           {"buffer_size", "13"},
                                           {"stream.tasks", "2"},
                                           {"stream.task_classes", "2,4"},
                                           {NULL, NULL}};
    begin();
    test_run("split-synthetic", "condensed", two, path);
    ck_assert_int_eq(count("1"), 12);
    test_run("split-synthetic", "condensed", earlier, other);
    const char *sql = "SELECT sum(crc) FROM exemplar WHERE label < 2";
    ck_assert_int_eq(test_query(path, sql), test_query(other, sql));
    end();
}
END_TEST

/* The fit of the memory comes after the memory is made. */
START_TEST(a_learner_from_scratch_waits_for_its_memory)
{
    static const test_setting quick[] = {
        QUICK, {"gdumb.epochs", "3"}, {"log_every", "1"}, {NULL, NULL}};
    begin();
    test_run("split-synthetic", "gdumb+condensed", quick, path);
    ck_assert_int_eq(
        test_query(path, "SELECT (SELECT max(step) FROM scalar WHERE task = 0 AND phase = "
                         "'condense') < (SELECT min(step) FROM scalar WHERE task = 0 AND phase = "
                         "'fit')"),
        1);
    static const test_setting steps[] = {
        QUICK, {"gdumb.epochs", "5"}, {"gdumb.schedule", "step"}, {"log_every", "1"}, {NULL, NULL}};
    test_run("split-synthetic", "gdumb+condensed", steps, path);
    ck_assert_int_eq(test_query(path, "SELECT count(DISTINCT step) FROM scalar WHERE task = 0 AND "
                                      "phase = 'fit, later'") *
                         3,
                     test_query(path, "SELECT count(DISTINCT step) FROM scalar WHERE task = 0 AND "
                                      "phase = 'fit'") *
                         2);
    end();
}
END_TEST

START_TEST(what_is_made_can_be_looked_at)
{
    static const test_setting shares[] = {QUICK, {"buffer_size", "12"}, {NULL, NULL}};
    static const test_setting floats[] = {
        QUICK, {"buffer_size", "12"}, {"buffer_values", "f32"}, {NULL, NULL}};
    begin();
    for (int i = 0; i < 2; i++) {
        test_run("split-synthetic", "condensed", i == 0 ? shares : floats, path);
        ck_assert_int_eq(
            test_query(path, "SELECT count(*) FROM sample WHERE after_task = 2 AND length(image) = "
                             "196"),
            12);
        ck_assert_int_eq(test_query(path, "SELECT min(length(image)) FROM exemplar"),
                         i == 0 ? 196 : 4 * 196);
    }
    end();
}
END_TEST

/* --- refusals --- */

static void ck_refused(const char *benchmark, const char *strategies, const test_setting *settings,
                       const char *why)
{
    mn_experiment *experiment = NULL;
    test_remove(path);
    mn_status status = mn_experiment_new(benchmark, strategies, &experiment);
    for (; status == MN_OK && settings->key != NULL; settings++)
        status = mn_experiment_set(experiment, settings->key, settings->value);
    if (status == MN_OK)
        status = mn_experiment_run(experiment, path, NULL);
    ck_assert_int_ne(status, MN_OK);
    ck_assert_msg(strstr(mn_error(), why) != NULL, "%s: '%s' lacks '%s'", strategies, mn_error(),
                  why);
    mn_experiment_free(experiment);
}

START_TEST(who_cannot_condense_is_refused)
{
    static const test_setting quick[] = {QUICK, {NULL, NULL}};
    static const test_setting ring[] = {QUICK, {"buffer_policy", "ring"}, {NULL, NULL}};
    static const test_setting large[] = {
        QUICK, {"condensed.per_class", "5"}, {"buffer_size", "29"}, {NULL, NULL}};
    static const test_setting small[] = {QUICK, {"buffer_size", "5"}, {NULL, NULL}};
    begin();
    ck_refused("split-synthetic", "er+condensed", ring, "chooses its exemplars itself");
    ck_refused("split-synthetic", "xder+condensed", quick, "both fill the buffer");
    ck_refused("split-synthetic", "fdr+condensed", quick, "both fill the buffer");
    ck_refused("split-synthetic", "condensed", large, "each condensed image, 30");
    ck_refused("split-synthetic", "condensed", small, "each class, 6");
    ck_refused("perm-synthetic", "condensed", quick, "needs a class-incremental stream");
    end();
}
END_TEST

MN_SUITE("condensed", images_that_are_the_real_ones_have_no_loss_under_any_augmentation,
         draws_belong_to_rows, the_buffer_holds_what_was_made_and_nothing_else,
         a_share_of_its_own_is_condensed_once, a_learner_from_scratch_waits_for_its_memory,
         what_is_made_can_be_looked_at, who_cannot_condense_is_refused)
