/* scratch.h -- a folder for one test's files, removed when the test ends. */
#ifndef MN_TESTS_SCRATCH_H
#define MN_TESTS_SCRATCH_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_folder[64], scratch_path[128]; /* scratch_path: a run file in it */

static inline void scratch_new(void)
{
    strcpy(scratch_folder, "/tmp/mneme-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch_folder));
    snprintf(scratch_path, sizeof scratch_path, "%s/run.mneme", scratch_folder);
}

static inline void scratch_remove(void)
{
    DIR *folder = opendir(scratch_folder);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0); /* not "." and ".." */
    closedir(folder);
    ck_assert_int_eq(rmdir(scratch_folder), 0);
}

#endif
