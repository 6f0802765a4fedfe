/* Augmentation and order in whole runs: what each switch reaches, and what it must not. */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/strategy.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Finetune whose evaluation sees every image moved by as much as the augmentation may move it. */
static mn_status moved_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static mn_var *moved_scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const int64_t pixels = mn_shape_count(batch->image), by = 6;
    float *x = malloc((size_t)(batch->count * pixels + 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (int64_t i = 0; i < batch->count * pixels; i++)
        x[i] = i % pixels >= by ? batch->x[i - by] : 0;
    mn_var *images = mn_input(
        tape, MN_SHAPE(batch->count, 1, batch->image.size[1], batch->image.size[2]), x, false);
    free(x);
    return mn_network_forward(mn_learner_network(learner), images, MN_EVAL | MN_NO_GRADIENT).logits;
}

static const mn_strategy moved_evaluation = {
    MN_STRATEGY_HEADER, .name = "moved-evaluation", .summary = "Evaluates images that were moved.",
    .loss = moved_loss, .scores = moved_scores,
};

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
    /* Images that are moved would have been noticed. */
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &moved_evaluation));
    snprintf(path[2], sizeof path[2], "%s/2.mneme", folder);
    test_run("split-synthetic", "moved-evaluation", still, path[2]);
    ck_assert_int_ne(test_query(path[0], sums[0]), test_query(path[2], sums[0]));
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
