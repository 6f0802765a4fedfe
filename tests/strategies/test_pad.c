/* Pooled distances worked out by hand: their signs, what costs nothing, and their slopes. */
#include <mneme/strategy.h>
#undef MN_STRATEGY
#define MN_STRATEGY(id) static const mn_strategy tested_##id /* the library has one, too */

#include "strategies/pad.c" /* its distance is its own */
#include "tests/suite.h"

#include <math.h>
#include <mneme/random.h>

enum { B = 2, HEADS = 3, P = 4, Q = 5, FLOATS = B * HEADS * P * Q, KINDS = 2 * (PIXEL + 1) };

static mn_tape *tape;

static mn_var *map_of(const float *values, mn_shape shape)
{
    return mn_input(tape, shape, values, true);
}

/* The distance of one image's maps of two heads of one value each, with pool=gap. */
static double of_two(int64_t form, const float old[2], const float now[2])
{
    const pad_options o = {.form = form, .pool = GAP};
    const mn_shape shape = MN_SHAPE(1, 2, 1, 1);
    return mn_item(distance(&o, map_of(old, shape), map_of(now, shape)));
}

static void ck_near(double is, double expected)
{
    ck_assert_msg(fabs(is - expected) < 1e-6, "%.9g, expected %.9g", is, expected);
}

/* n(3,4) = (.6,.8) and n(4,3) = (.8,.6); squared first, n(9,16) = (9,16) / sqrt(337). */
START_TEST(the_asymmetric_form_counts_what_was_lost_alone)
{
    ck_assert_ok(mn_tape_new(&tape));
    static const float a[] = {3, 4}, b[] = {4, 3}, c[] = {-3, 4}, equal[] = {5, 5}, one[] = {5, 0};
    ck_near(of_two(ASYMMETRIC, a, b), 0.2);
    ck_near(of_two(SYMMETRIC, a, b), 7 * sqrt(2) / sqrt(337));
    ck_near(of_two(ASYMMETRIC, equal, one), sqrt(0.5));     /* the second head is gone */
    ck_near(of_two(ASYMMETRIC, one, equal), 1 - sqrt(0.5)); /* the first is less of the whole */
    ck_near(of_two(ASYMMETRIC, c, a), 0);                   /* a value that rose costs nothing, */
    ck_near(of_two(ASYMMETRIC, a, c), 1.2);                 /* one that fell costs that, */
    ck_near(of_two(SYMMETRIC, a, c), 0);                    /* and squares have no sign */
    mn_tape_free(tape);
}
END_TEST

static pad_options kind(int i)
{
    return (pad_options){.form = i % 2, .pool = i / 2};
}

static void draw(float values[FLOATS], const char *name)
{
    for (int i = 0; i < FLOATS; i++)
        values[i] = (float)mn_random_normal(mn_key_of(1, name), (uint64_t)i);
}

START_TEST(equal_and_doubled_maps_cost_nothing_and_have_no_slope)
{
    static float now[FLOATS];
    const mn_shape shape = MN_SHAPE(B, HEADS, P, Q);
    ck_assert_ok(mn_tape_new(&tape));
    draw(now, "now");
    for (int i = 0; i < KINDS; i++)
        for (int doubled = 0; doubled < 2; doubled++) {
            const pad_options o = kind(i);
            mn_tape_reset(tape);
            mn_var *x = map_of(now, shape), *old = mn_detach(x);
            mn_var *y = distance(&o, old, doubled ? mn_scale(x, 2) : x);
            const float *slope = mn_host(mn_gradient_of(y, x));
            ck_assert_ok(mn_tape_status(tape));
            ck_assert(mn_item(y) == 0); /* powers of two round nothing */
            for (int j = 0; j < FLOATS; j++)
                ck_assert(slope[j] == 0);
        }
    mn_tape_free(tape);
}
END_TEST

/* The path of the authors' code that normalises rows behind the ReLU is about sqrt(B) / 100
 * whatever the maps are; this one has a slope, which finite differences confirm. */
START_TEST(every_form_and_pool_has_the_slope_of_its_values)
{
    static float old[FLOATS], now[FLOATS];
    const mn_shape shape = MN_SHAPE(B, HEADS, P, Q);
    const double e = 1e-2;
    ck_assert_ok(mn_tape_new(&tape));
    for (int i = 0; i < KINDS; i++) {
        const pad_options o = kind(i);
        double most = 0;
        draw(old, "old");
        draw(now, "now");
        mn_tape_reset(tape);
        mn_var *x = map_of(now, shape);
        float slope[FLOATS];
        const float *is =
            mn_host(mn_gradient_of(distance(&o, mn_detach(map_of(old, shape)), x), x));
        for (int j = 0; j < FLOATS; j++)
            slope[j] = is[j];
        for (int j = 0; j < FLOATS; j += 7) {
            double at[2];
            const float before = now[j];
            for (int side = 0; side < 2; side++) {
                now[j] = before + (float)(side == 0 ? e : -e);
                at[side] = mn_item(distance(&o, map_of(old, shape), map_of(now, shape)));
            }
            now[j] = before;
            const double expected = (at[0] - at[1]) / (2 * e);
            ck_assert_msg(fabs((double)slope[j] - expected) < 2e-3,
                          "form %d, pool %d, %d: %g, expected %g", i % 2, i / 2, j,
                          (double)slope[j], expected);
            most = fmax(most, fabs((double)slope[j]));
        }
        ck_assert_msg(most > 3e-3, "form %d, pool %d: no slope", i % 2, i / 2);
    }
    mn_tape_free(tape);
}
END_TEST

MN_SUITE("pad", the_asymmetric_form_counts_what_was_lost_alone,
         equal_and_doubled_maps_cost_nothing_and_have_no_slope,
         every_form_and_pool_has_the_slope_of_its_values)
