/* X-DER: what a run leaves in its buffer, what is refused, and the edges that its authors' code
 * cannot cross; the services it brought, asked inside a run. */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const variants[] = {"xder", "xder-ce", "xder-rpc"};
enum { VARIANTS = 3, MOST_SETTINGS = 8 };

static const char *path_of(char path[600])
{
    snprintf(path, 600, "%s/run.mneme", test_folder("xder"));
    return path;
}

static void tidy(const char *path)
{
    test_remove(path);
    (void)rmdir(test_folder("xder"));
}

/* --- the buffer --- */

START_TEST(shares_of_classes_differ_by_one_where_they_cannot_be_equal)
{
    char path[600];
    static const test_setting settings[] = {{"buffer_size", "50"}, {NULL, NULL}};
    for (int i = 0; i < VARIANTS; i++) {
        test_run("split-synthetic", variants[i], settings, path_of(path));
        /* 3 tasks of 2 classes: 50 / 4 = 12 rows stay of the first two tasks' classes, then 8;
         * 32 of 50 are kept, and 18 are left for two classes. */
        ck_assert_int_eq(test_query(path, "SELECT count(*) FROM exemplar"), 50);
        for (int label = 0; label < 6; label++) {
            char sql[100];
            snprintf(sql, sizeof sql, "SELECT count(*) FROM exemplar WHERE label = %d", label);
            ck_assert_int_eq(test_query(path, sql), label < 4 ? 8 : 9);
        }
        ck_assert_int_eq(test_query(path, "SELECT count(DISTINCT source) FROM exemplar"), 50);
    }
    tidy(path);
}
END_TEST

START_TEST(what_cannot_be_shared_goes_to_classes_by_chance)
{
    char path[600];
    int first = 0;
    for (int seed = 0; seed < 8; seed++) {
        char text[8];
        snprintf(text, sizeof text, "%d", seed);
        const test_setting settings[] = {{"buffer_size", "7"}, {"seed", text}, {NULL, NULL}};
        test_run("split-synthetic", "xder-ce", settings, path_of(path));
        /* 7 / 6 = 1 row of each past class stays: 3 are left for two. */
        ck_assert_int_eq(test_query(path, "SELECT count(*) FROM exemplar WHERE label > 3"), 3);
        first += test_query(path, "SELECT count(*) FROM exemplar WHERE label = 4") == 2;
    }
    ck_assert(first > 0 && first < 8);
    tidy(path);
}
END_TEST

START_TEST(a_class_with_few_images_gives_them_all)
{
    char path[600];
    static const test_setting settings[] = {
        {"dataset.train_per_class", "9"}, {"buffer_size", "70"}, {NULL, NULL}};
    test_run("split-synthetic", "xder", settings, path_of(path));
    ck_assert_int_eq(test_query(path, "SELECT count(DISTINCT source) FROM exemplar"), 54);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM exemplar"), 54);
    tidy(path);
}
END_TEST

/* --- edges --- */

START_TEST(uneven_tasks_tasks_of_one_class_and_batches_of_one_row_are_fine)
{
    char path[600];
    static const test_setting settings[][MOST_SETTINGS] = {
        {{"stream.task_classes", "1,3,2"}, {NULL, NULL}},
        {{"batch", "13"}, {"dataset.train_per_class", "20"}, {"network.batch_norm", "true"}},
        {{"stream.tasks", "6"}, {"stream.task_classes", "1,1,1,1,1,1"}},
        {{"network.batch_norm", "true"}, {"epochs", "2"}, {"augment.pad", "2"}},
        {{"labels.fraction", "0.3"}, {NULL, NULL}},
    };
    for (int i = 0; i < VARIANTS; i++)
        for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++) {
            test_run("uneven-synthetic", variants[i], settings[s], path_of(path));
            ck_assert_int_gt(test_query(path, "SELECT count(*) FROM exemplar"), 0);
        }
    tidy(path);
}
END_TEST

START_TEST(options_of_the_later_code_run)
{
    char path[600];
    static const test_setting settings[] = {{"xder.past", "false"}, {"xder.distance", "3000"},
                                            {"xder.views", "4"},    {"xder.reference", "true"},
                                            {"log_every", "1"},     {NULL, NULL}};
    test_run("split-synthetic", "xder", settings, path_of(path));
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'past'"), 0);
    ck_assert_int_gt(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'distance'"), 0);
    ck_assert_int_eq(
        test_query(path, "SELECT count(*) FROM scalar WHERE name = 'distance' AND task <> 1"), 0);
    tidy(path);
}
END_TEST

/* With all rows below the margin no term is left: the mean over none is 0. */
START_TEST(margins_that_nothing_violates_add_nothing)
{
    char path[600];
    static const test_setting settings[] = {
        {"xder-ce.margin", "0"}, {"log_every", "1"}, {NULL, NULL}};
    test_run("split-synthetic", "xder-ce", settings, path_of(path));
    ck_assert_int_gt(
        test_query(path, "SELECT count(*) FROM scalar WHERE name = 'future' AND value = 0"), 0);
    ck_assert_int_eq(
        test_query(path, "SELECT count(*) FROM scalar WHERE name = 'future' AND value < 0"), 0);
    tidy(path);
}
END_TEST

/* --- what is refused --- */

START_TEST(a_policy_of_the_user_and_streams_without_new_classes_are_refused)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", "xder", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "buffer_policy", "herding"));
    ck_assert_fails(mn_experiment_resolve(experiment), MN_BAD_OPTION, "chooses its exemplars");
    mn_experiment_free(experiment);
    ck_assert_ok(mn_experiment_new("perm-synthetic", "xder", &experiment));
    ck_assert_fails(mn_experiment_resolve(experiment), MN_UNSUPPORTED, "class-incremental");
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(a_buffer_below_one_row_a_class_is_refused)
{
    char path[600];
    static const test_setting settings[] = {{"buffer_size", "5"}, {NULL, NULL}};
    mn_experiment *experiment = test_experiment("split-synthetic", "xder", settings);
    ck_assert_fails(mn_experiment_run(experiment, path_of(path), NULL), MN_BAD_OPTION,
                    "each class, 6");
    mn_experiment_free(experiment);
    tidy(path);
}
END_TEST

/* --- services --- */

static int asked;
static const mn_view_spec mirrored = {.flip = 0.5};

static bool is_odd(const mn_batch *batch, int64_t row, void *context)
{
    ++*(int *)context;
    return batch->labels[row] % 2 == 1;
}

static mn_status look(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    int calls = 0;
    const int64_t *places;
    const int64_t pixels = mn_shape_count(batch->image);
    const mn_batch *odd = mn_subset(learner, batch, is_odd, &calls, &places);
    ck_assert_int_eq(calls, batch->count);
    ck_assert_int_eq(odd->stream_rows, odd->count);
    for (int64_t i = 0; i < odd->count; i++) {
        ck_assert_int_eq(odd->labels[i] % 2, 1);
        ck_assert_int_eq(odd->indices[i], batch->indices[places[i]]);
        ck_assert_int_eq(memcmp(odd->x + i * pixels, batch->x + places[i] * pixels,
                                (size_t)pixels * sizeof *odd->x),
                         0);
    }
    const mn_batch *views = mn_views(learner, "views", odd, &mirrored, 3);
    ck_assert_int_eq(views->count, 3 * odd->count);
    ck_assert_int_eq(views->stream_rows, 0);
    for (int64_t i = 0; i < views->count; i++)
        ck_assert_int_eq(views->labels[i], odd->labels[i % odd->count]);
    float logits[600];
    for (int i = 0; i < 600; i++)
        logits[i] = (float)(i % 6); /* the last class is the largest */
    mn_var *own = mn_row_max(
        mn_own_head(learner, batch, mn_input(tape, MN_SHAPE(batch->count, 6), logits, false)));
    for (int64_t i = 0; i < batch->count; i++) {
        const mn_range of_task = mn_classes_of_task(learner, batch->tasks[i]);
        ck_assert_int_eq((int)mn_host(own)[i], of_task.first + of_task.count - 1);
    }
    asked++;
    return MN_OK;
}

static const mn_phase looks[] = {
    {.name = "look", .source = MN_FROM_STREAM, .visit = look, .as_trained = true}, {.name = NULL}};
static const mn_strategy looker = {
    MN_STRATEGY_HEADER,
    .name = "looker",
    .summary = "Looks at rows chosen from a batch.",
    .phases = looks,
};

START_TEST(rows_are_chosen_and_seen_in_views)
{
    char path[600];
    static const test_setting settings[] = {{"batch", "10"}, {NULL, NULL}};
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &looker));
    test_run("uneven-synthetic", "looker", settings, path_of(path));
    ck_assert_int_ge(asked, 100);
    tidy(path);
}
END_TEST

MN_SUITE("xder", shares_of_classes_differ_by_one_where_they_cannot_be_equal,
         what_cannot_be_shared_goes_to_classes_by_chance, a_class_with_few_images_gives_them_all,
         uneven_tasks_tasks_of_one_class_and_batches_of_one_row_are_fine,
         options_of_the_later_code_run, margins_that_nothing_violates_add_nothing,
         a_policy_of_the_user_and_streams_without_new_classes_are_refused,
         a_buffer_below_one_row_a_class_is_refused, rows_are_chosen_and_seen_in_views)
