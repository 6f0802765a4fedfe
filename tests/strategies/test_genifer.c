/* Genifer's training of its generator when it diverges: the run stops, says what happened and
 * when, and keeps its last commit; the same run, resumed, comes to the same end. */
#include "strategies/genifer/augment.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Rates and a penalty at which numbers overflow. */
static const test_setting wild[] = {{"genifer.generator_lr", "100"},
                                    {"genifer.gamma", "1000"},
                                    {"genifer.discriminator_lr", "100"},
                                    {NULL, NULL}};
/* A generator that stands still: its images are soon told from real ones. */
static const test_setting one_sided[] = {{"genifer.generator_lr", "0"},
                                         {"genifer.gamma", "0"},
                                         {"genifer.discriminator_lr", "0.1"},
                                         {"genifer.collapsed", "0.3"},
                                         {"genifer.steps", "300"},
                                         {"commit_steps", "50"},
                                         {NULL, NULL}};

/* `committed`: the steps of the generator's training that are kept. */
static void expect_divergence(const test_setting *settings, const char *said, int64_t committed)
{
    char path[600], sql[700];
    const char *folder = test_folder("genifer");
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    mn_experiment *experiment = test_experiment("maps-synthetic", "genifer", settings);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_NOT_FINITE, said);
    mn_experiment_free(experiment);
    ck_assert_ptr_null(strchr(mn_error(), '\n'));
    ck_assert_int_eq(test_query(path, "SELECT task = 0 AND phase = 2 FROM cursor"), 1);
    ck_assert_int_eq(test_query(path, "SELECT phase_step FROM cursor"), committed);
    snprintf(sql, sizeof sql,
             "SELECT (SELECT value FROM run WHERE key = 'status') = 'failed' AND "
             "(SELECT value FROM run WHERE key = 'error') LIKE '%%%s%%'",
             said);
    ck_assert_int_eq(test_query(path, sql), 1);
    ck_assert_fails(mn_resume(path, NULL), MN_NOT_FINITE, said);
    test_remove(path);
    (void)rmdir(folder);
}

START_TEST(a_generator_whose_loss_is_no_number_stops_the_run)
{
    expect_divergence(wild, "task 1, generator: loss term", 0);
}
END_TEST

START_TEST(a_collapsed_discriminator_stops_the_run)
{
    expect_divergence(one_sided, "the discriminator collapsed at step 1", 150);
}
END_TEST

START_TEST(augmentation_follows_what_the_discriminator_knows_by_heart)
{
    ck_assert_double_eq_tol(mn_augmentation_adapted(0.1, 0.75, 1), 0.101, 1e-12);
    ck_assert_double_eq_tol(mn_augmentation_adapted(0.1, -1, 1), 0.099, 1e-12);
    ck_assert_double_eq(mn_augmentation_adapted(0.1, 0.5, 1), 0.1);
    ck_assert_double_eq(mn_augmentation_adapted(0, 0.25, 1), 0);
    ck_assert_double_eq(mn_augmentation_adapted(0.3, 1, 0.3), 0.3);
}
END_TEST

MN_SUITE("genifer", augmentation_follows_what_the_discriminator_knows_by_heart,
         a_generator_whose_loss_is_no_number_stops_the_run, a_collapsed_discriminator_stops_the_run)
