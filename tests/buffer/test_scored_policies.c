/* Policies that go by a score of every image: which slot is drawn, how often, and that the score
 * travels with its row. */
#include "buffer/draw.h"
#include "buffer/storage.h"
#include "tests/suite.h"

#include "tests/buffer/buffer_rows.h"

#include <math.h>

enum { SLOTS = 4, TRIALS = 20000 };

static mn_buffer *buffer_of(const char *policy, const void *options, uint64_t seed)
{
    const mn_policy *found = (const mn_policy *)mn_find(MN_KIND_POLICY, policy);
    ck_assert_msg(found != NULL, "%s", mn_error());
    const mn_buffer_spec spec = {.capacity = SLOTS,
                                 .image = MN_SHAPE(1, 2, 2),
                                 .classes = 3,
                                 .policy = found,
                                 .options = options,
                                 .key = mn_key_of(seed, "buffer")};
    mn_buffer *buffer;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    return buffer;
}

static void offer(mn_buffer *buffer, int64_t id, int32_t label, float score)
{
    static test_rows rows;
    (void)test_rows_fill(&rows, id, 1, label);
    rows.batch.column[rows.batch.columns++] = (mn_batch_column){MN_SCORE_COLUMN, 1, &score};
    ck_assert_ok(mn_buffer_offer(buffer, &rows.batch));
}

/* The slot that now holds the image `id`; SLOTS: none. */
static int slot_with(const mn_buffer *buffer, int64_t id)
{
    mn_batch_space space = {0};
    const int64_t slots[SLOTS] = {0, 1, 2, 3};
    int found = SLOTS;
    ck_assert_ok(mn_buffer_gather(buffer, slots, SLOTS, &space));
    for (int i = 0; i < SLOTS; i++)
        if (space.indices[i] == id)
            found = i;
    mn_batch_space_free(&space);
    return found;
}

/* Chi-square of `count` (SLOTS + 1), the last for "let go", against what is expected of TRIALS. */
static double unlikeliness(const int64_t *count, const double *expected)
{
    double square = 0;
    for (int i = 0; i <= SLOTS; i++) {
        const double mean = expected[i] * (double)TRIALS;
        ck_assert(mean > 0 || count[i] == 0);
        square += mean > 0 ? pow((double)count[i] - mean, 2) / mean : 0;
    }
    return square;
}

static const double likely = 23.5; /* 4 degrees of freedom: p = 1e-4 */

typedef struct scored_row {
    int32_t label;
    float score;
} scored_row;

static double trials(const char *policy, const void *options, const scored_row row[SLOTS],
                     scored_row candidate, const double *expected)
{
    int64_t count[SLOTS + 1] = {0};
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        mn_buffer *buffer = buffer_of(policy, options, trial);
        for (int i = 0; i < SLOTS; i++)
            offer(buffer, i, row[i].label, row[i].score);
        offer(buffer, 99, candidate.label, candidate.score);
        const int slot = slot_with(buffer, 99);
        if (slot < SLOTS)
            ck_assert_double_eq(mn_buffer_score(buffer, slot), (double)candidate.score);
        count[slot]++;
        mn_buffer_free(buffer);
    }
    return unlikeliness(count, expected);
}

START_TEST(gss_lets_images_go_whose_gradients_are_known)
{
    mn_buffer *buffer = buffer_of("gss", NULL, 1);
    for (int i = 0; i < SLOTS; i++) /* free slots take anything */
        offer(buffer, i, 0, 1.9F);
    ck_assert_int_eq(mn_buffer_used(buffer), SLOTS);
    for (int i = 0; i < 50; i++)
        offer(buffer, 100 + i, 1, 1.0F);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 0), SLOTS);
    for (int i = 0; i < 50; i++)
        offer(buffer, 200 + i, 1, 0.999F);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 0), 0);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(gss_gives_up_a_row_in_the_measure_of_its_score)
{
    const scored_row rows[SLOTS] = {{0, 0.5F}, {0, 1.0F}, {1, 1.5F}, {1, 2.0F}};
    double expected[SLOTS + 1] = {0, 0, 0, 0, 1};
    for (int i = 0; i < SLOTS; i++) {
        const double kept = (double)rows[i].score;
        expected[i] = kept / 5 * kept / (kept + 0.25);
        expected[SLOTS] -= expected[i];
    }
    ck_assert_double_lt(trials("gss", NULL, rows, (scored_row){2, 0.25F}, expected), likely);
}
END_TEST

START_TEST(loss_aware_gives_up_low_losses_of_large_classes)
{
    /* a = (3 + 3 + 3 + 1) / 5 = 2: scores 2, 1, -3, 0, moved by 3. */
    const scored_row rows[SLOTS] = {{0, 0.5F}, {0, 1.0F}, {0, 3.0F}, {1, 0.5F}};
    const double in = 4.0 / 5; /* the reservoir's decision on the fifth image */
    const double expected[SLOTS + 1] = {in * 5 / 12, in * 4 / 12, 0, in * 3 / 12, 1 - in};
    const bool balanced = true;
    ck_assert_double_lt(trials("loss-aware", &balanced, rows, (scored_row){2, 9}, expected),
                        likely);
}
END_TEST

START_TEST(loss_aware_can_go_by_losses_alone)
{
    const scored_row rows[SLOTS] = {{0, 0.5F}, {0, 1.0F}, {0, 3.0F}, {1, 0.5F}};
    const double in = 4.0 / 5; /* scores -0.5, -1, -3, -0.5, moved by 3 */
    const double expected[SLOTS + 1] = {in * 5 / 14, in * 4 / 14, 0, in * 5 / 14, 1 - in};
    const bool balanced = false;
    ck_assert_double_lt(trials("loss-aware", &balanced, rows, (scored_row){2, 9}, expected),
                        likely);
}
END_TEST

START_TEST(loss_aware_is_a_reservoir_where_rows_are_alike)
{
    const scored_row rows[SLOTS] = {{0, 0.7F}, {0, 0.7F}, {0, 0.7F}, {0, 0.7F}};
    const double expected[SLOTS + 1] = {0.2, 0.2, 0.2, 0.2, 0.2};
    const bool balanced = true;
    ck_assert_double_lt(trials("loss-aware", &balanced, rows, (scored_row){0, 0.7F}, expected),
                        likely);
}
END_TEST

START_TEST(rows_without_their_score_are_refused)
{
    static test_rows rows;
    mn_buffer *buffer = buffer_of("gss", NULL, 1);
    ck_assert_fails(mn_buffer_offer(buffer, test_rows_fill(&rows, 0, 1, 0)), MN_OUT_OF_ORDER,
                    "score");
    ck_assert_double_eq(mn_buffer_score(buffer, 0), 0);
    ck_assert_double_eq(mn_buffer_score(buffer, SLOTS), 0);
    mn_buffer_free(buffer);
}
END_TEST

MN_SUITE("scored_policies", gss_lets_images_go_whose_gradients_are_known,
         gss_gives_up_a_row_in_the_measure_of_its_score,
         loss_aware_gives_up_low_losses_of_large_classes, loss_aware_can_go_by_losses_alone,
         loss_aware_is_a_reservoir_where_rows_are_alike, rows_without_their_score_are_refused)
