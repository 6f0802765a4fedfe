/* The random numbers: known answers, no bias, keys that do not meet. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/random.h>
#include <string.h>

START_TEST(philox_gives_the_published_answers)
{
    /* Known-answer vectors of Random123 for philox4x32, 10 rounds. */
    uint32_t bits[4];
    mn_random_bits((mn_key){{0, 0}}, 0, bits);
    const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    ck_assert_mem_eq(bits, zeros, sizeof bits);
    mn_random_bits((mn_key){{UINT64_MAX, UINT64_MAX}}, UINT64_MAX, bits);
    const uint32_t ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    ck_assert_mem_eq(bits, ones, sizeof bits);
}
END_TEST

START_TEST(keys_differ_by_seed_purpose_and_index)
{
    const mn_key a = mn_key_of(0, "order"), b = mn_key_of(0, "labels"), c = mn_key_of(1, "order");
    const mn_key d = mn_key_at(a, 0), e = mn_key_at(a, 1);
    const mn_key keys[] = {a, b, c, d, e};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++)
            ck_assert_mem_ne(&keys[i], &keys[j], sizeof keys[i]);
}
END_TEST

START_TEST(below_is_uniform)
{
    enum { BOUND = 7, DRAWS = 70000 };
    int64_t count[BOUND] = {0};
    for (uint64_t i = 0; i < DRAWS; i++)
        count[mn_random_below(mn_key_of(3, "below"), i, BOUND)]++;
    double chi_square = 0;
    for (int i = 0; i < BOUND; i++)
        chi_square += pow((double)count[i] - DRAWS / BOUND, 2) / (DRAWS / BOUND);
    ck_assert_double_lt(chi_square, 27.9); /* 6 degrees of freedom, p = 1e-4 */
}
END_TEST

START_TEST(below_is_fair_where_a_modulo_would_not_be)
{
    /* With a bound of 3 * 2^61, a modulo would give the first 2^62 values 3/2 of their share. */
    const int64_t bound = (int64_t)3 << 61;
    int low = 0;
    for (uint64_t i = 0; i < 10000; i++)
        low += mn_random_below(mn_key_of(4, "modulo"), i, bound) < (int64_t)1 << 61;
    ck_assert_int_gt(low, 3333 - 250);
    ck_assert_int_lt(low, 3333 + 250);
}
END_TEST

START_TEST(a_permutation_holds_everything_once)
{
    int64_t order[257];
    int seen[257] = {0};
    mn_random_permutation(mn_key_of(5, "permutation"), 257, order);
    for (int i = 0; i < 257; i++)
        seen[order[i]]++;
    for (int i = 0; i < 257; i++)
        ck_assert_int_eq(seen[i], 1);
}
END_TEST

START_TEST(subsets_are_distinct_and_uniform_over_order)
{
    int64_t count[6] = {0};
    for (uint64_t i = 0; i < 6000; i++) { /* 2 of 3, in order: 6 outcomes */
        int64_t chosen[2];
        mn_random_subset(mn_key_at(mn_key_of(6, "subset"), i), 3, 2, chosen);
        ck_assert_int_ne(chosen[0], chosen[1]);
        count[chosen[0] * 2 + (chosen[1] > chosen[0] ? chosen[1] - 1 : chosen[1])]++;
    }
    for (int i = 0; i < 6; i++)
        ck_assert_int_lt(llabs(count[i] - 1000), 130);
}
END_TEST

START_TEST(large_subsets_are_distinct_whichever_way_they_are_kept)
{
    enum { WANTED = 500 };
    const int64_t counts[] = {WANTED, 2000, 131072, 131073, INT64_MAX / 2};
    for (int c = 0; c < 5; c++) {
        int64_t chosen[WANTED];
        mn_random_subset(mn_key_of(8, "subset"), counts[c], WANTED, chosen);
        for (int i = 0; i < WANTED; i++) {
            ck_assert(chosen[i] >= 0 && chosen[i] < counts[c]);
            for (int j = 0; j < i; j++)
                ck_assert_int_ne(chosen[i], chosen[j]);
        }
    }
}
END_TEST

START_TEST(normals_have_mean_zero_and_variance_one)
{
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < 40000; i++) {
        const double x = mn_random_normal(mn_key_of(7, "normal"), i);
        sum += x;
        squares += x * x;
    }
    ck_assert_double_lt(fabs(sum / 40000), 0.025);
    ck_assert_double_lt(fabs(squares / 40000 - 1), 0.035);
}
END_TEST

START_TEST(betas_have_the_mean_and_variance_of_their_distribution)
{
    static const double shapes[][2] = {{0.75, 0.75}, {0.01, 0.01}, {2, 2}, {0.5, 1.5}};
    for (int s = 0; s < 4; s++) {
        const double a = shapes[s][0], b = shapes[s][1], mean = a / (a + b);
        const double variance = mean * (1 - mean) / (a + b + 1);
        double sum = 0, squares = 0;
        for (uint64_t i = 0; i < 20000; i++) {
            const double x = mn_random_beta(mn_key_at(mn_key_of(7, "beta"), i), a, b);
            ck_assert(x >= 0 && x <= 1);
            sum += x;
            squares += (x - mean) * (x - mean);
        }
        ck_assert_double_lt(fabs(sum / 20000 - mean), 4 * sqrt(variance / 20000));
        ck_assert_double_lt(fabs(squares / 20000 / variance - 1), 0.05);
    }
}
END_TEST

MN_SUITE("random", philox_gives_the_published_answers, keys_differ_by_seed_purpose_and_index,
         below_is_uniform, below_is_fair_where_a_modulo_would_not_be,
         a_permutation_holds_everything_once, subsets_are_distinct_and_uniform_over_order,
         large_subsets_are_distinct_whichever_way_they_are_kept,
         normals_have_mean_zero_and_variance_one,
         betas_have_the_mean_and_variance_of_their_distribution)
