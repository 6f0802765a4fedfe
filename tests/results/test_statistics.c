/* Statistics over seeds: known answers, and how often they err. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/random.h>
#include <mneme/statistics.h>
#include <stdio.h>
#include <stdlib.h>

START_TEST(mean_and_sample_deviation)
{
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    const mn_summary summary = mn_summarise(values, 8);
    ck_assert_int_eq(summary.n, 8);
    ck_assert_double_eq(summary.mean, 5);
    ck_assert_double_eq_tol(summary.deviation, sqrt(32.0 / 7), 1e-12);
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
        ck_assert_double_eq_tol((s.high - s.mean) * sqrt((double)s.n) / s.deviation, known[i].t,
                                6e-4);
    }
    ck_assert(isnan(mn_summarise(values, 1).high));
}
END_TEST

/* Values of n with this mean and this deviation. */
static mn_summary summary_of(int64_t n, double mean, double deviation)
{
    double values[64];
    ck_assert(n <= 64);
    for (int64_t i = 0; i < n; i++)
        values[i] = i < n / 2 ? -1 : i < n / 2 * 2 ? 1 : 0;
    const double unit = mn_deviation_of(values, n);
    for (int64_t i = 0; i < n; i++)
        values[i] = mean + deviation / unit * values[i];
    return mn_summarise(values, n);
}

/* Of the tables, at 1, 2, 4, 9 and 29 degrees of freedom: t for a two-sided p of 0.1, 0.01, 0.001.
 */
START_TEST(probabilities_are_those_of_the_tables)
{
    static const struct {
        int64_t n;
        double t, p;
    } known[] = {{2, 6.3138, 0.1},  {3, 9.9248, 0.01},   {5, 4.6041, 0.01},  {5, 8.6103, 0.001},
                 {10, 1.8331, 0.1}, {10, 4.7809, 0.001}, {30, 2.7564, 0.01}, {30, 0.8542, 0.4}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const double root = sqrt((double)known[i].n);
        mn_summary s = summary_of(known[i].n, known[i].t / root, 1);
        ck_assert_double_eq_tol(mn_probability_under_none(&s), known[i].p, 2e-5);
        s = summary_of(known[i].n, -known[i].t / root, 1);
        ck_assert_double_eq_tol(mn_probability_under_none(&s), known[i].p, 2e-5);
    }
}
END_TEST

/* The interval leaves out 0 exactly where p is below 5 %. */
START_TEST(the_interval_and_the_probability_say_the_same)
{
    for (int64_t n = 2; n <= 40; n++)
        for (double mean = 0.05; mean < 4; mean += 0.0503) {
            const mn_summary s = summary_of(n, mean, 1);
            ck_assert((s.low > 0) == (mn_probability_under_none(&s) < 0.05));
        }
}
END_TEST

START_TEST(values_without_spread_are_sure)
{
    const mn_summary zero = mn_summarise((const double[]){0, 0, 0}, 3);
    const mn_summary two = mn_summarise((const double[]){2, 2, 2}, 3);
    ck_assert(mn_probability_under_none(&zero) == 1);
    ck_assert(mn_probability_under_none(&two) < 1e-9);
    ck_assert(two.low == 2 && two.high == 2 && mn_visible_difference(&two) == 0);
}
END_TEST

static double normal(mn_key key, uint64_t i)
{
    return mn_random_normal(key, i);
}

/* What two methods of one skewed distribution differ by. */
static double skewed(mn_key key, uint64_t i)
{
    return log(1 - mn_random_uniform(key, 2 * i)) - log(1 - mn_random_uniform(key, 2 * i + 1));
}

/* Accuracies that are now and then much worse, as runs that fail are. */
static double broken_now_and_then(mn_key key, uint64_t i)
{
    double value = 0;
    for (uint64_t k = 0; k < 2; k++)
        value += (k == 0 ? 1 : -1) * (mn_random_normal(key, 4 * i + k) -
                                      10 * (mn_random_uniform(key, 4 * i + 2 + k) < 0.1));
    return value;
}

enum { STUDIES = 8000 };

/* The share of studies of n pairs that find a difference, where the true one is `shift`. */
static double found(double (*draw)(mn_key, uint64_t), int64_t n, double shift)
{
    const mn_key root = mn_key_at(mn_key_of(5, "test.studies"), (uint64_t)n);
    double values[20];
    int64_t found = 0;
    for (uint64_t study = 0; study < STUDIES; study++) {
        for (int64_t i = 0; i < n; i++)
            values[i] = shift + draw(mn_key_at(root, study), (uint64_t)i);
        const mn_summary s = mn_summarise(values, n);
        found += mn_probability_under_none(&s) < 0.05;
    }
    return (double)found / (double)STUDIES;
}

/* docs/metrics.md has the table that this prints with MNEME_SHOW=1. */
START_TEST(where_there_is_no_difference_at_most_six_in_a_hundred_find_one)
{
    static double (*const draws[])(mn_key, uint64_t) = {normal, skewed, broken_now_and_then};
    for (int64_t n = 2; n <= 20; n++) {
        double rate[3];
        for (int i = 0; i < 3; i++)
            rate[i] = found(draws[i], n, 0);
        if (getenv("MNEME_SHOW") != NULL)
            printf("%lld pairs: %.1f %.1f %.1f %%\n", (long long)n, 100 * rate[0], 100 * rate[1],
                   100 * rate[2]);
        for (int i = 0; i < 3; i++)
            ck_assert_msg(rate[i] <= 0.06, "%.2f %% of %lld pairs", 100 * rate[i], (long long)n);
        ck_assert_msg(rate[0] > 0.04, "only %.2f %% of %lld pairs", 100 * rate[0], (long long)n);
    }
}
END_TEST

START_TEST(a_visible_difference_is_found_by_about_four_studies_of_five)
{
    for (int64_t n = 2; n <= 20; n++) {
        const mn_summary unit = summary_of(n, 0, 1);
        const double rate = found(normal, n, mn_visible_difference(&unit));
        ck_assert_msg(rate > 0.7 && rate < 0.85, "%.2f of %lld pairs", rate, (long long)n);
    }
}
END_TEST

START_TEST(a_verdict_looks_at_the_interval)
{
    const mn_summary s = {.n = 5, .mean = 2, .deviation = 1, .low = 1, .high = 3}; /* say */
    ck_assert_int_eq(mn_verdict_on(&s, 0, HUGE_VAL), MN_YES);
    ck_assert_int_eq(mn_verdict_on(&s, 1.5, HUGE_VAL), MN_NOT_SHOWN);
    ck_assert_int_eq(mn_verdict_on(&s, 3.5, HUGE_VAL), MN_NO);
    ck_assert_int_eq(mn_verdict_on(&s, -HUGE_VAL, 0.5), MN_NO);
    ck_assert_int_eq(mn_verdict_on(&s, 0, 4), MN_YES);
    ck_assert_int_eq(mn_verdict_on(&s, 0, 2.5), MN_NOT_SHOWN);
    ck_assert_int_eq(mn_verdict_on(&s, 4, 5), MN_NO);
    const mn_summary one = mn_summarise((const double[]){2}, 1);
    ck_assert_int_eq(mn_verdict_on(&one, 0, 4), MN_NOT_SHOWN);
    ck_assert_int_eq(mn_verdict_on(&one, 3, 4), MN_NOT_SHOWN);
}
END_TEST

START_TEST(few_values_say_little)
{
    const mn_summary one = mn_summarise((const double[]){7}, 1), none = mn_summarise(NULL, 0);
    ck_assert(one.mean == 7 && isnan(one.deviation) && isnan(one.low) && isnan(one.high));
    ck_assert(isnan(mn_probability_under_none(&one)) && isnan(mn_visible_difference(&one)));
    ck_assert(none.n == 0 && isnan(none.mean) && isnan(none.low));
    const mn_summary undefined = mn_summarise((const double[]){1, (double)NAN}, 2);
    ck_assert(isnan(undefined.mean) && isnan(undefined.low) && isnan(undefined.deviation));
}
END_TEST

MN_SUITE("statistics", students_interval_is_that_of_the_tables, mean_and_sample_deviation,
         probabilities_are_those_of_the_tables, the_interval_and_the_probability_say_the_same,
         values_without_spread_are_sure, few_values_say_little, a_verdict_looks_at_the_interval,
         where_there_is_no_difference_at_most_six_in_a_hundred_find_one,
         a_visible_difference_is_found_by_about_four_studies_of_five)
