/* Half floats: every one of the 65 536, and every boundary between two. */
#include "tests/suite.h"

#include "tensor/file/half.h"
#include <math.h>
#include <string.h>

START_TEST(every_half_survives_the_way_to_float_and_back)
{
    for (uint32_t half = 0; half <= 0xffff; half++) {
        const float value = mn_half_value((uint16_t)half);
        if (isnan(value))
            ck_assert(isnan(mn_half_value(mn_half_of(value))) && (half & 0x7c00) == 0x7c00);
        else
            ck_assert_uint_eq(mn_half_of(value), half);
    }
}
END_TEST

START_TEST(known_values)
{
    ck_assert_uint_eq(mn_half_of(1.0F), 0x3c00);
    ck_assert_uint_eq(mn_half_of(-2.0F), 0xc000);
    ck_assert_uint_eq(mn_half_of(65504.0F), 0x7bff);
    ck_assert_uint_eq(mn_half_of(65519.99F), 0x7bff);
    ck_assert_uint_eq(mn_half_of(65520.0F), 0x7c00); /* ties to the even: infinity */
    ck_assert_uint_eq(mn_half_of(-INFINITY), 0xfc00);
    ck_assert_uint_eq(mn_half_of(-0.0F), 0x8000);
    ck_assert_uint_eq(mn_half_of(0x1p-24F), 1); /* the least subnormal */
    ck_assert_uint_eq(mn_half_of(0x1p-25F), 0); /* half of it: to the even */
    ck_assert_uint_eq(mn_half_of(nextafterf(0x1p-25F, 1)), 1);
    ck_assert_uint_eq(mn_half_of(0x1p-149F), 0);
    ck_assert_uint_eq(mn_half_of(0x1p-14F), 0x0400); /* the least normal */
    ck_assert(isnan(mn_half_value(mn_half_of(-(float)NAN))));
}
END_TEST

START_TEST(between_neighbours_the_nearer_wins_and_the_even_on_a_tie)
{
    for (uint16_t half = 0; half < 0x7bff; half++) {
        const float low = mn_half_value(half), high = mn_half_value((uint16_t)(half + 1));
        const float middle = 0.5F * (low + high); /* exact */
        const uint16_t even = (uint16_t)(half + (half & 1));
        ck_assert_uint_eq(mn_half_of(middle), even);
        ck_assert_uint_eq(mn_half_of(nextafterf(middle, 0)), half);
        ck_assert_uint_eq(mn_half_of(nextafterf(middle, INFINITY)), half + 1);
        ck_assert_uint_eq(mn_half_of(-middle), even | 0x8000);
    }
}
END_TEST

MN_SUITE("half", every_half_survives_the_way_to_float_and_back, known_values,
         between_neighbours_the_nearer_wins_and_the_even_on_a_tie)
