/* One writer at a time: who holds a run file, whoever races for it, whatever dies. */
#include "store/records.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include "store/owner.h"
#include "store/runfile.h"
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that runs `inside` and then stays, without closing anything, until it is ended. */
static pid_t child_that(void (*inside)(void))
{
    int pipe_ends[2];
    ck_assert_int_eq(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        inside();
        if (write(pipe_ends[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char ready;
    close(pipe_ends[1]);
    ck_assert_int_eq(read(pipe_ends[0], &ready, 1), 1);
    close(pipe_ends[0]);
    return child;
}

static void end(pid_t child)
{
    int status;
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
}

static void create_and_hold(void)
{
    mn_runfile *file;
    if (mn_runfile_create(scratch_path, &file) != MN_OK ||
        mn_runfile_put_int(file, "n", 1) != MN_OK)
        _exit(1);
}

/* A value of the run table; NULL: there is none. */
static char *value_of(mn_runfile *file, const char *key)
{
    char *value;
    ck_assert_ok(mn_runfile_find(file, key, &value));
    return value;
}

START_TEST(a_second_process_is_told_who_writes)
{
    scratch_new();
    const pid_t child = child_that(create_and_hold);
    mn_runfile *file;
    char expected[64];
    snprintf(expected, sizeof expected, "by process %d on host ", (int)child);
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_BUSY, expected);
    ck_assert_ptr_nonnull(strstr(mn_error(), " UTC; wait for it, or stop it"));
    ck_assert_ptr_nonnull(strstr(mn_error(), " since 2"));
    ck_assert_fails(mn_runfile_create(scratch_path, &file), MN_BAD_OPTION, "exists");
    int64_t n; /* but anybody may read */
    ck_assert_ok(mn_runfile_open(scratch_path, MN_READ, &file));
    ck_assert_ok(mn_runfile_get_int(file, "n", &n));
    ck_assert_ok(mn_runfile_close(file));
    end(child);
    scratch_remove();
}
END_TEST

START_TEST(a_dead_owner_is_taken_over_with_its_last_commit)
{
    scratch_new();
    end(child_that(create_and_hold));
    mn_runfile *file;
    int64_t n;
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_get_int(file, "n", &n));
    char pid[24], *owner = value_of(file, "owner.pid");
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    ck_assert_str_eq(owner, pid);
    free(owner);
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

/* Nobody has asked how it ended, so it still has its number and the time of its start. */
START_TEST(an_owner_that_nobody_has_waited_for_is_taken_over)
{
    scratch_new();
    const pid_t child = child_that(create_and_hold);
    siginfo_t ended;
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(scratch_path, MN_READ, &file));
    bool held = true;
    ck_assert_ok(mn_runfile_is_held(file, &held));
    ck_assert(!held);
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    scratch_remove();
}
END_TEST

START_TEST(the_same_process_does_not_write_twice)
{
    scratch_new();
    mn_runfile *file, *second;
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &second), MN_BUSY, "by process");
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

START_TEST(a_link_is_no_way_around)
{
    scratch_new();
    const pid_t child = child_that(create_and_hold);
    char link[200];
    snprintf(link, sizeof link, "%s/link.mneme", scratch_folder);
    ck_assert_int_eq(symlink("run.mneme", link), 0);
    int descriptor;
    char *name;
    ck_assert_fails(mn_owner_lock(link, &descriptor, &name), MN_BUSY, "another process");
    end(child);
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(link, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

START_TEST(a_process_that_changes_its_folder_still_releases_the_file)
{
    scratch_new();
    mn_runfile *file;
    ck_assert_int_eq(chdir(scratch_folder), 0);
    ck_assert_ok(mn_runfile_create("relative.mneme", &file));
    ck_assert_int_eq(access("relative.mneme-lock", F_OK), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_int_eq(chdir(scratch_folder), 0);
    ck_assert_int_ne(access("relative.mneme-lock", F_OK), 0);
    ck_assert_int_ne(access("relative.mneme-wal", F_OK), 0);
    ck_assert_ok(mn_runfile_open("relative.mneme", MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

/* --- what the row alone says, when the lock is free ------------------------------------------- */

typedef struct forged {
    const char *key, *value;
} forged;

static forged forgeries[3];

static void create_and_forge(void)
{
    create_and_hold();
    mn_runfile *file;
    char lock[200];
    snprintf(lock, sizeof lock, "%s-lock", scratch_path);
    unlink(lock); /* somebody thought it was in the way */
    if (forgeries[0].key == NULL)
        return;
    /* The second handle takes the file over from this very process. */
    if (mn_runfile_open(scratch_path, MN_WRITE, &file) != MN_OK)
        _exit(1);
    for (int i = 0; i < 3 && forgeries[i].key != NULL; i++)
        if (mn_runfile_set(file, forgeries[i].key, forgeries[i].value) != MN_OK)
            _exit(1);
    unlink(lock);
}

static void forge(forged first, forged second)
{
    forgeries[0] = first;
    forgeries[1] = second;
}

START_TEST(a_living_owner_is_respected_without_its_lock)
{
    scratch_new();
    const pid_t child = child_that(create_and_forge);
    mn_runfile *file;
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_BUSY, "wait for it");
    end(child);
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

START_TEST(a_reused_process_id_is_not_the_owner)
{
    scratch_new();
    char pid[24]; /* alive, but it did not start when the owner did */
    snprintf(pid, sizeof pid, "%d", (int)getppid());
    forge((forged){"owner.pid", pid}, (forged){"owner.started", "12"});
    end(child_that(create_and_forge));
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

START_TEST(a_restart_of_the_machine_frees_its_files)
{
    scratch_new();
    forge((forged){"owner.boot", "an-earlier-boot"}, (forged){NULL, NULL});
    const pid_t child = child_that(create_and_forge);
    mn_runfile *file; /* the process id is alive, but counted in another boot */
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    end(child);
    scratch_remove();
}
END_TEST

START_TEST(another_host_must_release_it_or_a_person)
{
    scratch_new();
    forge((forged){"owner.host", "elsewhere"}, (forged){"owner.boot", "another-boot"});
    end(child_that(create_and_forge));
    mn_runfile *file;
    ck_assert_fails(mn_runfile_open(scratch_path, MN_WRITE, &file), MN_UNSUPPORTED,
                    "on host elsewhere");
    const char *advice = strstr(mn_error(), "sqlite3 ");
    ck_assert_ptr_nonnull(advice);
    char lock[200];
    snprintf(lock, sizeof lock, "%s-lock", scratch_path);
    ck_assert_int_ne(access(lock, F_OK), 0);
    ck_assert_int_eq(system(advice), 0); /* what the message says works */
    ck_assert_ok(mn_runfile_open(scratch_path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

/* --- locks of other programs --- */

static void read_and_stay(void)
{
    sqlite3 *database;
    if (sqlite3_open(scratch_path, &database) != SQLITE_OK ||
        sqlite3_exec(database, "BEGIN; SELECT * FROM run", NULL, NULL, NULL) != SQLITE_OK)
        _exit(1);
}

typedef struct waiting {
    pid_t reader;
    bool ends_it, stops; /* what is done when the wait is said */
    int said;
} waiting;

static void hear(void *context, mn_log_level level, const char *line)
{
    waiting *w = context;
    ck_assert_int_eq(level, MN_LOG_WARNING);
    ck_assert_ptr_nonnull(strstr(line, "is locked by another program"));
    w->said++;
    if (w->ends_it)
        end(w->reader);
}

static bool wants_to_stop(void *context)
{
    const waiting *w = context;
    return w->stops && w->said > 0;
}

/* A stopped run is in a mode in which a reader keeps the writer out. */
static mn_status taken_while_read(waiting *w)
{
    mn_runfile *file;
    const mn_observer observer = {.context = w, .log = hear, .stop = wants_to_stop};
    scratch_new();
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(mn_runfile_set(file, "benchmark", "b"));
    ck_assert_ok(mn_runfile_close(file));
    w->reader = child_that(read_and_stay);
    const mn_status status = mn_runfile_open_for(&observer, scratch_path, &file);
    if (status == MN_OK)
        ck_assert_ok(mn_runfile_close(file));
    else
        end(w->reader);
    scratch_remove();
    return status;
}

START_TEST(a_lock_of_another_program_is_waited_for_and_that_is_said_once)
{
    waiting w = {.ends_it = true};
    ck_assert_ok(taken_while_read(&w));
    ck_assert_int_eq(w.said, 1);
}
END_TEST

START_TEST(who_waits_for_a_lock_can_be_stopped)
{
    waiting w = {.stops = true};
    ck_assert_int_eq(taken_while_read(&w), MN_INTERRUPTED);
    ck_assert_int_eq(w.said, 1);
}
END_TEST

/* --- races ------------------------------------------------------------------------------------ */

enum { RACERS = 6, ROUNDS = 12 };

/* All try at once; who succeeds says so and holds the file until everybody has tried. */
static int winners(bool creating)
{
    int start[2], result[2], stop[2], won = 0;
    ck_assert_int_eq(pipe(start) | pipe(result) | pipe(stop), 0);
    pid_t racer[RACERS];
    for (int i = 0; i < RACERS; i++) {
        racer[i] = fork();
        if (racer[i] != 0)
            continue;
        mn_runfile *file;
        char byte;
        close(start[1]);
        close(stop[1]);
        if (read(start[0], &byte, 1) != 0) /* ends for all at once */
            _exit(1);
        const mn_status status = creating ? mn_runfile_create(scratch_path, &file)
                                          : mn_runfile_open(scratch_path, MN_WRITE, &file);
        byte = status == MN_OK                       ? 'w'
               : status == MN_BUSY                   ? 'b'
               : creating && status == MN_BAD_OPTION ? 'b'
                                                     : '?';
        if (byte == '?')
            fprintf(stderr, "%s\n", mn_error());
        if (write(result[1], &byte, 1) != 1 || read(stop[0], &byte, 1) != 0)
            _exit(1);
        _exit(status != MN_OK || mn_runfile_close(file) == MN_OK ? 0 : 1);
    }
    close(start[1]);
    for (int i = 0; i < RACERS; i++) {
        char byte;
        ck_assert_int_eq(read(result[0], &byte, 1), 1);
        ck_assert_int_ne(byte, '?');
        won += byte == 'w';
    }
    close(stop[1]);
    for (int i = 0; i < RACERS; i++) {
        int status;
        ck_assert_int_eq(waitpid(racer[i], &status, 0), racer[i]);
        ck_assert_int_eq(status, 0);
    }
    close(start[0]);
    close(result[0]);
    close(result[1]);
    close(stop[0]);
    return won;
}

START_TEST(of_many_that_resume_at_once_one_wins)
{
    for (int round = 0; round < ROUNDS; round++) {
        forgeries[0].key = NULL;
        scratch_new();
        end(child_that(create_and_hold)); /* a crashed run */
        ck_assert_int_eq(winners(false), 1);
        scratch_remove();
    }
}
END_TEST

START_TEST(of_many_that_create_at_once_one_wins)
{
    for (int round = 0; round < ROUNDS; round++) {
        scratch_new();
        ck_assert_int_eq(winners(true), 1);
        scratch_remove();
    }
}
END_TEST

enum { LOCKERS = 4, LOCKS = 1000 };

/* Takes the lock LOCKS times; false when somebody else held it meanwhile. */
static bool lock_often(atomic_int *holders)
{
    for (int taken = 0; taken < LOCKS;) {
        int descriptor;
        char *name;
        if (mn_owner_lock(scratch_path, &descriptor, &name) != MN_OK) {
            sched_yield();
            continue;
        }
        if (atomic_fetch_add(holders, 1) != 0)
            return false;
        sched_yield();
        atomic_fetch_sub(holders, 1);
        mn_owner_unlock(descriptor, name);
        taken++;
    }
    return true;
}

/* A holder removes the file that another is about to lock: that must not make two holders. */
START_TEST(a_lock_that_comes_and_goes_has_one_holder)
{
    scratch_new();
    atomic_int *holders =
        mmap(NULL, sizeof *holders, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t locker[LOCKERS];
    for (int i = 0; i < LOCKERS; i++) {
        locker[i] = fork();
        if (locker[i] == 0)
            _exit(lock_often(holders) ? 0 : 1);
    }
    for (int i = 0; i < LOCKERS; i++) {
        int status;
        ck_assert_int_eq(waitpid(locker[i], &status, 0), locker[i]);
        ck_assert_msg(status == 0, "two held the lock");
    }
    munmap(holders, sizeof *holders);
    scratch_remove();
}
END_TEST

MN_SUITE("owner", a_lock_that_comes_and_goes_has_one_holder, a_second_process_is_told_who_writes,
         a_dead_owner_is_taken_over_with_its_last_commit,
         an_owner_that_nobody_has_waited_for_is_taken_over,
         a_lock_of_another_program_is_waited_for_and_that_is_said_once,
         who_waits_for_a_lock_can_be_stopped, the_same_process_does_not_write_twice,
         a_link_is_no_way_around, a_process_that_changes_its_folder_still_releases_the_file,
         a_living_owner_is_respected_without_its_lock, a_reused_process_id_is_not_the_owner,
         a_restart_of_the_machine_frees_its_files, another_host_must_release_it_or_a_person,
         of_many_that_resume_at_once_one_wins, of_many_that_create_at_once_one_wins)
