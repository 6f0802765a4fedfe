/* Augmentation and order in whole runs: what each switch reaches, and what it must not. */
#include "tests/run_files.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *folder;
static char path[3][600];

/* Runs `er` with up to two settings and gives the number of right answers of all evaluations. */
static long long run(int which, const char *key, const char *value, const char *second,
                     const char *second_value)
{
    const test_setting settings[] = {
        {"lr", "0.1"}, {key, value}, {second, second_value}, {NULL, NULL}};
    snprintf(path[which], sizeof path[which], "%s/%d.mneme", folder, which);
    test_run("split-synthetic", "er", settings, path[which]);
    return test_query(path[which], "SELECT sum(correct) FROM evaluation");
}

static void remove_all(void)
{
    for (int i = 0; i < 3; i++)
        test_remove(path[i]);
    (void)rmdir(folder);
}

START_TEST(evaluation_is_never_augmented)
{
    folder = test_folder("augment-evaluation");
    const test_setting still[] = {{"lr", "0"}, {NULL, NULL}};
    const test_setting moved[] = {
        {"lr", "0"}, {"augment.pad", "6"}, {"augment.flip", "true"}, {NULL, NULL}};
    for (int i = 0; i < 2; i++) { /* the weights stay as they began: only images could differ */
        snprintf(path[i], sizeof path[i], "%s/%d.mneme", folder, i);
        test_run("split-synthetic", "finetune", i == 0 ? still : moved, path[i]);
    }
    const char *const sums[] = {"SELECT sum(correct * (on_task + 1)) FROM evaluation",
                                "SELECT sum(correct) FROM evaluation"};
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(test_query(path[0], sums[i]), test_query(path[1], sums[i]));
    remove_all();
}
END_TEST

START_TEST(without_augment_a_run_is_one_that_asked_for_none)
{
    folder = test_folder("augment-none");
    run(0, "augment.pad", "2", "augment", "false");
    run(1, NULL, NULL, NULL, NULL);
    test_same_run(path[0], path[1]);
    ck_assert_int_ne(run(2, "augment.pad", "2", NULL, NULL),
                     test_query(path[1], "SELECT sum(correct) FROM evaluation"));
    remove_all();
}
END_TEST

START_TEST(without_shuffle_images_come_as_they_are_stored)
{
    folder = test_folder("augment-order");
    run(0, "shuffle", "false", "buffer_size", "100000");
    /* The buffer keeps everything in the order of its coming: places rise within each task. */
    ck_assert_int_eq(test_query(path[0],
                                "SELECT count(*) FROM exemplar a JOIN exemplar b ON b.slot "
                                "= a.slot + 1 AND a.task = b.task AND a.source > b.source"),
                     0);
    run(1, "shuffle", "true", "buffer_size", "100000");
    ck_assert_int_gt(test_query(path[1],
                                "SELECT count(*) FROM exemplar a JOIN exemplar b ON b.slot "
                                "= a.slot + 1 AND a.task = b.task AND a.source > b.source"),
                     100);
    run(2, "shuffle", "false", "buffer_size", "100000");
    test_same_run(path[0], path[2]);
    remove_all();
}
END_TEST

MN_SUITE("augment", evaluation_is_never_augmented, without_augment_a_run_is_one_that_asked_for_none,
         without_shuffle_images_come_as_they_are_stored)
