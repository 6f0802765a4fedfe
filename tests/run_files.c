/* run_files.c -- the comparison is made by SQLite itself, table by table, both ways. */
#include "tests/run_files.h"
#include "tests/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const tables[] = {"task",    "evaluation", "output",
                                     "scalar",  "exemplar",   "exemplar_column",
                                     "network", "tensor",     "kept"};

mn_experiment *test_experiment(const char *benchmark, const char *strategy,
                               const test_setting *settings)
{
    mn_experiment *experiment = NULL;
    ck_assert_ok(mn_experiment_new(benchmark, strategy, &experiment));
    for (; settings != NULL && settings->key != NULL; settings++)
        ck_assert_ok(mn_experiment_set(experiment, settings->key, settings->value));
    ck_assert_ok(mn_experiment_resolve(experiment));
    return experiment;
}

void test_run(const char *benchmark, const char *strategy, const test_setting *settings,
              const char *path)
{
    test_remove(path);
    mn_experiment *experiment = test_experiment(benchmark, strategy, settings);
    ck_assert_ok(mn_experiment_run(experiment, path, NULL));
    mn_experiment_free(experiment);
}

static sqlite3 *open_database(const char *path)
{
    sqlite3 *database;
    ck_assert_msg(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK,
                  "%s: %s", path, sqlite3_errmsg(database));
    return database;
}

/* At the first row of an answer. */
static sqlite3_stmt *first_row(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s",
                  sql, sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    return statement;
}

static long long query(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = first_row(database, sql);
    const long long value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

long long test_query(const char *path, const char *sql)
{
    sqlite3 *database = open_database(path);
    const long long value = query(database, sql);
    sqlite3_close(database);
    return value;
}

double test_query_real(const char *path, const char *sql)
{
    sqlite3 *database = open_database(path);
    sqlite3_stmt *statement = first_row(database, sql);
    const double value = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

void test_forget(const char *path, const char *key)
{
    sqlite3 *database;
    char sql[256];
    snprintf(sql, sizeof sql, "DELETE FROM digest; DELETE FROM run WHERE key = '%s'", key);
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_changes(database), 1);
    sqlite3_close(database);
}

/* The names of the columns that must agree: all but surrogate keys. */
static const char *columns_of(const char *table)
{
    return strcmp(table, "tensor") == 0 ? "name, dtype, shape, data" : "*";
}

void test_same_run(const char *one, const char *other)
{
    sqlite3 *database = open_database(one);
    char sql[1024];
    snprintf(sql, sizeof sql, "ATTACH '%s' AS other", other);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const char *table = tables[i], *columns = columns_of(table);
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT count(*) FROM (SELECT %s FROM main.%s EXCEPT SELECT %s FROM "
                 "other.%s)) + (SELECT count(*) FROM (SELECT %s FROM other.%s EXCEPT SELECT %s "
                 "FROM main.%s))",
                 columns, table, columns, table, columns, table, columns, table);
        const long long different = query(database, sql);
        ck_assert_msg(different == 0, "%s and %s: %lld rows of table %s differ", one, other,
                      different, table);
    }
    ck_assert_int_gt(query(database, "SELECT count(*) FROM tensor"), 0);
    ck_assert_int_eq(query(database, "SELECT (SELECT value FROM main.run WHERE key = 'images') IS "
                                     "(SELECT value FROM other.run WHERE key = 'images')"),
                     1);
    sqlite3_close(database);
}

const char *test_benchmark_of(const char *strategy)
{
    const bool maps = strcmp(strategy, "genifer") == 0 || strcmp(strategy, "zipf") == 0;
    if (strcmp(strategy, "pad") == 0)
        return "attention-synthetic";
    return maps ? "maps-synthetic" : "split-synthetic";
}

const char *test_folder(const char *name)
{
    static char path[512];
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/mneme-%s-%ld", parent != NULL ? parent : "/tmp", name,
             (long)getpid());
    mkdir(path, 0700);
    return path;
}

const char *test_file(const char *folder, const char *name)
{
    static char path[2][600];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s.mneme", folder, name);
    return path[turn];
}

void test_remove(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal", "-lock"};
    char file[1024];
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(file, sizeof file, "%s%s", path, endings[i]);
        (void)unlink(file);
    }
}
