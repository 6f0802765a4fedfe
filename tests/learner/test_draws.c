/* Draws by key, asked inside runs: negatives, whole numbers, rows of a class. */
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "tests/learner/inside.h"
#include "tests/suite.h"

/* --- draws --- */

static mn_status drawing_open(mn_learner *learner)
{
    ck_assert_int_eq(mn_train_images(learner, MN_NO_TASK), 6 * 20);
    for (int64_t task = 0; task < 3; task++)
        ck_assert_int_eq(mn_train_images(learner, task), 2 * 20);
    ck_assert_int_eq(mn_train_images(learner, 3), 0);
    return MN_OK;
}

/* Each row has `wanted` negatives, none more than once more often than another. */
static void check_negatives(mn_learner *learner, const mn_batch *now, int64_t wanted)
{
    const int64_t *drawn = mn_draw_other_classes(learner, "negatives", now, wanted);
    const int64_t *again = mn_draw_other_classes(learner, "negatives", now, wanted);
    const int64_t *other = mn_draw_other_classes(learner, "others", now, wanted);
    const size_t bytes = (size_t)(now->count * wanted) * sizeof *drawn;
    ck_assert_mem_eq(drawn, again, bytes);
    ck_assert_mem_ne(drawn, other, bytes);
    for (int64_t row = 0; row < now->count; row++) {
        int64_t times[6 * 20] = {0}, least = wanted, most = 0;
        for (int64_t i = 0; i < wanted; i++) {
            const int64_t place = drawn[row * wanted + i];
            const int64_t label = mn_stream_true_label(learner->stream, MN_PART_TRAIN, place);
            ck_assert_int_ne(label, now->labels[row]);
            ck_assert_int_eq(label / 2, mn_task(learner));
            times[place]++;
        }
        for (int64_t place = 0; place < 6 * 20; place++) {
            const int64_t label = mn_stream_true_label(learner->stream, MN_PART_TRAIN, place);
            if (label / 2 != mn_task(learner) || label == now->labels[row])
                continue;
            least = times[place] < least ? times[place] : least;
            most = times[place] > most ? times[place] : most;
        }
        ck_assert_int_le(most - least, 1);
    }
}

static void check_numbers(mn_learner *learner)
{
    const int64_t *seven = mn_draw_int(learner, "seven", 7, 700);
    const int64_t *again = mn_draw_int(learner, "seven", 7, 700);
    const int64_t *none = mn_draw_int(learner, "none", 1, 5);
    int times[7] = {0};
    ck_assert_mem_eq(seven, again, 700 * sizeof *seven);
    for (int i = 0; i < 700; i++) {
        ck_assert_int_ge(seven[i], 0);
        ck_assert_int_lt(seven[i], 7);
        times[seven[i]]++;
    }
    for (int i = 0; i < 7; i++) /* 100 expected, with a deviation of 9 */
        ck_assert(times[i] > 50 && times[i] < 150);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(none[i], 0);
}

static void check_rows_of_class(mn_learner *learner)
{
    const int64_t first = 2 * mn_task(learner);
    for (int64_t label = first; label < first + 2; label++) {
        const mn_batch *rows = mn_draw_stream_of_class(learner, "rows", label, 8);
        ck_assert_int_eq(rows->count, 8);
        ck_assert_int_eq(rows->stream_rows, 8);
        for (int i = 0; i < 8; i++) {
            ck_assert_int_eq(rows->labels[i], label);
            for (int j = 0; j < i; j++)
                ck_assert_int_ne(rows->indices[i], rows->indices[j]);
        }
        ck_assert_int_eq(mn_draw_stream_of_class(learner, "all", label, 1000)->count, 20);
    }
    ck_assert_int_eq(mn_draw_stream_of_class(learner, "of another task", (first + 2) % 6, 5)->count,
                     0);
}

static mn_status drawing_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    check_negatives(learner, now, 5);
    check_negatives(learner, now, 20);
    check_negatives(learner, now, 47);
    check_numbers(learner);
    check_rows_of_class(learner);
    inside_asked++;
    return inside_plain_loss(learner, now);
}

static const mn_strategy drawing = {MN_STRATEGY_HEADER, .name = "drawing", .open = drawing_open,
                                    .loss = drawing_loss};

static mn_status misdrawing_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    ck_assert_ptr_null(mn_draw_int(learner, "nothing", 0, 1));
    return inside_plain_loss(learner, now);
}

static const mn_strategy misdrawing = {MN_STRATEGY_HEADER, .name = "misdrawing",
                                       .loss = misdrawing_loss};

static mn_status twice_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    (void)mn_draw_stream_of_class(learner, "rows", now->labels[0], 2);
    (void)mn_draw_stream_of_class(learner, "rows", now->labels[0], 2);
    return inside_plain_loss(learner, now);
}

static const mn_strategy twice = {MN_STRATEGY_HEADER, .name = "twice", .loss = twice_loss};

START_TEST(negatives_and_numbers_are_drawn_by_key)
{
    inside_begin("uses-draws");
    inside_run(&drawing, "drawing", inside_few);
    ck_assert_int_eq(inside_asked, 3 * 4);
    inside_refused(&misdrawing, "misdrawing", MN_BAD_VALUE, "expected a bound of 1 or more");
    inside_refused(&twice, "twice", MN_OUT_OF_ORDER, "'rows' is drawn twice in one step");
    inside_end("uses-draws");
}
END_TEST

MN_SUITE("draws", negatives_and_numbers_are_drawn_by_key)
