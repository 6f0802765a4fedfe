/* Validation images beside the test set, and what follows from them: the end of a
 * phase, a plateau, the best weights. */
#include "base/registry.h"
#include "tests/learner/inside.h"
#include "tests/suite.h"

#include <mneme/results.h>
#include <stdio.h>

/* --- validation beside the test set --- */

static const test_setting beside[] = {{"dataset.train_per_class", "20"},
                                      {"dataset.test_per_class", "5"},
                                      {"validation", "0.2"},
                                      {"validation_beside", "true"},
                                      {"epochs", "3"},
                                      {NULL, NULL}};

static mn_validation last; /* at the end of a task */

static mn_status judging_after_task(mn_learner *learner)
{
    ck_assert_ok(mn_validate(learner, &last));
    ck_assert_int_eq(last.images, 2 * 4);
    ck_assert(last.loss > 0 && last.accuracy >= 0 && last.accuracy <= 100);
    ck_assert_int_eq(mn_train_images(learner, mn_task(learner)), 2 * 16);
    inside_asked++;
    return mn_note(learner, "accuracy", last.accuracy);
}

static const mn_strategy judging = {MN_STRATEGY_HEADER, .name = "judging",
                                    .after_task = judging_after_task};

static mn_status hasty_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_validation unseen;
    (void)tape;
    MN_TRY(inside_plain_loss(learner, now));
    return mn_validate(learner, &unseen);
}

static const mn_strategy hasty = {MN_STRATEGY_HEADER, .name = "hasty", .loss = hasty_loss};

static mn_status blind_open(mn_learner *learner)
{
    return mn_check_validation(learner);
}

static const mn_strategy blind = {MN_STRATEGY_HEADER, .name = "blind", .open = blind_open,
                                  .loss = inside_loss};

START_TEST(validation_images_stand_beside_the_test_set)
{
    inside_begin("uses-validation");
    inside_run(&judging, "er+judging", beside);
    ck_assert_int_eq(inside_asked, 3);
    const char *const both =
        "SELECT count(*) FROM evaluation WHERE scope = 'class-il' AND total = 10";
    ck_assert_int_gt(test_query(inside_path, both), 0);
    ck_assert_int_eq(
        test_query(inside_path,
                   "SELECT count(*) FROM evaluation WHERE scope = 'validation-class-il' "
                   "AND total = 8"),
        test_query(inside_path, both));
    /* What the strategy was told is what the file has, of every task right after it. */
    ck_assert_int_eq(
        test_query(inside_path,
                   "SELECT count(*) FROM scalar s JOIN evaluation e ON e.after_task = s.task "
                   "AND e.on_task = s.task AND e.scope = 'validation-class-il' "
                   "WHERE s.name = 'accuracy' AND abs(s.value - 100.0 * e.correct / e.total) "
                   "< 1e-9"),
        3);
    /* Outputs and labels of all tasks so far. */
    ck_assert_int_eq(test_query(inside_path, "SELECT count(*) FROM tensor WHERE name LIKE "
                                             "'run/validation/outputs/%' AND shape = '(8,6)'"),
                     6);
    ck_assert_int_eq(test_query(inside_path, "SELECT count(*) FROM tensor WHERE name LIKE "
                                             "'run/validation/labels/%' AND dtype = 'i32'"),
                     3);
    ck_assert_int_eq(test_query(inside_path, "SELECT count(*) FROM output WHERE rows = 10"), 6);
    mn_results *results;
    ck_assert_ok(mn_results_open(inside_path, &results));
    ck_assert(mn_results_has(results, MN_VALIDATION_CLASS_IL));
    ck_assert(mn_results_has(results, MN_VALIDATION_TASK_IL));
    ck_assert(!isnan(mn_results_metric(results, "average_accuracy", MN_VALIDATION_CLASS_IL)));
    ck_assert(isnan(mn_results_metric(results, "forward_transfer", MN_VALIDATION_CLASS_IL)));
    mn_results_free(results);
    inside_refused(&blind, "blind", MN_BAD_OPTION, "set validation, to 0.1 for example");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &hasty));
    mn_experiment *experiment = test_experiment("split-synthetic", "hasty", beside);
    test_remove(inside_path);
    ck_assert_fails(mn_experiment_run(experiment, inside_path, NULL), MN_OUT_OF_ORDER,
                    "mn_validate() inside of a step");
    mn_experiment_free(experiment);
    inside_end("uses-validation");
}
END_TEST

/* With the share in place of the test set nothing has changed: no method may look at it. */
START_TEST(validation_in_place_of_the_test_set_is_not_to_be_looked_at)
{
    static const test_setting instead[] = {
        {"dataset.train_per_class", "20"}, {"validation", "0.2"}, {NULL, NULL}};
    inside_begin("uses-instead");
    test_run("split-synthetic", "finetune", instead, inside_path);
    ck_assert_int_eq(test_query(inside_path, "SELECT count(*) FROM evaluation WHERE total <> 8"),
                     0);
    ck_assert_int_eq(
        test_query(inside_path, "SELECT count(*) FROM evaluation WHERE scope LIKE 'validation%'"),
        0);
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &blind));
    mn_experiment *experiment = test_experiment("split-synthetic", "blind", instead);
    test_remove(inside_path);
    ck_assert_fails(mn_experiment_run(experiment, inside_path, NULL), MN_BAD_OPTION,
                    "validation_beside");
    mn_experiment_free(experiment);
    inside_end("uses-instead");
}
END_TEST

/* --- the end of a phase --- */

static long long steps_of_task(int task)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT count(DISTINCT step) FROM scalar WHERE task = %d AND phase = 'train'", task);
    return test_query(inside_path, sql);
}

static mn_status late_after_task(mn_learner *learner)
{
    return mn_end_phase(learner);
}

static const mn_strategy late = {MN_STRATEGY_HEADER, .name = "late", .loss = inside_loss,
                                 .after_task = late_after_task};

START_TEST(a_phase_ends_when_a_strategy_says_so)
{
    static const test_setting settings[] = {
        {"dataset.train_per_class", "40"}, {"log_every", "1"}, {"early.steps", "5"}, {NULL, NULL}};
    inside_begin("uses-early");
    test_run("split-synthetic", "early", settings, inside_path);
    for (int task = 0; task < 3; task++)
        ck_assert_int_eq(steps_of_task(task), 5);
    inside_refused(&late, "late", MN_OUT_OF_ORDER, "mn_end_phase() outside of a phase's steps");
    inside_end("uses-early");
}
END_TEST

static double noted(const char *name, const char *what, int task)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT 1000000 * %s(value) FROM scalar WHERE task = %d AND name = '%s'", what, task,
             name);
    return (double)test_query(inside_path, sql) / 1e6;
}

START_TEST(a_plateau_lowers_the_rate_and_ends_the_phase)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"},
                                            {"validation", "0.2"},
                                            {"validation_beside", "true"},
                                            {"epochs", "60"},
                                            {"log_every", "1"},
                                            {"schedule.name", "plateau"},
                                            {"schedule.patience", "1"},
                                            {"schedule.factor", "0.5"},
                                            {"schedule.least", "0.3"},
                                            {"schedule.restore", "true"},
                                            {"lr", "0.4"},
                                            {NULL, NULL}};
    inside_begin("uses-plateau");
    test_run("split-synthetic", "finetune", settings, inside_path);
    for (int task = 0; task < 3; task++) {
        ck_assert_double_eq_tol(noted("lr", "max", task), 0.4, 1e-6);
        ck_assert_double_eq_tol(noted("lr", "min", task), 0.2, 1e-6); /* 0.1 is below the least */
        ck_assert_int_lt(steps_of_task(task), 60 * 4);
    }
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", "finetune", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "schedule.name", "plateau"));
    ck_assert_fails(mn_experiment_resolve(experiment), MN_BAD_OPTION, "validation_beside");
    mn_experiment_free(experiment);
    inside_end("uses-plateau");
}
END_TEST

/* --- the best weights --- */

typedef struct best_state {
    mn_best *best;
    mn_tensor *at_best; /* the weights when the third epoch ended */
} best_state;

static mn_status best_open(mn_learner *learner)
{
    best_state *s = mn_state(learner);
    MN_TRY(mn_keep_tensor(learner, "at_best",
                          mn_tensor_shape(mn_network_values(mn_learner_network(learner))),
                          &s->at_best));
    return mn_add_best(learner, "best", mn_learner_network(learner), &s->best);
}

static mn_status best_before_task(mn_learner *learner)
{
    const best_state *s = mn_state(learner);
    mn_best_forget(s->best);
    return mn_best_restore(s->best); /* nothing was offered: nothing happens */
}

static mn_status best_after_epoch(mn_learner *learner)
{
    static const double values[] = {-3, -2, 5, 5, (double)NAN, 4};
    static const int64_t waited[] = {0, 0, 0, 1, 2, 3};
    const best_state *s = mn_state(learner);
    const int64_t epoch = mn_epoch(learner);
    ck_assert_ok(mn_best_offer(s->best, values[epoch]));
    ck_assert_int_eq(mn_best_waited(s->best), waited[epoch]);
    return epoch == 2 ? mn_tensor_copy(s->at_best, mn_network_values(mn_learner_network(learner)))
                      : MN_OK;
}

static mn_status best_after_task(mn_learner *learner)
{
    const best_state *s = mn_state(learner);
    mn_tensor *now = mn_network_values(mn_learner_network(learner));
    MN_TRY(mn_best_restore(s->best));
    MN_TRY(mn_tensor_axpby(s->at_best, -1, now, 1)); /* at_best - now */
    ck_assert_double_eq(mn_tensor_norm(s->at_best), 0);
    inside_asked++;
    return MN_OK;
}

static const mn_strategy best = {
    MN_STRATEGY_HEADER,
    .name = "best",
    .state_size = sizeof(best_state),
    .open = best_open,
    .before_task = best_before_task,
    .loss = inside_loss,
    .after_epoch = best_after_epoch,
    .after_task = best_after_task,
};

START_TEST(the_best_weights_come_back)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"},
                                            {"epochs", "6"},
                                            {"network.batch_norm", "true"},
                                            {"rebuild", "true"},
                                            {"commit_steps", "5"},
                                            {NULL, NULL}};
    inside_begin("uses-best");
    inside_run(&best, "best", settings);
    ck_assert_int_eq(inside_asked, 3);
    inside_end("uses-best");
}
END_TEST

MN_SUITE("validation", validation_images_stand_beside_the_test_set,
         validation_in_place_of_the_test_set_is_not_to_be_looked_at,
         a_phase_ends_when_a_strategy_says_so, a_plateau_lowers_the_rate_and_ends_the_phase,
         the_best_weights_come_back)
