/* run_files.h -- for tests of whole runs: making them, and comparing their files byte for byte. */
#ifndef MN_TESTS_RUN_FILES_H
#define MN_TESTS_RUN_FILES_H

#include <mneme/run.h>

typedef struct test_setting {
    const char *key, *value;
} test_setting;

/* A resolved experiment with settings (ended by a NULL key); fails the test when it cannot be. */
mn_experiment *test_experiment(const char *benchmark, const char *strategy,
                               const test_setting *settings);
/* A benchmark on drawn figures that a strategy runs on: some look at a network's maps. */
const char *test_benchmark_of(const char *strategy);
/* Runs it from start to end into `path`, which is removed first. */
void test_run(const char *benchmark, const char *strategy, const test_setting *settings,
              const char *path);
/* Fails the test unless weights, statistics, moments, kept values, exemplars with their columns,
 * stored logits, evaluations and scalars are the same bytes in both files. */
void test_same_run(const char *one, const char *other);
/* An integer found by SQL in a run file. */
long long test_query(const char *path, const char *sql);
double test_query_real(const char *path, const char *sql);
/* Takes a fact out of a run file, as if nobody had written it down. */
void test_forget(const char *path, const char *key);
/* A folder of this test's own, made anew. */
const char *test_folder(const char *name);
/* FOLDER/NAME.mneme; the last two are valid. */
const char *test_file(const char *folder, const char *name);
void test_remove(const char *path); /* a run file and what SQLite keeps beside it */

#endif
