/* A run whose disk fails or is full: it says so in one line, the last commit is intact, and once
 * the disk works again a resume ends with the bytes of an undisturbed run.
 *
 * Only SQLite's writes fail: a run writes nothing by other means. */
#include "tests/run_files.h"
#include "tests/store/faulty_disk.h"
#include "tests/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 600 };

static const char *split = "split-synthetic";
static const test_setting settings[] = {{"commit_steps", "10"}, {"log_every", "4"}, {NULL, NULL}};

static char undisturbed[PATH_BYTES], broken[PATH_BYTES];

static void begin(void)
{
    snprintf(undisturbed, sizeof undisturbed, "%s/undisturbed", test_folder("faults"));
    snprintf(broken, sizeof broken, "%s/failed", test_folder("faults"));
    test_run(split, "derpp", settings, undisturbed);
}

/* Nothing but the two runs may be left. */
static void end(void)
{
    test_remove(undisturbed);
    test_remove(broken);
    ck_assert_msg(rmdir(test_folder("faults")) == 0, "files were left: %s", strerror(errno));
}

static mn_status run_anew(void)
{
    mn_experiment *experiment = test_experiment(split, "derpp", settings);
    const mn_status status = mn_experiment_run(experiment, broken, NULL);
    mn_experiment_free(experiment);
    return status;
}

/* After a failure: one line; and either nothing is left, or a file that goes on to the end. */
static bool recovers(mn_status status)
{
    ck_assert_msg(status == MN_OK || (mn_error()[0] != '\0' && strchr(mn_error(), '\n') == NULL),
                  "%s", mn_error());
    if (access(broken, F_OK) != 0) {
        test_remove(broken);
        return false;
    }
    const mn_status resumed = mn_resume(broken, NULL);
    ck_assert_msg(resumed == MN_OK, "resume: %s", mn_error());
    test_same_run(undisturbed, broken);
    ck_assert_int_eq(
        test_query(broken, "SELECT count(*) FROM run WHERE key = 'status' AND value = 'done'"), 1);
    test_remove(broken);
    return true;
}

/* Lets the n-th operation fail, for n growing by about a quarter until none is reached any more. */
static void fail_somewhere(int code, bool lasting, mn_status expected)
{
    faulty_disk_install();
    begin();
    int failures = 0, resumed = 0;
    for (int n = 1;; n += 1 + n / 4) {
        faulty_disk_arm(n, code, lasting);
        const mn_status status = run_anew();
        const bool fired = faulty_disk_fired();
        faulty_disk_heal();
        if (status != MN_OK) {
            ck_assert(fired);
            ck_assert_msg(status == expected, "operation %d: got '%s' (%s)", n,
                          mn_status_text(status), mn_error());
        }
        failures += status != MN_OK;
        resumed += recovers(status);
        if (!fired)
            break;
    }
    ck_assert_int_ge(failures, 10);
    ck_assert_int_ge(resumed, 8);
    end();
}

START_TEST(an_operation_that_fails_once)
{
    fail_somewhere(SQLITE_IOERR, false, MN_IO_FAILED);
}
END_TEST

START_TEST(a_disk_that_fails_for_good)
{
    fail_somewhere(SQLITE_IOERR, true, MN_IO_FAILED);
}
END_TEST

START_TEST(a_disk_that_is_full)
{
    fail_somewhere(SQLITE_FULL, true, MN_DISK_FULL);
}
END_TEST

/* The system's own way to say so: no file may grow beyond a limit. */
START_TEST(a_file_that_may_not_grow)
{
    begin();
    signal(SIGXFSZ, SIG_IGN);
    struct stat about;
    ck_assert_int_eq(stat(undisturbed, &about), 0);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    int full = 0;
    for (int percent = 10; percent <= 200; percent += 19) {
        limit.rlim_cur = (rlim_t)about.st_size * (rlim_t)percent / 100;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const mn_status status = run_anew();
        limit.rlim_cur = before;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_msg(status == MN_OK || status == MN_DISK_FULL, "%d %%: %s", percent, mn_error());
        full += status == MN_DISK_FULL;
        (void)recovers(status);
    }
    ck_assert_int_ge(full, 3);
    end();
}
END_TEST

/* A resume is as careful as a run. */
START_TEST(a_resume_that_fails_can_be_resumed)
{
    faulty_disk_install();
    begin();
    int failures = 0;
    for (int n = 1;; n += 1 + n / 2) {
        faulty_disk_arm(400, SQLITE_IOERR, true);
        (void)run_anew();
        ck_assert(faulty_disk_fired());
        faulty_disk_arm(n, SQLITE_IOERR, true);
        const mn_status status = mn_resume(broken, NULL);
        const bool fired = faulty_disk_fired();
        faulty_disk_heal();
        failures += status != MN_OK;
        ck_assert(recovers(status));
        if (!fired)
            break;
    }
    ck_assert_int_ge(failures, 5);
    end();
}
END_TEST

MN_SUITE("run_faults", an_operation_that_fails_once, a_disk_that_fails_for_good,
         a_disk_that_is_full, a_file_that_may_not_grow, a_resume_that_fails_can_be_resumed)
