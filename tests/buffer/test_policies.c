/* Balanced, ring and herding, each against what its paper promises. */
#include "buffer/draw.h"
#include "buffer/storage.h"
#include "tests/suite.h"

#include "tests/buffer/buffer_rows.h"

#include <math.h>
#include <string.h>

static const mn_policy *policy_named(const char *name)
{
    const mn_policy *policy = (const mn_policy *)mn_find(MN_KIND_POLICY, name);
    ck_assert_msg(policy != NULL, "%s", mn_error());
    return policy;
}

static void offer(mn_buffer *buffer, int64_t first, int64_t count, int32_t label)
{
    static test_rows rows;
    for (int64_t done = 0; done < count; done += ROWS_AT_MOST) {
        const int64_t left = count - done;
        ck_assert_ok(mn_buffer_offer(
            buffer,
            test_rows_fill(&rows, first + done, left < ROWS_AT_MOST ? left : ROWS_AT_MOST, label)));
    }
}

/* Whose rows (by number) a slot holds. */
static int64_t row_in(const mn_buffer *buffer, int64_t slot)
{
    mn_batch_space space = {0};
    ck_assert_ok(mn_buffer_gather(buffer, &slot, 1, &space));
    const int64_t row = space.indices[0];
    mn_batch_space_free(&space);
    return row;
}

/* --- balanced --- */

START_TEST(balanced_shares_the_slots_equally_among_the_large)
{
    mn_buffer *buffer = test_buffer(policy_named("balanced"), 30, 4, 1);
    offer(buffer, 0, 500, 2);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 2), 30);
    offer(buffer, 500, 400, 0);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 2), 15);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 0), 15);
    offer(buffer, 900, 4, 3); /* a rare class keeps all it has */
    ck_assert_int_eq(mn_buffer_count_label(buffer, 3), 4);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 2), 13);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 0), 13);
    offer(buffer, 904, 300, 1);
    for (int32_t label = 0; label < 3; label++) { /* 26 slots among three, ties by chance */
        ck_assert_int_ge(mn_buffer_count_label(buffer, label), 8);
        ck_assert_int_le(mn_buffer_count_label(buffer, label), 9);
    }
    ck_assert_int_eq(mn_buffer_count_label(buffer, 3), 4);
    ck_assert_int_eq(mn_buffer_used(buffer), 30);
    mn_buffer_free(buffer);
}
END_TEST

/* How uneven the images of one class stay, as a chi-square of IMAGES - 1 degrees of freedom: over
 * the variance of a count less the covariance of two, given the sizes the class had. */
enum { IMAGES = 40, TRIALS = 6000 };

static double unevenness(const int64_t *count, double size, double pairs)
{
    const double mean = size / (double)IMAGES;
    double square = 0;
    for (int i = 0; i < IMAGES; i++)
        square += pow((double)count[i] - mean, 2);
    return square / (mean - pairs / (double)(IMAGES * (IMAGES - 1)));
}

START_TEST(balanced_samples_each_class_uniformly)
{
    /* Two large classes by turns, which 13 slots cannot serve equally, then a third: whichever is
     * the larger at the moment, within a class every image is as likely to stay. */
    int64_t count[3 * IMAGES] = {0};
    double size[3] = {0}, pairs[3] = {0};
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        int64_t slots[13];
        mn_buffer *buffer = test_buffer(policy_named("balanced"), 13, 3, trial);
        for (int64_t i = 0; i < IMAGES; i++) {
            offer(buffer, i, 1, 0);
            offer(buffer, IMAGES + i, 1, 1);
        }
        offer(buffer, 2 * (int64_t)IMAGES, IMAGES, 2);
        for (int32_t label = 0; label < 3; label++) {
            const double rows = (double)mn_buffer_count_label(buffer, label);
            size[label] += rows;
            pairs[label] += rows * (rows - 1);
        }
        mn_batch_space space = {0};
        ck_assert_int_eq(mn_buffer_draw(buffer, mn_key_of(0, ""), 13, slots), 13);
        ck_assert_ok(mn_buffer_gather(buffer, slots, 13, &space));
        for (int64_t i = 0; i < 13; i++)
            count[space.indices[i]]++;
        mn_batch_space_free(&space);
        mn_buffer_free(buffer);
    }
    for (int c = 0; c < 3; c++) { /* 39 degrees of freedom: p = 1e-4 on either side */
        const double chi_square = unevenness(count + (ptrdiff_t)c * IMAGES, size[c], pairs[c]);
        ck_assert_double_lt(chi_square, 80.1);
        ck_assert_double_gt(chi_square, 14.2);
    }
}
END_TEST

START_TEST(balanced_breaks_ties_between_the_largest_by_chance)
{
    int64_t lost[2] = {0};
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        mn_buffer *buffer = test_buffer(policy_named("balanced"), 8, 3, trial);
        offer(buffer, 0, 4, 0);
        offer(buffer, 4, 4, 1);
        offer(buffer, 8, 1, 2);
        ck_assert_int_eq(mn_buffer_count_label(buffer, 2), 1);
        lost[0] += 4 - mn_buffer_count_label(buffer, 0);
        lost[1] += 4 - mn_buffer_count_label(buffer, 1);
        mn_buffer_free(buffer);
    }
    ck_assert_int_eq(lost[0] + lost[1], TRIALS);
    ck_assert_int_lt(llabs(lost[0] - lost[1]), 310); /* 4 standard deviations */
}
END_TEST

/* --- ring --- */

START_TEST(ring_keeps_the_latest_of_each_class)
{
    /* 11 slots, 4 classes: 3, 3, 3 and 2. */
    mn_buffer *buffer = test_buffer(policy_named("ring"), 11, 4, 1);
    for (int32_t label = 0; label < 4; label++)
        offer(buffer, 100 * label, 50, label);
    const int64_t first[] = {0, 3, 6, 9, 11};
    ck_assert_int_eq(mn_buffer_used(buffer), 11);
    for (int32_t label = 0; label < 4; label++) {
        const int64_t size = first[label + 1] - first[label];
        ck_assert_int_eq(mn_buffer_count_label(buffer, label), size);
        for (int64_t i = 0; i < size; i++) { /* the i-th of the class's latest */
            const int64_t order = 50 - size + i;
            ck_assert_int_eq(row_in(buffer, first[label] + order % size), 100 * label + order);
        }
    }
    offer(buffer, 1000, 1, 0); /* the oldest goes */
    ck_assert_int_eq(row_in(buffer, 50 % 3), 1000);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 0), 3);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(ring_with_fewer_slots_than_classes_shares_them)
{
    mn_buffer *buffer = test_buffer(policy_named("ring"), 3, 5, 1);
    for (int32_t label = 0; label < 5; label++)
        offer(buffer, 10 * label, 4, label);
    ck_assert_int_eq(mn_buffer_used(buffer), 3);
    ck_assert_int_eq(row_in(buffer, 0), 33);
    ck_assert_int_eq(row_in(buffer, 1), 43);
    ck_assert_int_eq(row_in(buffer, 2), 23);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(ring_lets_unlabelled_images_go)
{
    mn_buffer *buffer = test_buffer(policy_named("ring"), 6, 2, 1);
    offer(buffer, 0, 20, -1);
    ck_assert_int_eq(mn_buffer_used(buffer), 0);
    ck_assert_int_eq(mn_buffer_seen(buffer), 20);
    mn_buffer_free(buffer);
}
END_TEST

/* --- herding --- */

enum { WIDTH = 6, CLASS_ROWS = 20 };

/* Task `task` brings classes 2 task and 2 task + 1 with CLASS_ROWS images each, by turns. */
typedef struct herding_task {
    test_rows rows;
    float features[2 * CLASS_ROWS * WIDTH];
    mn_selection selection;
} herding_task;

static void herding_task_fill(herding_task *t, int32_t task, uint64_t seed)
{
    const int64_t count = 2 * (int64_t)CLASS_ROWS;
    (void)test_rows_fill(&t->rows, task * count, count, 0);
    for (int64_t row = 0; row < count; row++) {
        t->rows.labels[row] = 2 * task + (int32_t)(row % 2);
        t->rows.tasks[row] = task;
        const mn_key key = mn_key_at(mn_key_of(seed, "features"), (uint64_t)(task * count + row));
        for (int64_t d = 0; d < WIDTH; d++) /* an image may leave the network silent */
            t->features[row * WIDTH + d] =
                row % 7 == 0 ? 0 : (float)mn_random_normal(key, (uint64_t)d);
    }
    t->selection = (mn_selection){.rows = &t->rows.batch,
                                  .features = t->features,
                                  .width = WIDTH,
                                  .first_class = 2 * (int64_t)task,
                                  .classes = 2};
}

/* Straight from the paper's line: k of argmin || mu - (sum of chosen + f) / k ||. */
static void herd_by_force(const herding_task *t, int32_t label, int64_t wanted, int64_t *ids)
{
    double f[CLASS_ROWS][WIDTH], mean[WIDTH] = {0}, sum[WIDTH] = {0};
    int64_t id[CLASS_ROWS], n = 0;
    bool used[CLASS_ROWS] = {false};
    for (int64_t row = 0; row < t->rows.batch.count; row++) {
        if (t->rows.labels[row] != label)
            continue;
        double norm = 0;
        for (int64_t d = 0; d < WIDTH; d++)
            norm += pow((double)t->features[row * WIDTH + d], 2);
        for (int64_t d = 0; d < WIDTH; d++) {
            f[n][d] = norm > 0 ? (double)t->features[row * WIDTH + d] / sqrt(norm) : 0;
            mean[d] += f[n][d] / (double)CLASS_ROWS;
        }
        id[n++] = t->rows.indices[row];
    }
    for (int64_t k = 1; k <= wanted; k++) {
        int64_t best = -1;
        double least = HUGE_VAL;
        for (int64_t i = 0; i < n; i++) {
            double distance = 0;
            for (int64_t d = 0; d < WIDTH; d++)
                distance += pow(mean[d] - (sum[d] + f[i][d]) / (double)k, 2);
            if (!used[i] && distance < least) {
                least = distance;
                best = i;
            }
        }
        used[best] = true;
        ids[k - 1] = id[best];
        for (int64_t d = 0; d < WIDTH; d++)
            sum[d] += f[best][d];
    }
}

/* That a class holds exactly ids[0..count), in ascending slots. */
static void check_class(const mn_buffer *buffer, int32_t label, const int64_t *ids, int64_t count)
{
    ck_assert_int_eq(mn_buffer_count_label(buffer, label), count);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(row_in(buffer, mn_buffer_slot_of_label(buffer, label, i)), ids[i]);
}

START_TEST(herding_is_the_papers_and_shrinks_to_the_best_ranked)
{
    static herding_task tasks[3];
    for (uint64_t seed = 0; seed < 20; seed++) {
        mn_buffer *buffer = test_buffer(policy_named("herding"), 23, 6, seed);
        for (int32_t task = 0; task < 3; task++) {
            herding_task_fill(&tasks[task], task, seed);
            ck_assert_ok(mn_buffer_offer(buffer, &tasks[task].rows.batch));
            ck_assert_int_eq(mn_buffer_used(buffer), task == 0 ? 0 : 23);
            ck_assert_ok(mn_buffer_select(buffer, &tasks[task].selection));
            /* 23 rows among 2, 4 and 6 classes: 12 11; 6 6 6 5; 4 4 4 4 4 3. */
            const int64_t classes = 2 * (task + 1);
            ck_assert_int_eq(mn_buffer_used(buffer), 23);
            for (int32_t label = 0; label < classes; label++) {
                int64_t ids[CLASS_ROWS];
                const int64_t quota = 23 / classes + (label < 23 % classes);
                herd_by_force(&tasks[label / 2], label, quota, ids);
                check_class(buffer, label, ids, quota);
            }
        }
        mn_buffer_free(buffer);
    }
}
END_TEST

START_TEST(herding_takes_the_first_of_equals_and_minds_no_zero_features)
{
    static herding_task t;
    herding_task_fill(&t, 0, 1);
    memset(t.features, 0, sizeof t.features);
    mn_buffer *buffer = test_buffer(policy_named("herding"), 6, 2, 1);
    ck_assert_ok(mn_buffer_select(buffer, &t.selection));
    const int64_t even[] = {0, 2, 4}, odd[] = {1, 3, 5};
    check_class(buffer, 0, even, 3);
    check_class(buffer, 1, odd, 3);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(herding_keeps_to_the_budget_when_classes_are_small_or_many)
{
    static herding_task t;
    mn_buffer *roomy = test_buffer(policy_named("herding"), 100, 2, 1);
    herding_task_fill(&t, 0, 1);
    ck_assert_ok(mn_buffer_select(roomy, &t.selection));
    ck_assert_int_eq(mn_buffer_used(roomy), 2 * CLASS_ROWS); /* the rest stays free */
    mn_buffer_free(roomy);
    mn_buffer *tiny = test_buffer(policy_named("herding"), 3, 6, 1);
    for (int32_t task = 0; task < 3; task++) {
        herding_task_fill(&t, task, 1);
        ck_assert_ok(mn_buffer_select(tiny, &t.selection));
        ck_assert_int_le(mn_buffer_used(tiny), 3);
    }
    for (int32_t label = 0; label < 6; label++) /* a row each for the first three */
        ck_assert_int_eq(mn_buffer_count_label(tiny, label), label < 3);
    mn_buffer_free(tiny);
}
END_TEST

START_TEST(herding_refuses_what_it_cannot_do)
{
    static herding_task t;
    mn_buffer *buffer = test_buffer(policy_named("herding"), 6, 2, 1);
    herding_task_fill(&t, 0, 1);
    t.selection.features = NULL;
    ck_assert_fails(mn_buffer_select(buffer, &t.selection), MN_OUT_OF_ORDER, "features");
    t.selection.features = t.features;
    t.selection.classes = 3;
    ck_assert_fails(mn_buffer_select(buffer, &t.selection), MN_BAD_VALUE, "of 2 in the stream");
    t.selection.classes = 2;
    t.features[3] = NAN;
    ck_assert_fails(mn_buffer_select(buffer, &t.selection), MN_NOT_FINITE, "class 0");
    t.features[3] = 1;
    ck_assert_ok(mn_buffer_select(buffer, &t.selection));
    ck_assert_fails(mn_buffer_select(buffer, &t.selection), MN_UNSUPPORTED, "more than one task");
    mn_buffer_free(buffer);
}
END_TEST

/* --- tasks --- */

static mn_status end_task(mn_buffer *buffer, int32_t task, int64_t first, int64_t count)
{
    static test_rows rows;
    (void)test_rows_fill(&rows, first, count, 0);
    for (int64_t i = 0; i < count; i++)
        rows.tasks[i] = task;
    return mn_buffer_select(buffer, &(mn_selection){.rows = &rows.batch, .classes = 2});
}

/* How many rows there are of images first..first + count - 1. */
static int64_t rows_among(const mn_buffer *buffer, int64_t first, int64_t count)
{
    int64_t found = 0;
    for (int64_t i = 0, slot; (slot = mn_buffer_slot_of_label(buffer, 0, i)) >= 0; i++)
        found += row_in(buffer, slot) >= first && row_in(buffer, slot) < first + count;
    return found;
}

START_TEST(tasks_share_the_buffer_equally_and_keep_random_samples)
{
    int64_t kept[30] = {0};
    for (uint64_t trial = 0; trial < 300; trial++) {
        mn_buffer *buffer = test_buffer(policy_named("tasks"), 10, 2, trial);
        ck_assert_ok(end_task(buffer, 0, 0, 30));
        ck_assert_int_eq(mn_buffer_used(buffer), 10);
        ck_assert_ok(end_task(buffer, 1, 100, 30));
        ck_assert_int_eq(rows_among(buffer, 0, 30), 5);
        ck_assert_int_eq(rows_among(buffer, 100, 30), 5);
        ck_assert_ok(end_task(buffer, 2, 200, 2)); /* smaller than its share */
        ck_assert_int_eq(rows_among(buffer, 0, 30), 4);
        ck_assert_int_eq(rows_among(buffer, 100, 30), 3);
        ck_assert_int_eq(rows_among(buffer, 200, 2), 2);
        for (int64_t row = 0; row < 30; row++)
            kept[row] += rows_among(buffer, row, 1);
        mn_buffer_free(buffer);
    }
    for (int row = 0; row < 30; row++) { /* 40 +- 5.9 of 300 */
        ck_assert_int_ge(kept[row], 14);
        ck_assert_int_le(kept[row], 66);
    }
}
END_TEST

START_TEST(classes_may_share_the_buffer_from_the_start)
{
    static test_rows rows;
    const int64_t by_classes = 1; /* the policy's only option */
    const mn_buffer_spec spec = {.capacity = 11,
                                 .image = MN_SHAPE(1, 2, 2),
                                 .classes = 4,
                                 .policy = policy_named("tasks"),
                                 .options = &by_classes,
                                 .key = mn_key_of(3, "buffer")};
    mn_buffer *buffer;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    ck_assert_ok(mn_buffer_add_column(buffer, "logits", ROW_LOGITS));
    for (int32_t task = 0; task < 2; task++) {
        (void)test_rows_fill(&rows, 100 * task, 30, 0);
        for (int row = 0; row < 30; row++)
            rows.labels[row] = 2 * task + row % 2;
        const mn_selection selection = {
            .rows = &rows.batch, .first_class = 2 * (int64_t)task, .classes = 2};
        ck_assert_ok(mn_buffer_select(buffer, &selection));
        ck_assert_fails(mn_buffer_select(buffer, &selection), MN_UNSUPPORTED, "more than one task");
    }
    for (int32_t label = 0; label < 4; label++)
        ck_assert_int_eq(mn_buffer_count_label(buffer, label), label < 3 ? 3 : 2);
    mn_buffer_free(buffer);
}
END_TEST

/* --- first --- */

static mn_status end_classes(mn_buffer *buffer, int32_t first_class, int64_t first, int64_t each)
{
    static test_rows rows;
    (void)test_rows_fill(&rows, first, 2 * each, 0);
    for (int64_t i = 0; i < 2 * each; i++) {
        rows.labels[i] = first_class + (int32_t)(i % 2);
        rows.tasks[i] = first_class / 2;
    }
    return mn_buffer_select(
        buffer, &(mn_selection){.rows = &rows.batch, .first_class = first_class, .classes = 2});
}

START_TEST(first_keeps_everything_that_fits_and_then_the_first_of_each_class)
{
    mn_buffer *buffer = test_buffer(policy_named("first"), 14, 6, 1);
    ck_assert_ok(end_classes(buffer, 0, 0, 6)); /* all fit, more than an equal share of 14 */
    ck_assert_int_eq(mn_buffer_used(buffer), 12);
    ck_assert_ok(end_classes(buffer, 2, 100, 6)); /* shares of 3, and the first two have one more */
    for (int32_t label = 0; label < 4; label++)
        ck_assert_int_eq(mn_buffer_count_label(buffer, label), label < 2 ? 4 : 3);
    for (int64_t i = 0; i < 3; i++) { /* the first of each, in their order */
        ck_assert_int_eq(row_in(buffer, mn_buffer_slot_of_label(buffer, 0, i)), 2 * i);
        ck_assert_int_eq(row_in(buffer, mn_buffer_slot_of_label(buffer, 3, i)), 101 + 2 * i);
    }
    ck_assert_ok(end_classes(buffer, 4, 200, 1)); /* a share of 2, of which a small class leaves */
    for (int32_t label = 0; label < 6; label++)
        ck_assert_int_eq(mn_buffer_count_label(buffer, label), label < 2 ? 3 : label < 4 ? 2 : 1);
    mn_buffer_free(buffer);
}
END_TEST

/* --- greedy --- */

START_TEST(greedy_takes_the_first_of_each_class_up_to_its_share)
{
    mn_buffer *buffer = test_buffer(policy_named("greedy"), 10, 4, 1);
    offer(buffer, 0, 50, 0);
    ck_assert_int_eq(rows_among(buffer, 0, 10), 10); /* the first come, and stay */
    offer(buffer, 100, 50, 1);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 0), 5);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 1), 5);
    offer(buffer, 200, 1, 3); /* a rare class */
    offer(buffer, 300, 50, 2);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 3), 1);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 2), 3);
    ck_assert_int_eq(mn_buffer_used(buffer), 10);
    offer(buffer, 400, 3, -1);
    ck_assert_int_eq(mn_buffer_count_label(buffer, -1), 0);
    mn_buffer_free(buffer);
    mn_buffer *tiny = test_buffer(policy_named("greedy"), 2, 4, 1);
    for (int32_t label = 0; label < 4; label++)
        offer(tiny, label, 1, label);
    ck_assert_int_eq(mn_buffer_count_label(tiny, 0) + mn_buffer_count_label(tiny, 1), 2);
    mn_buffer_free(tiny);
}
END_TEST

START_TEST(every_policy_is_registered_and_cited)
{
    const char *const names[] = {"balanced",  "first", "greedy", "herding",
                                 "reservoir", "ring",  "tasks"};
    for (int i = 0; i < 6; i++) {
        const mn_policy *policy = policy_named(names[i]);
        ck_assert_ptr_nonnull(policy->cite);
        ck_assert_ptr_nonnull(policy->summary);
        ck_assert((policy->place != NULL) != (policy->select != NULL));
    }
}
END_TEST

MN_SUITE("policies", balanced_shares_the_slots_equally_among_the_large,
         balanced_samples_each_class_uniformly, balanced_breaks_ties_between_the_largest_by_chance,
         ring_keeps_the_latest_of_each_class, ring_with_fewer_slots_than_classes_shares_them,
         ring_lets_unlabelled_images_go, herding_is_the_papers_and_shrinks_to_the_best_ranked,
         herding_takes_the_first_of_equals_and_minds_no_zero_features,
         herding_keeps_to_the_budget_when_classes_are_small_or_many,
         herding_refuses_what_it_cannot_do, tasks_share_the_buffer_equally_and_keep_random_samples,
         classes_may_share_the_buffer_from_the_start,
         first_keeps_everything_that_fits_and_then_the_first_of_each_class,
         greedy_takes_the_first_of_each_class_up_to_its_share, every_policy_is_registered_and_cited)
