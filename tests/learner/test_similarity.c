/* Linear centred kernel alignment: its value by hand, what it does not see, and when it is noted.
 */
#include "learner/retrieval.h"
#include "learner/similarity.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/ops.h>
#include <stdio.h>
#include <unistd.h>

static mn_tape *tape;

static mn_var *rows(int64_t count, int64_t width, const float *values)
{
    return mn_input(tape, MN_SHAPE(count, width), values, false);
}

START_TEST(alignment_sees_neither_turns_nor_scales_nor_shifts)
{
    ck_assert_ok(mn_tape_new(&tape));
    static const float x[] = {1, 2, -1, 0, 3, 1, 0, -2};
    float turned[8]; /* a quarter turn, three times as large, shifted */
    for (int i = 0; i < 4; i++) {
        turned[2 * i] = 5 - 3 * x[2 * i + 1];
        turned[2 * i + 1] = 3 * x[2 * i] - 7;
    }
    ck_assert_double_eq_tol(mn_item(mn_linear_cka(rows(4, 2, x), rows(4, 2, turned))), 1, 1e-6);
    mn_tape_free(tape);
}
END_TEST

/* x = (1 -1 0 0), (0 0 1 -1) and y = (1 -1 1 -1): X'X = 2 I, Y'Y = 4, Y'X = (2 2), so that it is
 * 8 / (sqrt(8) 4); with (1 1 -1 -1), Y'X is 0. */
START_TEST(alignment_is_what_was_worked_out_by_hand)
{
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *x = rows(4, 2, (float[]){1, 0, -1, 0, 0, 1, 0, -1});
    mn_var *y = rows(4, 1, (float[]){1, -1, 1, -1});
    ck_assert_double_eq_tol(mn_item(mn_linear_cka(x, y)), 0.70710678, 1e-6);
    ck_assert_double_eq_tol(mn_item(mn_linear_cka(y, x)), 0.70710678, 1e-6);
    mn_var *none = rows(4, 1, (float[]){1, 1, -1, -1});
    ck_assert_double_eq_tol(mn_item(mn_linear_cka(x, none)), 0, 1e-6);
    mn_tape_free(tape);
}
END_TEST

/* Eight images of two features. */
static const float eight[] = {1, 2, -1, 0, 3, 1, 0, -2, 2, 2, -3, 1, 0, 1, -2, -5};

/* y = (x1 + x2, x1, 3 x2) + 1 follows from x; a y that is the same for all pairs of images does
 * not say which of a pair is meant, and the first is taken; what does not vary says nothing. */
START_TEST(retrieval_is_whole_where_a_map_is_linear)
{
    double share = -1;
    float y[24], twice[8];
    ck_assert_ok(mn_tape_new(&tape));
    for (int i = 0; i < 8; i++) {
        y[3 * i] = eight[2 * i] + eight[2 * i + 1] + 1;
        y[3 * i + 1] = eight[2 * i] + 1;
        y[3 * i + 2] = 3 * eight[2 * i + 1] + 1;
        twice[i] = (float)(i / 2);
    }
    mn_var *x = rows(8, 2, eight), *z = rows(8, 3, y);
    ck_assert_ok(mn_retrieval(x, z, x, z, &share));
    ck_assert_double_eq(share, 1);
    mn_var *pairs = rows(8, 1, twice);
    ck_assert_ok(mn_retrieval(pairs, z, pairs, z, &share));
    ck_assert_double_le(share, 0.5);
    static const float none[8];
    mn_var *still = rows(8, 1, none);
    ck_assert_ok(mn_retrieval(still, z, still, z, &share));
    ck_assert(isnan(share));
    mn_tape_free(tape);
}
END_TEST

/* What does not move is like itself; whoever keeps no snapshot is not measured. */
START_TEST(runs_with_a_snapshot_note_it_after_every_task_but_the_first)
{
    static const test_setting still[] = {{"lr", "0"}, {NULL, NULL}}, none[] = {{NULL, NULL}};
    static const char count[] = "SELECT count(*) FROM scalar WHERE phase = 'similarity'";
    static const char whole[] = "SELECT count(*) FROM scalar WHERE phase = 'similarity' AND "
                                "abs(value - 1) < 1e-5";
    static const char moved[] = "SELECT count(*) FROM scalar WHERE name = 'cka/lwf/old' AND "
                                "value > 0 AND value < 0.9999 AND task > 0";
    char path[600];
    snprintf(path, sizeof path, "%s/run.mneme", test_folder("similarity"));
    test_run("split-synthetic", "er+crd", still, path);
    ck_assert_int_eq(test_query(path, count), 2);
    ck_assert_int_eq(test_query(path, whole), 2);
    test_run("split-synthetic", "finetune+lwf", none, path);
    ck_assert_int_eq(test_query(path, moved), 2);
    test_run("split-synthetic", "er", none, path);
    ck_assert_int_eq(test_query(path, count), 0);
    test_remove(path);
    (void)rmdir(test_folder("similarity"));
}
END_TEST

MN_SUITE("similarity", alignment_sees_neither_turns_nor_scales_nor_shifts,
         alignment_is_what_was_worked_out_by_hand, retrieval_is_whole_where_a_map_is_linear,
         runs_with_a_snapshot_note_it_after_every_task_but_the_first)
