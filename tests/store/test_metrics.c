/* The metrics, against matrices worked out by hand; tasks of uneven size. */
#include "store/exemplars.h"
#include "store/records.h"
#include "store/tensors.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include "store/runfile.h"
#include <math.h>
#include <mneme/results.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 3 };
static const int64_t test_images[TASKS] = {10, 20, 40};

/* correct[i][j] on task j after task i; row 0 is the untrained network.
 *   R: 10 20 25 %;   after 0: 90 30 50;   after 1: 95 80 40;   after 2: 50 60 70 */
static const int64_t correct[TASKS + 1][TASKS] = {{1, 4, 10}, {9, 6, 20}, {0, 16, 16}, {5, 12, 28}};

static mn_runfile *begin_run(void)
{
    mn_runfile *file;
    scratch_new();
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(mn_runfile_begin(file));
    for (int task = 0; task < TASKS; task++) {
        ck_assert_ok(mn_runfile_add_task(file, task, 100, test_images[task]));
        ck_assert_ok(mn_runfile_add_task_class(file, task, 2 * task, 0, "a"));
        ck_assert_ok(mn_runfile_add_task_class(file, task, 2 * task + 1, 1, "b"));
    }
    return file;
}

/* Rows up to and including `last`; after task 1, the first task is at 9.5 of 10, so counted
 * on twenty images. */
static void add_matrix(mn_runfile *file, const char *scope, int64_t last, bool future)
{
    for (int64_t i = -1; i <= last; i++)
        for (int64_t j = 0; j < TASKS; j++) {
            if (!future && i >= 0 && j > i)
                continue;
            const bool odd = i == 1 && j == 0;
            ck_assert_ok(mn_runfile_add_evaluation(file, 100 * (i + 1), i, j, scope,
                                                   odd ? 19 : correct[i + 1][j],
                                                   odd ? 20 : test_images[j]));
        }
}

static mn_results *end_run(mn_runfile *file)
{
    mn_results *results;
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_ok(mn_results_open(scratch_path, &results));
    scratch_remove();
    return results;
}

/* What a name holds never decides where another begins. */
START_TEST(names_with_commas_and_slashes_come_back_as_they_were)
{
    mn_probed *probes;
    int64_t count;
    mn_runfile *file = begin_run();
    ck_assert_ok(mn_runfile_add_task_class(file, 2, 4, 0, "a, b"));
    ck_assert_ok(mn_runfile_add_task_class(file, 2, 5, 1, "c/d"));
    const mn_probe_count probe = {"near/far", "class-il", 5, 2, 3, 4};
    ck_assert_ok(mn_runfile_add_probe(file, &probe));
    mn_results *results = end_run(file);
    ck_assert_str_eq(mn_results_class_name(results, 4), "a, b");
    ck_assert_str_eq(mn_results_class_name(results, 5), "c/d");
    ck_assert_ptr_null(mn_results_class_name(results, 6));
    ck_assert_ok(mn_results_probes(results, &probes, &count));
    ck_assert_int_eq(count, 1);
    ck_assert_str_eq(probes[0].classifier, "near/far");
    ck_assert_int_eq(probes[0].label, 5);
    ck_assert(probes[0].accuracy == 75);
    free(probes);
    mn_results_free(results);
}
END_TEST

static void is(const mn_results *results, const char *name, mn_scope scope, double expected)
{
    const double found = mn_results_metric(results, name, scope);
    ck_assert_msg(isnan(expected) ? isnan(found) : fabs(found - expected) < 1e-9,
                  "%s in %s is %.12g, not %.12g", name, mn_scope_name(scope), found, expected);
}

START_TEST(every_metric_of_a_full_matrix)
{
    mn_runfile *file = begin_run();
    add_matrix(file, "task-il", 2, true);
    mn_results *r = end_run(file);
    is(r, "average_accuracy", MN_TASK_IL, (50 + 60 + 70) / 3.0);
    is(r, "average_incremental_accuracy", MN_TASK_IL, (90 + (95 + 80) / 2.0 + 60) / 3);
    is(r, "accuracy_micro", MN_TASK_IL, 100.0 * (5 + 12 + 28) / 70);
    is(r, "incremental_accuracy_micro", MN_TASK_IL,
       (90 + 100.0 * (19 + 16) / 40 + 100.0 * (5 + 12 + 28) / 70) / 3);
    is(r, "learning_accuracy", MN_TASK_IL, (90 + 80 + 70) / 3.0);
    is(r, "earlier_accuracy", MN_TASK_IL, (50 + 60) / 2.0);
    is(r, "forgetting", MN_TASK_IL, ((95 - 50) + (80 - 60)) / 2.0);
    is(r, "forgetting_seen", MN_TASK_IL, ((95 - 50) + (80 - 60)) / 2.0);
    is(r, "forgetting_mammoth", MN_TASK_IL, ((95 - 50) + (80 - 60)) / 2.0);
    is(r, "backward_transfer", MN_TASK_IL, ((50 - 90) + (60 - 80)) / 2.0);
    is(r, "forward_transfer", MN_TASK_IL, ((30 - 20) + (40 - 25)) / 2.0);
    is(r, "min_accuracy", MN_TASK_IL, (50 + 60) / 2.0);
    is(r, "worst_case_accuracy", MN_TASK_IL, (70 + 50 + 60) / 3.0);
    ck_assert_int_eq(mn_results_finished(r), 3);
    ck_assert_int_eq(mn_results_tasks(r), 3);
    ck_assert_double_eq(mn_results_accuracy(r, MN_TASK_IL, -1, 2), 25);
    ck_assert_double_eq(mn_results_accuracy(r, MN_TASK_IL, 1, 0), 95);
    ck_assert(mn_results_has(r, MN_TASK_IL) && !mn_results_has(r, MN_CLASS_IL));
    is(r, "average_accuracy", MN_CLASS_IL, (double)NAN);
    mn_results_free(r);
}
END_TEST

/* The three kinds of forgetting part where a task is best before it is learned, or at the end:
 * a[., 0] = 60 50 70, a[., 1] = 90 40 50 after tasks 0, 1, 2. */
START_TEST(the_kinds_of_forgetting_differ)
{
    static const int64_t matrix[TASKS][TASKS] = {{6, 18, 0}, {5, 8, 0}, {7, 10, 40}};
    mn_runfile *file = begin_run();
    for (int64_t i = 0; i < TASKS; i++)
        for (int64_t j = 0; j < TASKS; j++)
            ck_assert_ok(mn_runfile_add_evaluation(file, i, i, j, "domain-il", matrix[i][j],
                                                   test_images[j]));
    mn_results *r = end_run(file);
    is(r, "forgetting", MN_DOMAIN_IL, ((60 - 70) + (90 - 50)) / 2.0);
    is(r, "forgetting_seen", MN_DOMAIN_IL, ((60 - 70) + (40 - 50)) / 2.0);
    is(r, "forgetting_mammoth", MN_DOMAIN_IL, ((70 - 70) + (90 - 50)) / 2.0);
    is(r, "forward_transfer", MN_DOMAIN_IL, (double)NAN); /* no untrained network */
    mn_results_free(r);
}
END_TEST

START_TEST(without_future_tasks_there_is_no_forward_transfer)
{
    mn_runfile *file = begin_run();
    add_matrix(file, "task-il", 2, false);
    add_matrix(file, "class-il", 2, true);
    mn_results *r = end_run(file);
    is(r, "average_accuracy", MN_TASK_IL, 60);
    is(r, "forgetting", MN_TASK_IL, 32.5);
    is(r, "forward_transfer", MN_TASK_IL, (double)NAN);
    is(r, "forward_transfer", MN_CLASS_IL, (double)NAN);
    is(r, "backward_transfer", MN_CLASS_IL, -30);
    mn_results_free(r);
}
END_TEST

START_TEST(a_run_in_progress_counts_finished_tasks_only)
{
    mn_runfile *file = begin_run();
    add_matrix(file, "class-il", 1, false);
    for (int64_t j = 0; j < TASKS; j++) /* inside task 2 */
        ck_assert_ok(mn_runfile_add_evaluation(file, 250, 2, j, "class-il", 0, test_images[j]));
    ck_assert_ok(mn_runfile_set_cursor(file, &(mn_cursor){.task = 2}));
    mn_results *r = end_run(file);
    ck_assert_int_eq(mn_results_finished(r), 2);
    is(r, "average_accuracy", MN_CLASS_IL, (95 + 80) / 2.0);
    is(r, "accuracy_micro", MN_CLASS_IL, 100.0 * (19 + 16) / 40);
    is(r, "incremental_accuracy_micro", MN_CLASS_IL, (90 + 100.0 * (19 + 16) / 40) / 2);
    is(r, "learning_accuracy", MN_CLASS_IL, (90 + 80) / 2.0);
    is(r, "forgetting", MN_CLASS_IL, 90 - 95);
    is(r, "min_accuracy", MN_CLASS_IL, 95);
    ck_assert(isnan(mn_results_accuracy(r, MN_CLASS_IL, 2, 0)));
    mn_results_free(r);
}
END_TEST

START_TEST(one_task_has_an_accuracy_but_forgets_nothing)
{
    mn_runfile *file = begin_run();
    add_matrix(file, "class-il", 0, false);
    mn_results *r = end_run(file);
    is(r, "average_accuracy", MN_CLASS_IL, 90);
    is(r, "average_incremental_accuracy", MN_CLASS_IL, 90);
    is(r, "worst_case_accuracy", MN_CLASS_IL, 90);
    is(r, "forgetting", MN_CLASS_IL, (double)NAN);
    is(r, "backward_transfer", MN_CLASS_IL, (double)NAN);
    is(r, "min_accuracy", MN_CLASS_IL, (double)NAN);
    mn_results_free(r);
}
END_TEST

START_TEST(a_run_that_has_not_begun_has_no_metrics)
{
    mn_results *r = end_run(begin_run());
    ck_assert_int_eq(mn_results_finished(r), 0);
    const char *name, *meaning;
    for (int i = 0; (name = mn_metric_name(i, &meaning)) != NULL; i++)
        for (int scope = 0; scope < MN_SCOPES; scope++)
            is(r, name, (mn_scope)scope, (double)NAN);
    ck_assert(isnan(mn_results_metric(r, "no_such_metric", MN_CLASS_IL)));
    mn_results_free(r);
}
END_TEST

START_TEST(a_missing_evaluation_makes_a_metric_undefined_not_wrong)
{
    mn_runfile *file = begin_run();
    for (int64_t i = 0; i < TASKS; i++)
        for (int64_t j = 0; j <= i; j++)
            if (!(i == 2 && j == 1))
                ck_assert_ok(mn_runfile_add_evaluation(file, i, i, j, "class-il", 1, 2));
    mn_results *r = end_run(file);
    is(r, "average_accuracy", MN_CLASS_IL, (double)NAN);
    is(r, "average_incremental_accuracy", MN_CLASS_IL, (double)NAN);
    is(r, "accuracy_micro", MN_CLASS_IL, (double)NAN);
    is(r, "incremental_accuracy_micro", MN_CLASS_IL, (double)NAN);
    is(r, "learning_accuracy", MN_CLASS_IL, 50); /* not of its terms */
    is(r, "earlier_accuracy", MN_CLASS_IL, (double)NAN);
    is(r, "forgetting", MN_CLASS_IL, (double)NAN);
    is(r, "backward_transfer", MN_CLASS_IL, (double)NAN);
    mn_results_free(r);
}
END_TEST

/* Inside tasks: the matrix takes the last evaluation of a task, the curve all, and the lowest point
 * counts from the start of the next task on. */
START_TEST(evaluations_inside_tasks_make_curves_and_the_worst_case)
{
    mn_runfile *file = begin_run();
    const struct {
        int64_t step, after_task, on_task, correct;
    } rows[] = {{0, -1, 0, 1},  {50, 0, 0, 2},   {100, 0, 0, 9}, {150, 1, 0, 3},
                {150, 1, 1, 8}, {200, 1, 1, 16}, {200, 1, 0, 7}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_ok(mn_runfile_add_evaluation(file, rows[i].step, rows[i].after_task,
                                               rows[i].on_task, "class-il", rows[i].correct,
                                               test_images[rows[i].on_task]));
    ck_assert_ok(mn_runfile_set(file, "status", "done"));
    ck_assert_ok(mn_runfile_set_cursor(file, &(mn_cursor){.task = 1}));
    mn_results *r = end_run(file);
    is(r, "average_accuracy", MN_CLASS_IL, (70 + 80) / 2.0);
    is(r, "backward_transfer", MN_CLASS_IL, 70 - 90);
    is(r, "min_accuracy", MN_CLASS_IL, 30);
    is(r, "worst_case_accuracy", MN_CLASS_IL, (80 + 30) / 2.0);

    mn_curve_point *points;
    int64_t count;
    ck_assert_ok(mn_results_curve(r, MN_CLASS_IL, 0, &points, &count));
    const double expected[] = {10, 20, 90, 30, 70};
    ck_assert_int_eq(count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_double_eq(points[i].accuracy, expected[i]);
        ck_assert_int_eq(points[i].step, 50 * i);
    }
    ck_assert_int_eq(points[3].after_task, 1);
    free(points);
    mn_results_free(r);
}
END_TEST

START_TEST(the_buffer_is_counted_by_class_and_task)
{
    mn_runfile *file = begin_run();
    const uint8_t image[4] = {1, 2, 3, 4};
    const float logits[3] = {0.5F, -1, 2};
    for (int slot = 0; slot < 5; slot++) {
        const mn_exemplar exemplar = {.slot = slot,
                                      .seen = 10 * slot,
                                      .source = slot,
                                      .label = slot % 2,
                                      .task = slot / 4,
                                      .labelled = true,
                                      .image = image,
                                      .image_bytes = sizeof image};
        ck_assert_ok(mn_runfile_put_exemplar(file, &exemplar));
        ck_assert_ok(mn_runfile_put_exemplar_column(file, slot, "logits", logits, 3));
    }
    mn_results *r = end_run(file);
    mn_buffer_count *counts;
    int64_t count;
    ck_assert_ok(mn_results_buffer(r, &counts, &count));
    ck_assert_int_eq(count, 3);
    ck_assert(counts[0].label == 0 && counts[0].task == 0 && counts[0].rows == 2);
    ck_assert(counts[0].oldest == 0 && counts[0].newest == 20);
    ck_assert(counts[1].label == 1 && counts[1].rows == 2 && counts[1].newest == 30);
    ck_assert(counts[2].label == 0 && counts[2].task == 1 && counts[2].oldest == 40);
    const mn_buffer_size size = mn_results_buffer_size(r);
    ck_assert_int_eq(size.rows, 5);
    ck_assert_int_eq(size.image_bytes, 5 * 4);
    ck_assert_int_eq(size.column_bytes, 5 * 3 * 4);
    ck_assert_str_eq(mn_results_task_classes(r, 1), "a, b");
    ck_assert_ptr_null(mn_results_task_classes(r, 3));
    free(counts);
    mn_results_free(r);
}
END_TEST

/* --- likeness to a snapshot --- */

static void note_alignment(mn_runfile *file, int64_t task, double value)
{
    const mn_scalar_place place = {.step = 100 * task, .task = task, .phase = "similarity"};
    ck_assert_ok(mn_runfile_add_scalar(file, &place, "cka/lwf/old", value));
}

START_TEST(alignment_is_the_mean_over_all_tasks_but_the_first)
{
    mn_runfile *file = begin_run();
    add_matrix(file, "task-il", 2, true);
    note_alignment(file, 1, 0.9);
    note_alignment(file, 2, 0.6);
    mn_results *r = end_run(file);
    is(r, "linear_cka", MN_TASK_IL, 75);
    mn_results_free(r);
    file = begin_run();
    add_matrix(file, "task-il", 2, true);
    note_alignment(file, 1, 0.9); /* that of task 2 is missing */
    r = end_run(file);
    is(r, "linear_cka", MN_TASK_IL, (double)NAN);
    mn_results_free(r);
}
END_TEST

START_TEST(teachers_are_compared_after_the_last_task)
{
    mn_runfile *file = begin_run();
    add_matrix(file, "task-il", 2, true);
    static const struct {
        const char *name;
        int64_t task;
        double value;
    } noted[] = {{"retrieval/teacher/network", 1, 0.1},
                 {"retrieval/teacher/network", 2, 0.5},
                 {"retrieval/teacher/network 2", 2, 0.7},
                 {"cka/teacher/network", 2, 0.9}};
    for (size_t i = 0; i < sizeof noted / sizeof noted[0]; i++) {
        const mn_scalar_place place = {
            .step = 100 * noted[i].task, .task = noted[i].task, .phase = "teacher"};
        ck_assert_ok(mn_runfile_add_scalar(file, &place, noted[i].name, noted[i].value));
    }
    mn_results *r = end_run(file);
    is(r, "retrieval", MN_TASK_IL, 60);
    is(r, "teacher_cka", MN_TASK_IL, 90);
    is(r, "linear_cka", MN_TASK_IL, (double)NAN);
    mn_results_free(r);
}
END_TEST

/* --- answers as probabilities --- */

/* Two tasks of two classes, two images each; logits that a half float holds. */
static void add_answers(mn_runfile *file)
{
    static const float logits[2][8] = {{2, 0, 0, 1, 1, 3, 0, 0}, {0, 1, 2, 0, 0, 0, 4, 1}};
    static const int32_t labels[2][2] = {{0, 0}, {2, 3}};
    for (int task = 0; task < 2; task++) {
        ck_assert_ok(mn_runfile_add_output(file, 1, task, logits[task], 2, 4));
        ck_assert_ok(mn_runfile_add_test_labels(file, task, labels[task], 2));
        ck_assert_ok(mn_runfile_add_evaluation(file, task, 1, task, "class-il", 1, 2));
        ck_assert_ok(mn_runfile_add_evaluation(file, task, 1, task, "task-il", 1, 2));
    }
}

static mn_runfile *begin_answers(void)
{
    mn_runfile *file;
    scratch_new();
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(mn_runfile_begin(file));
    for (int label = 0; label < 4; label++)
        ck_assert_ok(mn_runfile_add_task_class(file, label / 2, label, label, "a"));
    ck_assert_ok(mn_runfile_set(file, "status", "done"));
    ck_assert_ok(mn_runfile_add_evaluation(file, 0, 0, 0, "class-il", 2, 2));
    return file;
}

/* -log of softmax at `own`, of z at temperature 1 / b. */
static double surprise(const double z[4], int own, double b)
{
    double sum = 0;
    for (int k = 0; k < 4; k++)
        sum += exp(b * z[k]);
    return log(sum) - b * z[own];
}

static void near(const mn_results *results, const char *name, mn_scope scope, double expected)
{
    ck_assert_double_eq_tol(mn_results_metric(results, name, scope), expected, 1e-7);
}

START_TEST(answers_are_worth_what_was_worked_out_by_hand)
{
    static const double z[4][4] = {{2, 0, 0, 1}, {1, 3, 0, 0}, {0, 1, 2, 0}, {0, 0, 4, 1}};
    static const int own[4] = {0, 0, 2, 3}, said[4] = {0, 1, 2, 2};
    mn_runfile *file = begin_answers();
    add_answers(file);
    mn_results *r = end_run(file);
    double nll = 0, error = 0;
    for (int i = 0; i < 4; i++) { /* .610, .831, .610 and .933: bins 10, 13, 10 and 14 of 15 */
        nll += surprise(z[i], own[i], 1) / 4;
        const double off = exp(-surprise(z[i], said[i], 1)) - (said[i] == own[i]);
        error += 25 * (i == 2 ? -off : i == 0 ? -off : off);
    }
    near(r, "nll", MN_CLASS_IL, nll);
    near(r, "calibration_error", MN_CLASS_IL, error);
    /* Among a task's own two classes. */
    near(r, "nll", MN_TASK_IL,
         (log(1 + exp(-2)) + log(1 + exp(2)) + log(1 + exp(-2)) + log(1 + exp(3))) / 4);
    /* Sorted shares of the three other classes: of logits 1 0 0, 3 0 0, 1 0 0 and 4 0 0. */
    const double first =
        (2 * exp(1) / (exp(1) + 2) + exp(3) / (exp(3) + 2) + exp(4) / (exp(4) + 2)) / 4;
    const double x[3] = {0, log(2), log(3)},
                 y[3] = {log(first), log((1 - first) / 2), log((1 - first) / 2)};
    double mx = (x[1] + x[2]) / 3, my = (y[0] + 2 * y[1]) / 3, xx = 0, xy = 0, yy = 0;
    for (int i = 0; i < 3; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
        yy += (y[i] - my) * (y[i] - my);
    }
    near(r, "rank_slope", MN_CLASS_IL, xy / xx);
    near(r, "rank_fit", MN_CLASS_IL, xy * xy / (xx * yy));
    is(r, "rank_slope", MN_TASK_IL, (double)NAN);
    /* Said 0 1 2 2 of 0 0 2 3: no pair is together in both, one in each, of six. */
    near(r, "adjusted_rand", MN_CLASS_IL, (0 - 1 / 6.0) / (1 - 1 / 6.0));
    is(r, "scaled_nll", MN_CLASS_IL, (double)NAN); /* nothing to fit a temperature to */
    mn_results_free(r);
}
END_TEST

static void put(mn_runfile *file, const char *name, mn_dtype dtype, mn_shape shape,
                const void *values)
{
    const mn_tensor_origin origin = {"run", "validation", MN_ROLE_KEPT};
    mn_tensor *tensor;
    ck_assert_ok(mn_tensor_new(dtype, shape, &tensor));
    ck_assert_ok(mn_tensor_write(tensor, values, mn_tensor_bytes(tensor)));
    ck_assert_ok(mn_runfile_put_tensor(file, &origin, name, tensor));
    mn_tensor_free(tensor);
}

/* Validation images of logits L 0, three right and one wrong, are right with 3/4 where
 * exp(-L b) = 1/3: b = log(3) / L, be it reached from above, from below or at the first step. */
static void scaled_by(double of_logits)
{
    static const int32_t labels[4] = {0, 0, 0, 1}, of_second[1] = {0};
    static const float certain[4] = {0, 0, 0, 0};
    static const double z[4][4] = {{2, 0, 0, 1}, {1, 3, 0, 0}, {0, 1, 2, 0}, {0, 0, 4, 1}};
    static const int own[4] = {0, 0, 2, 3};
    const float length = (float)of_logits;
    float logits[16];
    for (int i = 0; i < 16; i++)
        logits[i] = i % 4 == 0 ? length : i % 4 == 1 ? 0 : -9000;
    mn_runfile *file = begin_answers();
    add_answers(file);
    put(file, "run/validation/outputs/1/0", MN_F32, MN_SHAPE(4, 4), logits);
    put(file, "run/validation/labels/0", MN_I32, MN_SHAPE(4), labels);
    put(file, "run/validation/outputs/1/1", MN_F32, MN_SHAPE(1, 4), certain); /* any temperature */
    put(file, "run/validation/labels/1", MN_I32, MN_SHAPE(1), of_second);
    mn_results *r = end_run(file);
    double scaled = 0;
    for (int i = 0; i < 4; i++)
        scaled += surprise(z[i], own[i], log(3) / (double)length) / 4;
    near(r, "scaled_nll", MN_CLASS_IL, scaled);
    mn_results_free(r);
}

START_TEST(the_temperature_comes_from_validation_images)
{
    static const double lengths[] = {3, 1, 0.25, 0.62, 0.77, 1.07, 1.13, 1.35, 8, 13};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        scaled_by(lengths[i]);
}
END_TEST

/* A network that diverged answers with infinities and with what is no number. */
START_TEST(answers_that_are_no_numbers_are_worth_none)
{
    static const float logits[2][8] = {{INFINITY, 0, 0, 1, 1, NAN, 0, 0},
                                       {NAN, NAN, NAN, NAN, 0, -INFINITY, INFINITY, 1}};
    static const int32_t labels[2][2] = {{0, 0}, {2, 3}};
    mn_runfile *file = begin_answers();
    for (int task = 0; task < 2; task++) {
        ck_assert_ok(mn_runfile_add_output(file, 1, task, logits[task], 2, 4));
        ck_assert_ok(mn_runfile_add_test_labels(file, task, labels[task], 2));
        ck_assert_ok(mn_runfile_add_evaluation(file, task, 1, task, "class-il", 1, 2));
    }
    mn_results *r = end_run(file);
    is(r, "nll", MN_CLASS_IL, (double)NAN);
    is(r, "calibration_error", MN_CLASS_IL, (double)NAN);
    is(r, "average_accuracy", MN_CLASS_IL, 50);
    mn_results_free(r);
}
END_TEST

START_TEST(answers_that_are_damaged_are_noticed)
{
    mn_results *r = NULL;
    mn_runfile *file = begin_answers();
    add_answers(file);
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(scratch_path, &database), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(database, "UPDATE output SET logits = zeroblob(16)", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(database);
    ck_assert_fails(mn_results_open(scratch_path, &r), MN_CORRUPT,
                    "answers to test images are damaged");
    scratch_remove();
}
END_TEST

MN_SUITE("metrics", names_with_commas_and_slashes_come_back_as_they_were,
         every_metric_of_a_full_matrix, the_kinds_of_forgetting_differ,
         without_future_tasks_there_is_no_forward_transfer,
         a_run_in_progress_counts_finished_tasks_only, one_task_has_an_accuracy_but_forgets_nothing,
         a_run_that_has_not_begun_has_no_metrics,
         a_missing_evaluation_makes_a_metric_undefined_not_wrong,
         evaluations_inside_tasks_make_curves_and_the_worst_case,
         the_buffer_is_counted_by_class_and_task,
         alignment_is_the_mean_over_all_tasks_but_the_first,
         teachers_are_compared_after_the_last_task, answers_are_worth_what_was_worked_out_by_hand,
         the_temperature_comes_from_validation_images, answers_that_are_no_numbers_are_worth_none,
         answers_that_are_damaged_are_noticed)
