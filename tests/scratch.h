/* scratch.h -- a folder for one test's files, removed when the test ends. */
#ifndef MN_TESTS_SCRATCH_H
#define MN_TESTS_SCRATCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char scratch_folder[64], scratch_path[128]; /* scratch_path: a run file in it */

static inline void scratch_new(void)
{
    strcpy(scratch_folder, "/tmp/mneme-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch_folder));
    snprintf(scratch_path, sizeof scratch_path, "%s/run.mneme", scratch_folder);
}

static inline void scratch_remove(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch_folder);
    ck_assert_int_eq(system(command), 0);
}

#endif
