/* Whatever fails, the run file holds its last commit or the new one, and never a mixture. */
#include "store/exemplars.h"
#include "store/records.h"
#include "store/tensors.h"
#include "tests/scratch.h"
#include "tests/store/faulty_disk.h"
#include "tests/suite.h"

#include "store/runfile.h"
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const mn_tensor_origin kept_by_test = {"test", "", MN_ROLE_KEPT};

enum { WIDTH = 20000, SLOTS = 4 }; /* the tensor fills five pages */

/* One commit in which everything says `version`; `tensors` of them. */
static mn_status write_version(mn_runfile *file, int version, int tensors)
{
    static float values[WIDTH];
    static uint8_t image[50];
    mn_tensor *tensor;
    for (int i = 0; i < WIDTH; i++)
        values[i] = (float)version + (float)i;
    memset(image, version, sizeof image);
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(WIDTH), &tensor));
    ck_assert_ok(mn_tensor_write(tensor, values, sizeof values));
    mn_status status = mn_runfile_begin(file);
    char name[16];
    for (int i = 0; i < tensors && status == MN_OK; i++) {
        snprintf(name, sizeof name, "w%d", i);
        status = mn_runfile_put_tensor(file, &kept_by_test, name, tensor);
    }
    for (int slot = 0; slot < SLOTS && status == MN_OK; slot++) {
        const mn_exemplar exemplar = {
            .slot = slot, .seen = version, .image = image, .image_bytes = sizeof image};
        status = mn_runfile_put_exemplar(file, &exemplar);
        if (status == MN_OK)
            status = mn_runfile_put_exemplar_column(file, slot, "logits", values, 10);
    }
    if (status == MN_OK)
        status = mn_runfile_set_cursor(file, &(mn_cursor){.step = version});
    if (status == MN_OK)
        status = mn_runfile_put_int(file, "version", version);
    mn_tensor_free(tensor);
    if (status == MN_OK)
        return mn_runfile_commit(file);
    char why[1024];
    snprintf(why, sizeof why, "%s", mn_error());
    mn_runfile_rollback(file);
    return mn_fail(status, "%s", why);
}

static mn_status is_version(void *context, const mn_exemplar *exemplar)
{
    ck_assert_int_eq(exemplar->seen, *(const int *)context);
    ck_assert_int_eq(exemplar->image[49], *(const int *)context & 0xff);
    return MN_OK;
}

static mn_status column_is_version(void *context, int64_t slot, const char *name,
                                   const float *values, int64_t width)
{
    (void)slot, (void)name;
    ck_assert_int_eq((int)values[width - 1], *(const int *)context + 9);
    return MN_OK;
}

/* The version that the file holds, all of it. */
static int version_of(mn_runfile *file, int tensors)
{
    int64_t found;
    ck_assert_ok(mn_runfile_get_int(file, "version", &found));
    int version = (int)found;
    static float values[WIDTH];
    mn_tensor *tensor;
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(WIDTH), &tensor));
    for (int i = 0; i < tensors; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        ck_assert_ok(mn_runfile_get_tensor(file, name, tensor));
        ck_assert_ok(mn_tensor_read(tensor, values, sizeof values));
        for (int k = 0; k < WIDTH; k++)
            if (values[k] != (float)version + (float)k)
                ck_abort_msg("element %d of %s is not of version %d", k, name, version);
    }
    mn_tensor_free(tensor);
    mn_cursor cursor;
    ck_assert_ok(mn_runfile_get_cursor(file, &cursor));
    ck_assert_int_eq(cursor.step, version);
    const mn_exemplar_reader reader = {&version, is_version, column_is_version};
    ck_assert_ok(mn_runfile_read_exemplars(file, &reader));
    return version;
}

static int version_on_disk(int tensors)
{
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    const int version = version_of(file, tensors);
    ck_assert_ok(mn_runfile_close(file));
    return version;
}

static void start_at_version_one(int tensors)
{
    mn_runfile *file;
    scratch_new();
    faulty_disk_install(); /* without a plan to fail, but much faster: it never waits for a disk */
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(write_version(file, 1, tensors));
    ck_assert_ok(mn_runfile_close(file));
}

static void is_one_line(void)
{
    ck_assert_ptr_null(strchr(mn_error(), '\n'));
    ck_assert_ptr_nonnull(strstr(mn_error(), scratch_path));
}

/* --- a disk that fails ------------------------------------------------------------------------ */

typedef struct failure {
    int code;
    bool lasting;
    mn_status status;
} failure;

static const failure failures[] = {{SQLITE_IOERR, false, MN_IO_FAILED},
                                   {SQLITE_IOERR, true, MN_IO_FAILED},
                                   {SQLITE_FULL, false, MN_DISK_FULL},
                                   {SQLITE_FULL, true, MN_DISK_FULL},
                                   {SQLITE_IOERR_NOMEM, false, MN_NO_MEMORY}};

START_TEST(a_commit_on_a_failing_disk_is_whole_or_absent)
{
    for (size_t kind = 0; kind < sizeof failures / sizeof failures[0]; kind++) {
        int old = 0, new = 0, n = 0;
        for (bool fired = true; fired;) {
            start_at_version_one(1);
            faulty_disk_arm(++n, failures[kind].code, failures[kind].lasting);
            mn_runfile *file;
            mn_status status = mn_runfile_open(scratch_path, MN_WRITE, &file);
            if (status == MN_OK)
                status = write_version(file, 2, 1);
            if (status != MN_OK) {
                is_one_line();
                ck_assert_msg(status == failures[kind].status, "at %d: %s", n, mn_error());
            }
            const bool committed = status == MN_OK;
            if (mn_runfile_close(file) != MN_OK)
                is_one_line();
            fired = faulty_disk_fired();
            ck_assert(committed || fired);
            faulty_disk_heal();
            const int version = version_on_disk(1);
            ck_assert_msg(version == 2 || (version == 1 && !committed), "at %d: version %d", n,
                          version);
            old += version == 1;
            new += version == 2;
            scratch_remove();
        }
        ck_assert_int_gt(old, 5); /* the failure came before the commit, and after it */
        ck_assert_int_gt(new, 5);
    }
}
END_TEST

START_TEST(a_run_goes_on_after_a_disk_has_recovered)
{
    for (int n = 1; n < 40; n++) {
        start_at_version_one(1);
        mn_runfile *file;
        ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
        faulty_disk_arm(n, SQLITE_FULL, false);
        const mn_status status = write_version(file, 2, 1);
        faulty_disk_heal();
        ck_assert_int_eq(version_of(file, 1), status == MN_OK ? 2 : 1);
        ck_assert_ok(write_version(file, 3, 1));
        ck_assert_ok(mn_runfile_close(file));
        ck_assert_int_eq(version_on_disk(1), 3);
        scratch_remove();
    }
}
END_TEST

START_TEST(a_creation_that_fails_leaves_nothing)
{
    for (size_t kind = 0; kind < sizeof failures / sizeof failures[0]; kind++) {
        bool fired = true;
        int failed = 0;
        for (int n = 1; fired; n++) {
            scratch_new();
            faulty_disk_install();
            mn_runfile *file;
            faulty_disk_arm(n, failures[kind].code, failures[kind].lasting);
            const mn_status status = mn_runfile_create(scratch_path, &file);
            fired = faulty_disk_fired();
            faulty_disk_heal();
            if (status == MN_OK) {
                ck_assert_ok(mn_runfile_close(file));
            } else {
                is_one_line();
                failed++;
                ck_assert_int_eq(rmdir(scratch_folder), 0); /* empty: no journal, no lock */
                continue;
            }
            scratch_remove();
        }
        ck_assert_int_gt(failed, 5);
    }
}
END_TEST

/* --- a disk that is full ---------------------------------------------------------------------- */

/* In a child, because a limit that was lowered stays lowered for some users. */
static void write_against_a_limit(void)
{
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    signal(SIGXFSZ, SIG_IGN); /* as the command line does */
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int version = 2;
    while (write_version(file, version, 4) == MN_OK) /* the log grows until it hits the limit */
        version++;
    ck_assert_fails(write_version(file, version, 4), MN_DISK_FULL, "no space left");
    ck_assert_ptr_nonnull(strstr(mn_error(), "committed before is intact"));
    is_one_line();
    ck_assert_int_gt(version, 2);
    ck_assert_int_eq(version_of(file, 4), version - 1);
    const mn_status closed = mn_runfile_close(file);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_msg(closed == MN_OK || closed == MN_DISK_FULL, "%s", mn_error());
    ck_assert_int_eq(version_on_disk(4), version - 1);
}

START_TEST(a_full_disk_ends_in_one_line_and_the_last_commit)
{
    start_at_version_one(4);
    write_against_a_limit();
    scratch_remove();
}
END_TEST

/* --- kill -9 ---------------------------------------------------------------------------------- */

enum { HEAVY = 60 }; /* tensors: 4.8 MB, more than the page cache, so that pages are in the log */

START_TEST(a_kill_inside_a_transaction_leaves_the_last_commit)
{
    start_at_version_one(HEAVY);
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        mn_runfile *file;
        mn_tensor *tensor;
        if (mn_runfile_open(scratch_path, MN_WRITE, &file) != MN_OK ||
            mn_runfile_begin(file) != MN_OK || mn_runfile_put_int(file, "version", 2) != MN_OK ||
            mn_tensor_new(MN_F32, MN_SHAPE(WIDTH), &tensor) != MN_OK)
            _exit(1);
        for (int i = 0; i < HEAVY; i++) {
            char name[16];
            snprintf(name, sizeof name, "w%d", i);
            if (mn_runfile_put_tensor(file, &kept_by_test, name, tensor) != MN_OK)
                _exit(1);
        }
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    int status;
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(version_on_disk(HEAVY), 1);
    scratch_remove();
}
END_TEST

START_TEST(a_kill_at_any_instant_leaves_a_whole_commit)
{
    start_at_version_one(2);
    int last = 1;
    for (int round = 0; round < 25; round++) {
        int acknowledged[2];
        ck_assert_int_eq(pipe(acknowledged), 0);
        const pid_t child = fork();
        if (child == 0) {
            mn_runfile *file;
            if (mn_runfile_open(scratch_path, MN_WRITE, &file) != MN_OK)
                _exit(1);
            for (int version = last + 1;; version++)
                if (write_version(file, version, 2) != MN_OK ||
                    write(acknowledged[1], &version, sizeof version) != sizeof version)
                    _exit(1);
        }
        close(acknowledged[1]);
        int version = last, status, told;
        if (round % 5 != 0) /* sometimes it dies while it opens the file */
            ck_assert_int_eq(read(acknowledged[0], &version, sizeof version), sizeof version);
        usleep((useconds_t)(round * 211 % 3000));
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        while (read(acknowledged[0], &told, sizeof told) == sizeof told)
            version = told;
        close(acknowledged[0]);
        last = version_on_disk(2);
        ck_assert_msg(last == version || last == version + 1, "%d was committed, %d is there",
                      version, last);
    }
    ck_assert_int_ge(last, 1 + 20); /* the rounds that waited for a commit */
    scratch_remove();
}
END_TEST

MN_SUITE("runfile_faults", a_commit_on_a_failing_disk_is_whole_or_absent,
         a_run_goes_on_after_a_disk_has_recovered, a_creation_that_fails_leaves_nothing,
         a_full_disk_ends_in_one_line_and_the_last_commit,
         a_kill_inside_a_transaction_leaves_the_last_commit,
         a_kill_at_any_instant_leaves_a_whole_commit)
