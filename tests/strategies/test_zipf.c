/* Zipf's label smoothing: what is refused, and what it logs of old classes. */
#include "tests/run_files.h"
#include "tests/suite.h"

#include <stdio.h>
#include <unistd.h>

static char path[600];

static void begin(void)
{
    snprintf(path, sizeof path, "%s/run.mneme", test_folder("zipf"));
}

static void end(void)
{
    test_remove(path);
    (void)rmdir(test_folder("zipf"));
}

static void ck_refused(const char *strategies, const test_setting *settings, const char *why)
{
    mn_experiment *experiment = test_experiment("maps-synthetic", strategies, settings);
    test_remove(path);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_UNSUPPORTED, why);
    mn_experiment_free(experiment);
}

/* There is no file of a run that has not begun. */
static void ck_refused_at_once(const char *strategies, const test_setting *settings,
                               const char *why)
{
    ck_refused(strategies, settings, why);
    ck_assert_int_ne(access(path, F_OK), 0);
}

START_TEST(who_has_no_votes_is_refused)
{
    begin();
    static const test_setting mlp[] = {{"network.name", "mlp"}, {NULL, NULL}};
    static const test_setting flat[] = {{"network.name", "convnet"}, {NULL, NULL}};
    static const test_setting cosines[] = {{"network.head", "cosine"}, {NULL, NULL}};
    static const test_setting layers[] = {{"network.head", "multi"}, {NULL, NULL}};
    ck_refused_at_once("finetune+zipf", mlp, "has no map before pooling");
    ck_refused_at_once("finetune+zipf", flat, "so positions cannot vote");
    ck_refused_at_once("finetune+zipf", cosines, "is not one linear layer");
    ck_refused_at_once("er+zipf", layers, "is not one linear layer");
    end();
}
END_TEST

START_TEST(one_class_alone_has_no_other_to_smooth_over)
{
    begin();
    static const test_setting alone[] = {{"stream.tasks", "2"},
                                         {"stream.task_classes", "1,5"},
                                         {"er.classes", "seen"},
                                         {NULL, NULL}};
    ck_refused("er+zipf", alone, "among one class");
    ck_refused("er+smooth", alone, "among one class");
    end();
}
END_TEST

/* Of replayed rows and of the first task there is none. */
START_TEST(the_share_of_old_classes_is_logged_from_the_second_task_on)
{
    begin();
    static const test_setting every[] = {{"log_every", "1"}, {NULL, NULL}};
    test_run("maps-synthetic", "derpp+zipf", every, path);
    static const char of_old[] = "SELECT count(*) FROM scalar WHERE name = 'zipf/old_share'";
    ck_assert_int_eq(test_query(path, of_old),
                     test_query(path, "SELECT count(*) FROM scalar WHERE name = 'zipf/zipf' AND "
                                      "task > 0"));
    ck_assert_int_gt(test_query(path, of_old), 0);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'zipf/old_share' "
                                      "AND NOT (value > 0 AND value < 1)"),
                     0);
    end();
}
END_TEST

MN_SUITE("zipf", who_has_no_votes_is_refused, one_class_alone_has_no_other_to_smooth_over,
         the_share_of_old_classes_is_logged_from_the_second_task_on)
