/* Statistics over seeds: known answers, intervals that cover, the same every time. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/random.h>
#include <mneme/statistics.h>
#include <string.h>

START_TEST(mean_and_sample_deviation)
{
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    const mn_summary summary = mn_summarise(values, 8);
    ck_assert_int_eq(summary.n, 8);
    ck_assert_double_eq(summary.mean, 5);
    ck_assert_double_eq_tol(summary.deviation, sqrt(32.0 / 7), 1e-12);
}
END_TEST

START_TEST(the_interval_is_about_two_standard_errors)
{
    double values[100];
    for (uint64_t i = 0; i < 100; i++)
        values[i] = 50 + 10 * mn_random_normal(mn_key_of(1, "test"), i);
    const mn_summary s = mn_summarise(values, 100);
    const double error = s.deviation / 10;
    ck_assert_double_eq_tol((s.high - s.mean) / error, 1.96, 0.15);
    ck_assert_double_eq_tol((s.mean - s.low) / error, 1.96, 0.15);
}
END_TEST

/* All 3^3 resamples of {0, 0, 3}: a mean of 3 has probability 1/27 > 2.5 %, of 0 it has 8/27. */
START_TEST(a_small_sample_has_its_exact_interval)
{
    const mn_summary s = mn_summarise((const double[]){0, 3, 0}, 3);
    ck_assert_double_eq(s.low, 0);
    ck_assert_double_eq(s.high, 3);
}
END_TEST

/* Table values of t: 12.706, 4.303, 2.262, 2.228, 2.023, 1.984 for 1, 2, 9, 10, 39, 99. */
START_TEST(students_interval_is_that_of_the_tables)
{
    static const struct {
        int64_t n;
        double t;
    } known[] = {{2, 12.706}, {3, 4.303}, {10, 2.262}, {11, 2.228}, {40, 2.023}, {100, 1.984}};
    double values[100];
    for (int i = 0; i < 100; i++)
        values[i] = i % 7;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const mn_summary s = mn_summarise(values, known[i].n);
        ck_assert_double_eq_tol(s.half * sqrt((double)s.n) / s.deviation, known[i].t, 6e-4);
    }
    ck_assert(isnan(mn_summarise(values, 1).half));
}
END_TEST

START_TEST(the_same_values_give_the_same_interval)
{
    const double values[] = {19.9, 20.1, 19.7, 20.4, 20.0};
    const mn_summary a = mn_summarise(values, 5), b = mn_summarise(values, 5);
    ck_assert(a.low == b.low && a.high == b.high);
    ck_assert(a.low > 19.7 && a.low < a.mean && a.mean < a.high && a.high < 20.4);
}
END_TEST

START_TEST(few_values_say_little)
{
    const mn_summary one = mn_summarise((const double[]){7}, 1), none = mn_summarise(NULL, 0);
    ck_assert(one.mean == 7 && isnan(one.deviation) && one.low == 7 && one.high == 7);
    ck_assert(none.n == 0 && isnan(none.mean) && isnan(none.low));
    const mn_summary undefined = mn_summarise((const double[]){1, (double)NAN}, 2);
    ck_assert(isnan(undefined.mean) && isnan(undefined.low) && isnan(undefined.deviation));
}
END_TEST

MN_SUITE("statistics", students_interval_is_that_of_the_tables, mean_and_sample_deviation,
         the_interval_is_about_two_standard_errors, a_small_sample_has_its_exact_interval,
         the_same_values_give_the_same_interval, few_values_say_little)
