/* Learning-rate schedules: values worked out by hand. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/optimiser.h>
#include <string.h>

static const double tolerance = 1e-12;

START_TEST(a_constant_is_one_everywhere)
{
    const mn_schedule constant = {.kind = MN_CONSTANT};
    ck_assert_double_eq(mn_schedule_factor(&constant, 0, 100, 0, 10), 1);
    ck_assert_double_eq(mn_schedule_factor(&constant, 99, 100, 9, 10), 1);
}
END_TEST

START_TEST(a_plateau_is_one_everywhere_and_warms_up)
{
    const mn_schedule plateau = {.kind = MN_PLATEAU, .factor = 0.1, .warm_up = 4};
    ck_assert_double_eq(mn_schedule_factor(&plateau, 1, 100, 0, 10), 0.5);
    ck_assert_double_eq(mn_schedule_factor(&plateau, 99, 100, 9, 10), 1);
}
END_TEST

START_TEST(steps_multiply_at_every_nth_epoch)
{
    const mn_schedule step = {.kind = MN_STEP, .factor = 0.1, .every = 3};
    const double expected[] = {1, 1, 1, 0.1, 0.1, 0.1, 0.01};
    for (int64_t epoch = 0; epoch < 7; epoch++)
        ck_assert_double_eq_tol(mn_schedule_factor(&step, epoch * 5, 35, epoch, 7), expected[epoch],
                                tolerance);
}
END_TEST

START_TEST(milestones_multiply_from_their_epoch_on)
{
    /* CIFAR-100's: 50 epochs, a tenth at 35 and at 45. */
    const mn_schedule multistep = {.kind = MN_MULTISTEP, .factor = 0.1, .milestones = {35, 45}};
    const int64_t epochs[] = {0, 34, 35, 44, 45, 49};
    const double expected[] = {1, 1, 0.1, 0.1, 0.01, 0.01};
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(mn_schedule_factor(&multistep, epochs[i], 50, epochs[i], 50),
                                expected[i], tolerance);
}
END_TEST

START_TEST(all_eight_milestones_count)
{
    const mn_schedule multistep = {
        .kind = MN_MULTISTEP, .factor = 0.5, .milestones = {1, 2, 3, 4, 5, 6, 7, 8}};
    ck_assert_double_eq_tol(mn_schedule_factor(&multistep, 0, 9, 8, 9), pow(0.5, 8), tolerance);
}
END_TEST

START_TEST(a_cosine_falls_from_one_to_the_least)
{
    const mn_schedule cosine = {.kind = MN_COSINE, .least = 0.2};
    ck_assert_double_eq(mn_schedule_factor(&cosine, 0, 100, 0, 1), 1);
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 25, 100, 0, 1),
                            0.2 + 0.8 * (1 + sqrt(0.5)) / 2, tolerance);
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 50, 100, 0, 1), 0.6, tolerance);
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 100, 100, 0, 1), 0.2, tolerance);
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 450, 100, 0, 1), 0.2, tolerance);
}
END_TEST

START_TEST(a_warm_up_grows_in_equal_notches_to_the_full_rate)
{
    const mn_schedule constant = {.kind = MN_CONSTANT, .warm_up = 4};
    const double expected[] = {0.25, 0.5, 0.75, 1, 1, 1};
    for (int64_t step = 0; step < 6; step++)
        ck_assert_double_eq_tol(mn_schedule_factor(&constant, step, 10, 0, 1), expected[step],
                                tolerance);
}
END_TEST

START_TEST(a_warm_up_may_begin_above_zero)
{
    const mn_schedule cosine = {.kind = MN_COSINE, .least = 0.08, .warm_up = 4, .start = 0.2};
    const double expected[] = {0.4, 0.6, 0.8, 1, 1};
    for (int64_t step = 0; step < 5; step++)
        ck_assert_double_eq_tol(mn_schedule_factor(&cosine, step, 104, 0, 1), expected[step],
                                tolerance);
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 54, 104, 0, 1), 0.54, tolerance);
}
END_TEST

START_TEST(a_cosine_begins_after_the_warm_up)
{
    const mn_schedule cosine = {.kind = MN_COSINE, .warm_up = 10};
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 4, 110, 0, 1), 0.5, tolerance);
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 10, 110, 0, 1), 1, tolerance);
    ck_assert_double_eq_tol(mn_schedule_factor(&cosine, 60, 110, 0, 1), 0.5, tolerance);
}
END_TEST

START_TEST(a_phase_shorter_than_its_warm_up_stays_finite)
{
    const mn_schedule cosine = {.kind = MN_COSINE, .least = 0.1, .warm_up = 10};
    for (int64_t step = 0; step < 5; step++)
        ck_assert_double_eq_tol(mn_schedule_factor(&cosine, step, 5, 0, 1), (double)(step + 1) / 10,
                                tolerance);
    const mn_schedule never = {.kind = MN_STEP, .factor = 0.1, .every = 0};
    ck_assert_double_eq(mn_schedule_factor(&never, 3, 5, 3, 5), 1);
}
END_TEST

MN_SUITE("schedule", a_constant_is_one_everywhere, a_plateau_is_one_everywhere_and_warms_up,
         steps_multiply_at_every_nth_epoch, milestones_multiply_from_their_epoch_on,
         all_eight_milestones_count, a_cosine_falls_from_one_to_the_least,
         a_warm_up_grows_in_equal_notches_to_the_full_rate, a_warm_up_may_begin_above_zero,
         a_cosine_begins_after_the_warm_up, a_phase_shorter_than_its_warm_up_stays_finite)
