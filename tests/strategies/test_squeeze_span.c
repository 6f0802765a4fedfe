/* Squeeze and span: golden values of its losses, what keeps columns from collapsing, what a run
 * keeps and notes, and who is refused. */
#include "strategies/shared/vicreg.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[600];

static void begin(void)
{
    snprintf(path, sizeof path, "%s/run.mneme", test_folder("squeeze-span"));
}

static void end(void)
{
    test_remove(path);
    (void)rmdir(test_folder("squeeze-span"));
}

/* --- the losses --- */

START_TEST(variance_and_covariance_have_the_golden_values)
{
    static const float z[] = {1, 2, 0, 0, 2, 1, 1, 3}, same[] = {1, 2, 1, 2, 1, 2, 1, 2};
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *rows = mn_input(tape, MN_SHAPE(4, 2), z, true);
    mn_var *constant = mn_input(tape, MN_SHAPE(4, 2), same, false);
    ck_assert_double_eq_tol(mn_item(mn_vicreg_variance(rows)), 0.091721, 1e-6);
    ck_assert_double_eq_tol(mn_item(mn_vicreg_covariance(rows)), 0.111111, 1e-6);
    ck_assert_double_eq_tol(mn_item(mn_vicreg_variance(constant)), 0.99, 1e-6);
    ck_assert_double_eq_tol(mn_item(mn_vicreg_covariance(constant)), 0, 1e-12);
    ck_assert_double_eq_tol(mn_item(mn_vicreg_correlation(rows)), 1 / sqrt(10), 1e-4);
    /* -(z - m) / (D (N - 1) sigma) of the first column, whose deviation is below 1; 0 of the other
     */
    const float *slope = mn_host(mn_gradient_of(mn_vicreg_variance(rows), rows));
    const double sigma = sqrt(2.0 / 3 + 1e-4);
    ck_assert_ptr_nonnull(slope);
    for (int i = 0; i < 4; i++) {
        ck_assert_double_eq_tol((double)slope[2 * i], -((double)z[2 * i] - 1) / (6 * sigma), 1e-6);
        ck_assert_double_eq_tol((double)slope[2 * i + 1], 0, 1e-12);
    }
    /* 4 / (D (N - 1)) z_c offdiag(Cov), Cov_01 = 1 / 3 */
    slope = mn_host(mn_gradient_of(mn_vicreg_covariance(rows), rows));
    ck_assert_ptr_nonnull(slope);
    for (int i = 0; i < 4; i++) {
        const double across = (double)z[2 * i + 1] - 1.5, down = (double)z[2 * i] - 1;
        ck_assert_double_eq_tol((double)slope[2 * i], across * 4 / 18, 1e-6);
        ck_assert_double_eq_tol((double)slope[2 * i + 1], down * 4 / 18, 1e-6);
    }
    mn_tape_free(tape);
}
END_TEST

START_TEST(too_many_columns_are_refused)
{
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    (void)mn_vicreg_covariance(mn_zeros(tape, MN_SHAPE(2, MN_VICREG_MOST + 1)));
    ck_assert_int_eq(mn_tape_status(tape), MN_UNSUPPORTED);
    mn_tape_free(tape);
}
END_TEST

/* --- runs --- */

#define SMALL                                                                                      \
    {"threads", "1"}, {"stream.tasks", "2"}, {"dataset.train_per_class", "80"},                    \
        {"squeeze-span.rows", "32"}, {"squeeze-span.width", "16"},                                 \
        {"squeeze-span.projector", "32"},                                                          \
    {                                                                                              \
        "squeeze-span.generator", "{\"widths\": \"32,32\", \"latent\": 8}"                         \
    }

/* Of the columns, after 150 steps of the second task. */
static double noted(const char *variance, const char *covariance, const char *what)
{
    char sql[160];
    const test_setting settings[] = {SMALL,
                                     {"epochs", "6"},
                                     {"squeeze-span.weight", "0.2"},
                                     {"squeeze-span.share", "1"},
                                     {"squeeze-span.variance", variance},
                                     {"squeeze-span.covariance", covariance},
                                     {NULL, NULL}};
    test_run("split-synthetic", "squeeze-span", settings, path);
    snprintf(sql, sizeof sql, "SELECT value FROM scalar WHERE name = '%s of columns'", what);
    return test_query_real(path, sql);
}

START_TEST(columns_collapse_without_variance_and_say_the_same_without_covariance)
{
    begin();
    const double alone = noted("0", "0", "deviation"), held = noted("25", "4", "deviation");
    const double apart =
        test_query_real(path, "SELECT value FROM scalar WHERE name = 'correlation of columns'");
    const double alike = noted("25", "0", "correlation");
    printf(
        "deviation %.3f without terms, %.3f with; correlation %.3f without covariance, %.3f with\n",
        alone, held, alike, apart);
    ck_assert_double_lt(alone, 0.1);
    ck_assert_double_gt(held, 3 * alone);
    ck_assert_double_lt(apart, alike - 0.05);
    end();
}
END_TEST

static long long parts(const char *like)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM tensor WHERE name LIKE 'squeeze-span/%s/%%'",
             like);
    return test_query(path, sql);
}

static long long terms(const char *like)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM scalar WHERE name LIKE 'squeeze-span/%s%%'",
             like);
    return test_query(path, sql);
}

START_TEST(what_is_not_asked_for_is_not_there)
{
    const test_setting squeeze[] = {
        SMALL, {"log_every", "1"}, {"squeeze-span.share", "1"}, {NULL, NULL}};
    const test_setting span[] = {
        SMALL, {"log_every", "1"}, {"squeeze-span.share", "0"}, {NULL, NULL}};
    const test_setting taps[] = {
        SMALL, {"log_every", "1"}, {"squeeze-span.target", "taps"}, {NULL, NULL}};
    const test_setting none[] = {
        SMALL, {"log_every", "1"}, {"squeeze-span.weight", "0"}, {NULL, NULL}};
    begin();
    test_run("split-synthetic", "squeeze-span", squeeze, path);
    ck_assert_int_gt(parts("generator"), 0);
    ck_assert_int_gt(parts("squeeze"), 0);
    ck_assert_int_gt(terms("squeeze-covariance"), 0);
    ck_assert_int_eq(terms("span"), 0);
    /* Of the first task alone: the generator's is not trained after the last, and no term is
     * before. */
    ck_assert_int_eq(test_query(path, "SELECT count(DISTINCT after_task) FROM sample"), 1);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM sample WHERE after_task = 0"), 100);
    ck_assert_int_eq(
        test_query(path,
                   "SELECT count(*) FROM scalar WHERE name LIKE 'squeeze-span/s%' AND task = 0"),
        0);
    test_run("split-synthetic", "squeeze-span", span, path);
    ck_assert_int_eq(parts("generator") + parts("squeeze"), 0);
    ck_assert_int_gt(parts("projector"), 0);
    ck_assert_int_eq(terms("squeeze"), 0);
    ck_assert_int_gt(terms("span-variance"), 0);
    test_run("split-synthetic", "squeeze-span", taps, path);
    ck_assert_int_eq(parts("squeeze"), 0);
    ck_assert_int_gt(terms("squeeze-invariance"), 0);
    ck_assert_int_eq(terms("squeeze-variance") + terms("squeeze-covariance"), 0);
    test_run("split-synthetic", "squeeze-span", none, path);
    ck_assert_int_eq(parts("generator") + terms("squeeze") + terms("span"), 0);
    end();
}
END_TEST

static void refused(const char *strategies, const char *key, const char *value, mn_status status,
                    const char *words)
{
    const test_setting settings[] = {{key, value}, {NULL, NULL}};
    mn_experiment *experiment = test_experiment("split-synthetic", strategies, settings);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), status, words);
    mn_experiment_free(experiment);
    test_remove(path);
}

START_TEST(what_cannot_be_compared_is_refused)
{
    begin();
    refused("squeeze-span", "squeeze-span.rows", "1", MN_BAD_OPTION, "set 2 or more");
    refused("squeeze-span", "squeeze-span.generator", "{\"widths\": \"9,9,9,9,9,9,9,9,9\"}",
            MN_BAD_OPTION, "9 hidden layers; expected at most 8");
    refused("squeeze-span", "squeeze-span.generator", "{\"widths\": \"\"}", MN_BAD_OPTION,
            "no hidden layer");
    refused("squeeze-span", "squeeze-span.generator", "{\"wide\": 9}", MN_BAD_OPTION,
            "squeeze-span.generator");
    refused("squeeze-span", "squeeze-span.projector", "9,x", MN_BAD_OPTION,
            "squeeze-span.projector");
    begin();
    const test_setting wide[] = {{"squeeze-span.target", "taps"},
                                 {"squeeze-span.generator", "{\"widths\": \"3000,3000\"}"},
                                 {NULL, NULL}};
    mn_experiment *experiment = test_experiment("split-synthetic", "squeeze-span", wide);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_BAD_OPTION,
                    "have 6000 units; expected at most 4096");
    mn_experiment_free(experiment);
    end();
}
END_TEST

START_TEST(a_loss_that_grows_without_bound_is_named)
{
    const test_setting settings[] = {
        SMALL, {"lr", "1000"}, {"squeeze-span.weight", "100"}, {NULL, NULL}};
    begin();
    mn_experiment *experiment = test_experiment("split-synthetic", "squeeze-span", settings);
    test_remove(path);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_NOT_FINITE, "loss term '");
    mn_experiment_free(experiment);
    end();
}
END_TEST

MN_SUITE("squeeze-span", variance_and_covariance_have_the_golden_values,
         too_many_columns_are_refused,
         columns_collapse_without_variance_and_say_the_same_without_covariance,
         what_is_not_asked_for_is_not_there, what_cannot_be_compared_is_refused,
         a_loss_that_grows_without_bound_is_named)
