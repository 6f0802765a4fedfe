/* Whole runs: what must not change their numbers, how they stop and go on, and what they tell. */
#include "base/registry.h"
#include "store/records.h"
#include "store/runfile.h"
#include "tests/run/whole.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

/* --- what must not change the numbers --- */

static void expect_same_state(const char *one, const char *other)
{
    static const char *const sums[] = {
        "SELECT count(*) * 4294967296 + sum(crc) FROM tensor",
        "SELECT count(*) * 4294967296 + sum(crc) FROM exemplar",
        "SELECT count(*) * 4294967296 + sum(crc) FROM exemplar_column",
        "SELECT count(*) * 4294967296 + sum(crc) FROM output"};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        ck_assert_msg(test_query(one, sums[i]) == test_query(other, sums[i]), "%s", sums[i]);
}

START_TEST(one_thread_gives_the_same_bytes_twice)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    static const test_setting one_thread[] = {{"threads", "1"}, {NULL, NULL}};
    test_run(split, "derpp", one_thread, in_folder(one, "one"));
    test_run(split, "derpp", one_thread, in_folder(other, "other"));
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

START_TEST(another_seed_gives_other_bytes)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    static const test_setting seed_1[] = {{"seed", "1"}, {NULL, NULL}};
    test_run(split, "derpp", NULL, in_folder(one, "one"));
    test_run(split, "derpp", seed_1, in_folder(other, "other"));
    static const char sum[] = "SELECT sum(crc) FROM tensor";
    ck_assert_int_ne(test_query(one, sum), test_query(other, sum));
    clean(one, other);
}
END_TEST

START_TEST(evaluating_logging_and_committing_change_no_weight)
{
    static const test_setting often[][2] = {{{"eval_every", "7"}, {NULL, NULL}},
                                            {{"log_every", "1"}, {NULL, NULL}},
                                            {{"log_every", "1000000"}, {NULL, NULL}},
                                            {{"commit_steps", "1"}, {NULL, NULL}},
                                            {{"commit_every", "0"}, {NULL, NULL}}};
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "derpp", NULL, in_folder(one, "one"));
    in_folder(other, "other");
    for (size_t i = 0; i < sizeof often / sizeof often[0]; i++) {
        const test_setting settings[] = {often[i][0], often[i][1], {NULL, NULL}};
        test_run(split, "derpp", settings, other);
        expect_same_state(one, other);
    }
    clean(one, other);
}
END_TEST

static int64_t steps_reported;

static void count_progress(void *context, const mn_progress *progress)
{
    (void)context;
    ck_assert_int_le(progress->done, progress->total);
    steps_reported = progress->done;
}

static int tasks_reported;

static void count_task(void *context, const mn_task_report *report)
{
    (void)context;
    ck_assert_int_eq(report->task, tasks_reported);
    ck_assert_int_eq(report->tasks, 3);
    double sum = 0;
    for (int64_t i = 0; i <= report->task; i++)
        sum += report->accuracy[i];
    ck_assert_double_eq_tol(report->average_accuracy, sum / (double)(report->task + 1), 1e-9);
    tasks_reported++;
}

static void no_log(void *context, mn_log_level level, const char *line)
{
    (void)context;
    (void)level;
    ck_assert_ptr_null(strchr(line, '\n'));
}

START_TEST(an_observer_changes_no_byte)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "er", usual, in_folder(one, "one"));
    mn_experiment *experiment = test_experiment(split, "er", usual);
    const mn_observer observer = {
        .log = no_log, .progress = count_progress, .task_done = count_task};
    ck_assert_ok(mn_experiment_run(experiment, in_folder(other, "other"), &observer));
    mn_experiment_free(experiment);
    ck_assert_int_eq(tasks_reported, 3);
    ck_assert_int_gt(steps_reported, 0);
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

/* --- stopping and going on --- */

START_TEST(a_stopped_run_that_is_resumed_ends_as_if_undisturbed)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "derpp", usual, in_folder(one, "one"));
    in_folder(other, "other");
    static const int steps[] = {1, 9, 10, 11, 39, 40, 41, 80, 119, 120};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        ck_assert_fails(run_until("derpp", usual, other, steps[i]), MN_INTERRUPTED,
                        "continue with 'mneme resume ");
        expect_status(other, "interrupted");
        ck_assert_int_eq(test_query(other, "SELECT step FROM cursor"), steps[i]);
        ck_assert_int_eq(test_query(other, "SELECT stage FROM cursor"), 2); /* of a phase */
        ck_assert_ok(mn_resume(other, NULL));
        expect_status(other, "done");
        ck_assert_int_eq(test_query(other, "SELECT stage FROM cursor"), 4);
        test_same_run(one, other);
        test_remove(other);
    }
    clean(one, other);
}
END_TEST

START_TEST(a_run_may_be_stopped_any_number_of_times)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "derpp", usual, in_folder(one, "one"));
    mn_status status = run_until("derpp", usual, in_folder(other, "other"), 13);
    int stops = 0;
    for (; status == MN_INTERRUPTED; stops++) {
        stopper s = {13};
        const mn_observer observer = {.context = &s, .stop = stop_after};
        status = mn_resume(other, &observer);
    }
    ck_assert_ok(status);
    ck_assert_int_eq(stops, 120 / 13);
    test_same_run(one, other);
    ck_assert_ok(mn_resume(other, NULL)); /* finished: nothing to do */
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

typedef struct warned {
    int lines;
    char last[1024];
} warned;

static void note_warning(void *context, mn_log_level level, const char *line)
{
    warned *w = context;
    if (level != MN_LOG_WARNING)
        return;
    w->lines++;
    snprintf(w->last, sizeof w->last, "%s", line);
}

/* What is said when a run goes on whose file names `value` for some keys; NULL: it names none. */
static warned resumed(const char *const keys[], const char *value)
{
    char path[PATH_BYTES];
    warned w = {.lines = 0};
    const mn_observer observer = {.context = &w, .log = note_warning};
    mn_runfile *file;
    ck_assert_int_eq(run_until("er", usual, in_folder(path, "run"), 25), MN_INTERRUPTED);
    for (int i = 0; keys[i] != NULL && value == NULL; i++)
        test_forget(path, keys[i]);
    ck_assert_ok(mn_runfile_open(path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_begin(file));
    for (int i = 0; keys[i] != NULL && value != NULL; i++)
        ck_assert_ok(mn_runfile_set(file, keys[i], value));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_ok(mn_resume(path, &observer));
    clean(path, NULL);
    return w;
}

START_TEST(going_on_with_other_libraries_or_instructions_is_said_in_one_line)
{
    static const char *const none[] = {NULL}, *const libraries[] = {"libraries", NULL},
                             *const sets[] = {"instruction_set", "onednn_instruction_set", NULL};
    ck_assert_int_eq(resumed(none, "").lines, 0);
    warned w = resumed(libraries, "abacus 1");
    ck_assert_int_eq(w.lines, 1);
    ck_assert_ptr_nonnull(strstr(w.last, "run: began with abacus 1, here is oneDNN "));
    w = resumed(sets, "mmx");
    ck_assert_int_eq(w.lines, 1);
    ck_assert_ptr_nonnull(strstr(w.last, "began with the instruction set mmx, here is "));
    ck_assert_ptr_nonnull(strstr(w.last, "; with oneDNN's instruction set mmx, here is "));
    ck_assert_ptr_nonnull(strstr(w.last, "may differ by rounding"));
    ck_assert_int_eq(resumed(sets, NULL).lines, 0); /* an older mneme did not write them down */
}
END_TEST

/* Makes a run whose buffer has `rows` rows one of the time when a budget of bytes paid for images
 * alone: its configuration has the budget, and nothing says how many rows that came to. */
static void make_older(const char *path, int rows, int row_bytes)
{
    static const char none[] = "\"buffer_bytes\":\t0,";
    char *config = NULL, older[16384];
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_find(file, "config", &config));
    ck_assert_ptr_nonnull(config);
    const char *at = strstr(config, none);
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_lt(strlen(config) + 32, sizeof older);
    snprintf(older, sizeof older, "%.*s\"buffer_bytes\":\t%d,%s", (int)(at - config), config,
             rows * row_bytes, at + strlen(none));
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_set(file, "config", older));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    mn_memory_give(config);
}

START_TEST(an_older_run_of_a_budget_keeps_its_rows)
{
    static const test_setting rows[] = {{"buffer_size", "20"}, {"threads", "1"}, {NULL, NULL}};
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "er", rows, in_folder(one, "one"));
    ck_assert_int_eq(run_until("er", rows, in_folder(other, "other"), 25), MN_INTERRUPTED);
    make_older(other, 20, 14 * 14);
    ck_assert_ok(mn_resume(other, NULL));
    ck_assert_int_eq(test_query(other, "SELECT count(*) FROM exemplar"), 20);
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

/* --- what is told of a task --- */

static long long told[3]; /* accuracies after the last task, in thousandths of a per cent */

static void keep_accuracies(void *context, const mn_task_report *report)
{
    (void)context;
    for (int64_t i = 0; i <= report->task; i++)
        told[i] = llround(1000 * report->accuracy[i]);
}

static mn_status plain_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

START_TEST(accuracies_are_told_as_the_file_has_them)
{
    static const mn_strategy informed = {
        MN_STRATEGY_HEADER,          .name = "informed", .summary = "Is told the task.",
        .needs = MN_NEEDS_TEST_TASK, .loss = plain_loss,
    };
    static const char *const cases[][2] = {{"er", "class-il"}, {"informed", "task-il"}};
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &informed));
    char path[PATH_BYTES], sql[200];
    const mn_observer observer = {.task_done = keep_accuracies};
    for (int i = 0; i < 2; i++) {
        mn_experiment *experiment = test_experiment(split, cases[i][0], usual);
        ck_assert_ok(mn_experiment_run(experiment, in_folder(path, "run"), &observer));
        mn_experiment_free(experiment);
        for (int task = 0; task < 3; task++) {
            snprintf(sql, sizeof sql,
                     "SELECT CAST(round(1000 * accuracy) AS INTEGER) FROM accuracy "
                     "WHERE after_task = 2 AND on_task = %d AND scope = '%s'",
                     task, cases[i][1]);
            ck_assert_int_eq(told[task], test_query(path, sql));
        }
        test_remove(path);
    }
    clean(path, NULL);
}
END_TEST

MN_SUITE("run", one_thread_gives_the_same_bytes_twice, another_seed_gives_other_bytes,
         evaluating_logging_and_committing_change_no_weight, an_observer_changes_no_byte,
         a_stopped_run_that_is_resumed_ends_as_if_undisturbed,
         a_run_may_be_stopped_any_number_of_times,
         going_on_with_other_libraries_or_instructions_is_said_in_one_line,
         an_older_run_of_a_budget_keeps_its_rows, accuracies_are_told_as_the_file_has_them)
