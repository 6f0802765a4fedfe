/* whole.h -- what the tests of whole runs share: where files lie, and runs that are stopped. */
#ifndef MN_TESTS_WHOLE_H
#define MN_TESTS_WHOLE_H

#include "tests/run_files.h"
#include "tests/suite.h"

#include <errno.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 600 };

static const char *split = "split-synthetic";
static const test_setting usual[] = {{"commit_steps", "10"}, {"log_every", "4"}, {NULL, NULL}};

static inline const char *in_folder(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", test_folder("run"), name);
    return path;
}

/* Removes the files and the folder, in which nothing else may be left. */
static inline void clean(const char *one, const char *other)
{
    test_remove(one);
    if (other != NULL)
        test_remove(other);
    ck_assert_msg(rmdir(test_folder("run")) == 0, "files were left: %s", strerror(errno));
}

static inline void expect_status(const char *path, const char *status)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM run WHERE key = 'status' AND value = '%s'",
             status);
    ck_assert_msg(test_query(path, sql) == 1, "the status is not '%s'", status);
}

typedef struct stopper {
    int steps; /* until it asks to stop */
} stopper;

static inline bool stop_after(void *context)
{
    stopper *s = context;
    return --s->steps <= 0;
}

static inline mn_status run_until(const char *strategy, const test_setting *settings,
                                  const char *path, int steps)
{
    stopper s = {steps};
    const mn_observer observer = {.context = &s, .stop = stop_after};
    mn_experiment *experiment = test_experiment(split, strategy, settings);
    const mn_status status = mn_experiment_run(experiment, path, &observer);
    mn_experiment_free(experiment);
    return status;
}

#endif
