/* The run file: what goes in comes out, one writer at a time, refusals in one line. */
#include "tests/suite.h"

#include "store/half.h"
#include "store/runfile.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[96];

static void fresh_path(void)
{
    strcpy(folder, "/tmp/mneme-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.mneme", folder);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(what_is_put_is_got)
{
    fresh_path();
    mn_runfile *file;
    ck_assert_ok(mn_runfile_create(path, &file));
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_set(file, "benchmark", "split-fmnist"));
    ck_assert_ok(mn_runfile_put_int(file, "er/seen", INT64_MIN));
    ck_assert_ok(mn_runfile_put_real(file, "er/rate", 1.0));
    ck_assert_ok(mn_runfile_put_real(file, "er/nan", (double)NAN));
    const mn_cursor cursor = {1, 2, 3, 4, 5, 6, 7};
    ck_assert_ok(mn_runfile_set_cursor(file, &cursor));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));

    ck_assert_ok(mn_runfile_open(path, MN_READ, &file));
    char *value = mn_runfile_get(file, "benchmark");
    ck_assert_str_eq(value, "split-fmnist");
    free(value);
    ck_assert_ptr_null(mn_runfile_get(file, "absent"));
    int64_t whole;
    double real;
    ck_assert_ok(mn_runfile_get_int(file, "er/seen", &whole));
    ck_assert_int_eq(whole, INT64_MIN);
    ck_assert_ok(mn_runfile_get_real(file, "er/rate", &real));
    ck_assert_double_eq(real, 1.0);
    ck_assert_ok(mn_runfile_get_real(file, "er/nan", &real));
    ck_assert(isnan(real));
    ck_assert_fails(mn_runfile_get_int(file, "er/rate", &whole), MN_BAD_VALUE, "real number");
    ck_assert_fails(mn_runfile_get_int(file, "er/no", &whole), MN_NOT_FOUND, "er/no");
    mn_cursor back;
    ck_assert_ok(mn_runfile_get_cursor(file, &back));
    ck_assert_mem_eq(&back, &cursor, sizeof cursor);
    ck_assert_fails(mn_runfile_put_int(file, "x", 1), MN_OUT_OF_ORDER, "for reading");
    ck_assert_ok(mn_runfile_close(file));
    remove_folder();
}
END_TEST

MN_SUITE("runfile", what_is_put_is_got)
