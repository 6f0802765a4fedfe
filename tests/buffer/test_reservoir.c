/* The reservoir is exact, and the test would see it if it were not: rules that other frameworks
 * use go through the same machinery and are rejected.
 *
 * Of N images a buffer of M keeps each with probability M / N, and exactly M in all, so inclusion
 * counts over T trials are correlated: their chi-square, taken over the variance T M/N (1 - M/N),
 * has N - 1 degrees of freedom once it is multiplied by (N - 1) / N. */
#include "buffer/draw.h"
#include "buffer/storage.h"
#include "tests/suite.h"

#include "tests/buffer/buffer_rows.h"

#include <math.h>
#include <string.h>

/* P(chi-square of that many degrees of freedom > x): the regularised incomplete gamma function
 * Q(a, h), by its series where h < a + 1 and by its continued fraction (Lentz) beyond. */
static double chi_square_survival(double x, double degrees)
{
    const double a = degrees / 2, h = x / 2;
    if (h <= 0)
        return 1;
    const double front = exp(a * log(h) - h - lgamma(a));
    if (h < a + 1) {
        double term = 1 / a, sum = term;
        for (int n = 1; n < 100000 && term > sum * 1e-16; n++)
            sum += term *= h / (a + n);
        return 1 - front * sum;
    }
    double b = h + 1 - a, c = 1e300, d = 1 / b, fraction = d, factor = 0;
    for (int n = 1; n < 100000 && fabs(factor - 1) > 1e-15; n++) {
        const double numerator = -n * (n - a);
        b += 2;
        d = 1 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= factor = c * d;
    }
    return front * fraction;
}

START_TEST(the_survival_function_is_right_far_into_the_tail)
{
    /* With an even number of degrees it is a finite sum: exp(-h) sum_{k < a} h^k / k!. */
    const double points[] = {1, 20, 60, 100, 150, 200, 260};
    for (int i = 0; i < 7; i++)
        for (int a = 1; a <= 64; a *= 2) {
            const double h = points[i] / 2;
            double term = exp(-h), sum = 0;
            for (int k = 0; k < a; k++) {
                sum += term;
                term *= h / (k + 1);
            }
            ck_assert_double_le(fabs(chi_square_survival(points[i], 2 * a) - sum),
                                1e-9 * sum + 1e-15);
        }
    ck_assert_double_eq_tol(chi_square_survival(3.841458820694124, 1), 0.05, 1e-12);
}
END_TEST

/* --- the rules that are nearly right; each takes the batch's size as its option --- */

static int64_t slot_below(const mn_buffer *buffer, mn_key key, int64_t bound)
{
    const int64_t slot = mn_random_below(key, 0, bound);
    return slot < mn_buffer_capacity(buffer) ? slot : -1;
}

static int64_t batch_start(const void *options, const mn_candidate *candidate)
{
    return candidate->seen - candidate->seen % *(const int64_t *)options;
}

/* Renate: one too few to draw from. */
static int64_t place_one_too_few(const mn_buffer *buffer, const void *options,
                                 const mn_candidate *candidate, mn_key key)
{
    (void)options;
    if (candidate->seen < mn_buffer_capacity(buffer))
        return candidate->seen;
    return slot_below(buffer, key, candidate->seen);
}

/* LibContinual: all of a batch draw from what was seen before the batch. */
static int64_t place_by_batch(const mn_buffer *buffer, const void *options,
                              const mn_candidate *candidate, mn_key key)
{
    const int64_t start = batch_start(options, candidate);
    if (candidate->seen < mn_buffer_capacity(buffer))
        return candidate->seen;
    return slot_below(buffer, key, start > 0 ? start : 1);
}

/* Sequoia: the same, the batch that fills the buffer being counted at its filling and again. */
static int64_t place_counted_twice(const mn_buffer *buffer, const void *options,
                                   const mn_candidate *candidate, mn_key key)
{
    const int64_t capacity = mn_buffer_capacity(buffer);
    const int64_t start = batch_start(options, candidate),
                  twice = capacity % *(const int64_t *)options;
    if (candidate->seen < capacity)
        return candidate->seen;
    return slot_below(buffer, key, start < capacity ? capacity : start + twice);
}

static const mn_policy one_too_few = {MN_POLICY_HEADER, .name = "one-too-few",
                                      .place = place_one_too_few};
static const mn_policy by_batch = {MN_POLICY_HEADER, .name = "by-batch", .place = place_by_batch};
static const mn_policy counted_twice = {MN_POLICY_HEADER, .name = "counted-twice",
                                        .place = place_counted_twice};

/* --- the machinery --- */

enum { TRIALS = 8000, IMAGES_AT_MOST = 64 };

typedef struct scene {
    int64_t capacity, batch, images;
} scene;

static const mn_policy *exact_rule(void)
{
    return (const mn_policy *)mn_find(MN_KIND_POLICY, "reservoir");
}

/* Offers the scene's images in batches and writes which of them are in the buffer to `kept`. */
static void run_trial(const mn_policy *policy, const scene *s, uint64_t seed, bool *kept)
{
    static test_rows rows;
    static const uint8_t pixel[IMAGES_AT_MOST];
    const mn_buffer_spec spec = {.capacity = s->capacity,
                                 .image = MN_SHAPE(1, 1, 1),
                                 .classes = 1,
                                 .policy = policy,
                                 .options = &s->batch,
                                 .key = mn_key_of(seed, "reservoir test")};
    mn_buffer *buffer = NULL;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    for (int64_t first = 0; first < s->images; first += s->batch) {
        const int64_t left = s->images - first;
        (void)test_rows_fill(&rows, first, left < s->batch ? left : s->batch, 0);
        rows.batch.image = MN_SHAPE(1, 1, 1);
        rows.batch.pixels = pixel;
        ck_assert_ok(mn_buffer_offer(buffer, &rows.batch));
    }
    mn_batch_space space = {0};
    int64_t slots[IMAGES_AT_MOST];
    const int64_t used = mn_buffer_draw(buffer, spec.key, s->capacity, slots);
    ck_assert_ok(mn_buffer_gather(buffer, slots, used, &space));
    memset(kept, 0, (size_t)s->images * sizeof *kept);
    for (int64_t i = 0; i < used; i++)
        kept[space.indices[i]] = true;
    mn_batch_space_free(&space);
    mn_buffer_free(buffer);
}

/* How likely inclusion counts at least this uneven are under the exact rule. */
static double p_of(const mn_policy *policy, const scene *s)
{
    int64_t count[IMAGES_AT_MOST] = {0};
    bool kept[IMAGES_AT_MOST];
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        run_trial(policy, s, trial, kept);
        for (int64_t i = 0; i < s->images; i++)
            count[i] += kept[i];
    }
    const double n = (double)s->images, p = (double)s->capacity / n, trials = TRIALS;
    double chi_square = 0;
    for (int64_t i = 0; i < s->images; i++)
        chi_square += pow((double)count[i] - trials * p, 2) / (trials * p * (1 - p));
    return chi_square_survival(chi_square * (n - 1) / n, n - 1);
}

static void exact_passes_and_the_others_fail(scene s)
{
    const mn_policy *const wrong[] = {&one_too_few, &by_batch, &counted_twice};
    const double p = p_of(exact_rule(), &s);
    ck_assert_msg(p > 1e-4, "the exact rule is rejected, p = %g", p);
    ck_assert_msg(p < 1 - 1e-4, "inclusion is more even than chance allows, p = %g", p);
    for (int i = 0; i < 3; i++) {
        const double biased = p_of(wrong[i], &s);
        ck_assert_msg(biased < 1e-6, "'%s' is not rejected, p = %g", wrong[i]->name, biased);
    }
}

START_TEST(batches_larger_than_the_buffer)
{
    exact_passes_and_the_others_fail((scene){.capacity = 5, .batch = 16, .images = 48});
}
END_TEST

START_TEST(a_batch_that_crosses_the_fill_point)
{
    exact_passes_and_the_others_fail((scene){.capacity = 10, .batch = 8, .images = 48});
}
END_TEST

START_TEST(a_buffer_of_one)
{
    exact_passes_and_the_others_fail((scene){.capacity = 1, .batch = 8, .images = 40});
}
END_TEST

START_TEST(every_subset_is_as_likely)
{
    /* 2 of 5 images: 10 subsets, not only 5 inclusion counts. */
    const scene s = {.capacity = 2, .batch = 3, .images = 5};
    int64_t count[32] = {0};
    bool kept[IMAGES_AT_MOST];
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        run_trial(exact_rule(), &s, trial, kept);
        int subset = 0;
        for (int i = 0; i < 5; i++)
            subset |= kept[i] << i;
        count[subset]++;
    }
    const double mean = (double)TRIALS / 10;
    double chi_square = 0;
    for (int subset = 0; subset < 32; subset++)
        if (__builtin_popcount((unsigned)subset) == 2)
            chi_square += pow((double)count[subset] - mean, 2) / mean;
    ck_assert_double_gt(chi_square_survival(chi_square, 9), 1e-4);
}
END_TEST

MN_SUITE("reservoir", the_survival_function_is_right_far_into_the_tail,
         batches_larger_than_the_buffer, a_batch_that_crosses_the_fill_point, a_buffer_of_one,
         every_subset_is_as_likely)
