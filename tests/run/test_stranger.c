/* A run file may come from a stranger: what its schema would do beside keeping rows is not done. */
#include "tests/run_files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <mneme/results.h>
#include <sqlite3.h>

static const test_setting small[] = {{"dataset.train_per_class", "12"},
                                     {"dataset.test_per_class", "5"},
                                     {"buffer_size", "10"},
                                     {NULL, NULL}};

static bool stop_in_second_task(void *steps)
{
    return ++*(int *)steps == 5;
}

static void begin_run(void)
{
    int steps = 0;
    const mn_observer observer = {.context = &steps, .stop = stop_in_second_task};
    scratch_new();
    mn_experiment *experiment = test_experiment("split-synthetic", "er", small);
    ck_assert_int_eq(mn_experiment_run(experiment, scratch_path, &observer), MN_INTERRUPTED);
    mn_experiment_free(experiment);
}

static void plant(const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(scratch_path, &database), SQLITE_OK);
    const int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void plant_trigger(const char *table, const char *change)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "CREATE TRIGGER \"%s of %s\" AFTER %s ON %s BEGIN INSERT INTO done VALUES (1); END",
             change, table, change, table);
    plant(sql);
}

START_TEST(triggers_do_nothing)
{
    static const char *const changes[] = {"INSERT", "UPDATE", "DELETE"};
    static const char *const tables[] = {"run",      "tensor", "evaluation", "cursor",
                                         "exemplar", "mark",   "digest",     "kept"};
    static const char count[] = "SELECT count(*) FROM done";
    mn_results *results;
    begin_run();
    plant("CREATE TABLE done (what)");
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
            plant_trigger(tables[t], changes[i]);
    ck_assert_ok(mn_results_open(scratch_path, &results));
    mn_results_free(results);
    ck_assert_ok(mn_resume(scratch_path, NULL));
    ck_assert_int_eq(test_query(scratch_path, count), 0);
    plant("UPDATE cursor SET task = task"); /* they are there still */
    ck_assert_int_eq(test_query(scratch_path, count), 1);
    scratch_remove();
}
END_TEST

static double metric(const char *name)
{
    mn_results *results;
    ck_assert_ok(mn_results_open(scratch_path, &results));
    const double value = mn_results_metric(results, name, MN_CLASS_IL);
    mn_results_free(results);
    return value;
}

START_TEST(a_metric_is_computed_by_no_view_of_the_file)
{
    begin_run();
    ck_assert_ok(mn_resume(scratch_path, NULL));
    const double value = metric("average_accuracy");
    ck_assert(value < 100);
    plant("DROP VIEW average_accuracy;"
          "CREATE VIEW average_accuracy AS SELECT 'class-il' AS scope, 100.0 AS value");
    ck_assert_double_eq(metric("average_accuracy"), value);
    scratch_remove();
}
END_TEST

START_TEST(a_view_in_the_place_of_a_table_is_refused)
{
    mn_results *results;
    begin_run();
    plant("ALTER TABLE evaluation RENAME TO moved;"
          "CREATE VIEW evaluation AS SELECT * FROM moved");
    ck_assert_fails(mn_results_open(scratch_path, &results), MN_CORRUPT, "evaluation");
    ck_assert_fails(mn_resume(scratch_path, NULL), MN_CORRUPT, "evaluation");
    scratch_remove();
}
END_TEST

MN_SUITE("stranger", triggers_do_nothing, a_metric_is_computed_by_no_view_of_the_file,
         a_view_in_the_place_of_a_table_is_refused)
