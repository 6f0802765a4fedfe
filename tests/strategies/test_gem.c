/* GEM's quadratic programme on matrices of every size up to the largest, singular but for the ridge
 * as gradients of like tasks make them: the solution must fulfil the conditions of a minimum. */
#include <mneme/strategy.h>
#undef MN_STRATEGY
#define MN_STRATEGY(id) static const mn_strategy tested_##id /* the library has one, too */

#include "strategies/gem.c" /* its solver is its own */
#include "tests/suite.h"

#include <math.h>
#include <mneme/random.h>
#include <string.h>

/* P = R R^T + ridge with rows of R of `rank` numbers, and an arbitrary c. */
static void fill(programme *q, int n, int rank, uint64_t seed, double size)
{
    double r[MOST_TASKS][MOST_TASKS];
    const mn_key key = mn_key_of(seed, "programme");
    memset(q, 0, sizeof *q);
    q->n = n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < rank; j++)
            r[i][j] = size * mn_random_normal(key, (uint64_t)(i * MOST_TASKS + j));
    for (int i = 0; i < n; i++) {
        q->c[i] = size * size * mn_random_normal(mn_key_at(key, 1), (uint64_t)i);
        for (int j = 0; j < n; j++) {
            q->p[i][j] = i == j ? ridge : 0;
            for (int k = 0; k < rank; k++)
                q->p[i][j] += r[i][k] * r[j][k];
        }
    }
}

/* w >= 0, slope >= 0, and one of the two is 0. */
static void check_minimum(const programme *q)
{
    for (int i = 0; i < q->n; i++) {
        double slope = q->c[i], scale = fabs(q->c[i]);
        for (int j = 0; j < q->n; j++) {
            slope += q->p[i][j] * q->w[j];
            scale += fabs(q->p[i][j] * q->w[j]);
        }
        ck_assert_double_ge(q->w[i], 0);
        ck_assert_double_ge(slope, -1e-8 * scale);
        if (q->w[i] > 0)
            ck_assert_double_le(fabs(slope), 1e-8 * scale);
    }
}

START_TEST(the_solution_fulfils_the_conditions_of_a_minimum)
{
    programme q;
    int held = 0, unheld = 0;
    ck_assert_str_eq(tested_gem.name, "gem");
    for (int n = 1; n < MOST_TASKS; n += 3)
        for (int rank = 1; rank <= n; rank = 2 * rank + 1)
            for (uint64_t seed = 0; seed < 4; seed++) {
                fill(&q, n, rank, seed, seed % 2 == 0 ? 1 : 0.01);
                solve(&q);
                check_minimum(&q);
                for (int i = 0; i < n; i++)
                    *(q.w[i] > 0 ? &unheld : &held) += 1;
            }
    ck_assert_int_gt(held, 1000);
    ck_assert_int_gt(unheld, 1000);
}
END_TEST

START_TEST(where_nothing_is_gained_nothing_moves)
{
    programme q;
    fill(&q, 5, 5, 0, 1);
    for (int i = 0; i < 5; i++)
        q.c[i] = fabs(q.c[i]);
    solve(&q);
    for (int i = 0; i < 5; i++)
        ck_assert_double_eq(q.w[i], 0);
    fill(&q, 1, 1, 0, 1);
    q.c[0] = -3;
    solve(&q);
    ck_assert_double_eq_tol(q.w[0], 3 / q.p[0][0], 1e-12);
}
END_TEST

/* Two tasks whose gradients are the same: only the ridge tells them apart. */
START_TEST(equal_gradients_share)
{
    programme q = {.n = 2, .p = {{1 + 1e-3, 1}, {1, 1 + 1e-3}}, .c = {-2, -2}};
    solve(&q);
    ck_assert_double_eq_tol(q.w[0], 2 / 2.001, 1e-9);
    ck_assert_double_eq_tol(q.w[1], 2 / 2.001, 1e-9);
}
END_TEST

MN_SUITE("gem", the_solution_fulfils_the_conditions_of_a_minimum,
         where_nothing_is_gained_nothing_moves, equal_gradients_share)
