/* kill -9 at random instants, some between steps and some in the middle of SQLite's writing; every
 * run is resumed until it is done and must end with the bytes of a run that was never interrupted.
 * Each registered strategy joins by existing; one is killed more often.
 *
 * The child counts its steps in shared memory, so that the test knows what a resume did again. */
#include "tests/run_files.h"
#include "tests/suite.h"
#include "tests/uses/uses.h"

#include <mneme/random.h>
#include <mneme/strategy.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMIT_STEPS = 5 };

typedef struct shared {
    atomic_llong steps;     /* of the current child */
    atomic_llong writes;    /* to the write-ahead log, of the current child */
    long long die_at_write; /* 0: never */
} shared;

static shared *between; /* parent and child */

/* --- a VFS that can kill its process in the middle of a transaction --- */

static int (*write_below)(sqlite3_file *, const void *, int, sqlite3_int64);
static sqlite3_io_methods deadly_methods;
static int (*open_below)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

static int deadly_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
    const long long count = atomic_fetch_add(&between->writes, 1) + 1;
    if (count == between->die_at_write)
        raise(SIGKILL);
    return write_below(file, data, bytes, offset);
}

static int deadly_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *out_flags)
{
    const int status = open_below(vfs, name, file, flags, out_flags);
    if (status == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0 && file->pMethods != NULL) {
        deadly_methods = *file->pMethods;
        write_below = deadly_methods.xWrite;
        deadly_methods.xWrite = deadly_write;
        file->pMethods = &deadly_methods;
    }
    return status;
}

static void install_deadly_vfs(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    open_below = vfs->xOpen;
    vfs->xOpen = deadly_open;
}

/* --- the child --- */

/* A run, how it is killed, and how far into a life. */
typedef struct plan {
    const char *strategy;
    const test_setting *undisturbed, *killed;
    int kills;
    long long most_steps, most_writes;
} plan;

static const test_setting plain[] = {{"commit_steps", "5"},
                                     {"buffer_size", "100"},
                                     {"derpp.replay", "32"},
                                     {"log_every", "3"},
                                     {NULL, NULL}};
/* The same run with a fifth of its buffer in memory: rows go to the file between commits. */
static const test_setting limited[] = {{"commit_steps", "5"},     {"buffer_size", "100"},
                                       {"derpp.replay", "32"},    {"log_every", "3"},
                                       {"buffer_memory", "4400"}, {NULL, NULL}};
/* Convolutions, running statistics, augmented views, several epochs. */
#define IMAGES                                                                                     \
    {"network.name", "resnet18-reduced"}, {"stream.tasks", "2"},                                   \
        {"dataset.train_per_class", "16"}, {"dataset.test_per_class", "5"}, {"epochs", "2"},       \
        {"batch", "8"}, {"derpp.replay", "8"}, {"augment.pad", "2"}, {"augment.flip", "true"},     \
        {"threads", "1"}, {"commit_steps", "5"}, {"buffer_size", "50"},                            \
    {                                                                                              \
        "log_every", "3"                                                                           \
    }
static const test_setting images[] = {IMAGES, {NULL, NULL}};
static const test_setting limited_images[] = {IMAGES, {"buffer_memory", "2200"}, {NULL, NULL}};
static const test_setting rebuilt_images[] = {
    IMAGES, {"buffer_memory", "2200"}, {"rebuild", "true"}, {NULL, NULL}};

/* A few dozen steps of any strategy, in all its phases, on one thread: OpenMP's threads do not go
 * along when this process forks. */
static const test_setting brief[] = {{"threads", "1"},
                                     {"commit_steps", "5"},
                                     {"buffer_size", "24"},
                                     {"log_every", "3"},
                                     {"dataset.train_per_class", "32"},
                                     {"dataset.test_per_class", "10"},
                                     {"batch", "8"},
                                     {NULL, NULL}};

static const plan *to_kill;

static bool count_step(void *context)
{
    (void)context;
    atomic_fetch_add(&between->steps, 1);
    return false;
}

static void run_child(const char *path, bool resume)
{
    const mn_observer observer = {.stop = count_step};
    install_deadly_vfs();
    mn_status status;
    if (resume) {
        status = mn_resume(path, &observer);
    } else {
        mn_experiment *experiment = test_experiment(test_benchmark_of(to_kill->strategy),
                                                    to_kill->strategy, to_kill->killed);
        status = mn_experiment_run(experiment, path, &observer);
    }
    if (status != MN_OK)
        fprintf(stderr, "child: %s\n", mn_error());
    _exit(status == MN_OK ? 0 : 1);
}

static pid_t start_child(const char *path, bool resume, long long die_at_write)
{
    atomic_store(&between->steps, 0);
    atomic_store(&between->writes, 0);
    between->die_at_write = die_at_write;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        run_child(path, resume);
    return child;
}

/* True when the child ended by itself, with success. */
static bool wait_child(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        return false;
    }
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return true;
}

/* Waits until the child has done so many steps (or ended), and kills it somewhere after. */
static void kill_after(pid_t child, long long steps, long microseconds)
{
    siginfo_t ended = {.si_pid = 0};
    while (atomic_load(&between->steps) < steps && ended.si_pid == 0) {
        usleep(50);
        waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT);
    }
    usleep((useconds_t)microseconds);
    kill(child, SIGKILL);
}

typedef struct tally {
    int kills, after_second_commit, inside_transaction, done_again;
    int in_generator; /* of genifer: last committed in the middle of that phase */
} tally;

static long long committed(const char *path, const char *sql)
{
    return access(path, F_OK) != 0 ||
                   test_query(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'cursor'") == 0
               ? 0
               : test_query(path, sql);
}

static long long committed_step(const char *path)
{
    return committed(path, "SELECT coalesce((SELECT step FROM cursor), 0)");
}

/* Killed while the file was being made, there is none: the same command starts again. */
static bool can_resume(const char *path)
{
    return access(path, F_OK) == 0;
}

/* One life of the run: started or resumed, then killed or finished. */
static bool live(const char *path, bool resume, int i, tally *seen)
{
    const mn_key key = mn_key_of(11, "crash");
    const long long steps = mn_random_below(key, (uint64_t)(3 * i), to_kill->most_steps);
    const bool in_write = i % 2 == 1;
    const long long at_write =
        in_write ? 1 + mn_random_below(key, (uint64_t)(3 * i + 1), to_kill->most_writes) : 0;
    const long long before = resume ? committed_step(path) : 0;
    const pid_t child = start_child(path, resume, at_write);
    if (!in_write)
        kill_after(child, steps, (long)mn_random_below(key, (uint64_t)(3 * i + 2), 3000));
    if (wait_child(child))
        return true;
    seen->kills++;
    seen->inside_transaction += in_write;
    const long long commits = committed(path, "SELECT coalesce((SELECT commits FROM cursor), 0)");
    seen->after_second_commit += commits >= 2;
    seen->in_generator +=
        committed(path, "SELECT coalesce((SELECT phase = 2 AND phase_step > 0 FROM cursor), 0)") ==
        1;
    /* What was done and not committed is at most one interval, and will be done again. */
    const long long lost = before + atomic_load(&between->steps) - committed_step(path);
    ck_assert_int_ge(lost, 0);
    ck_assert_int_le(lost, COMMIT_STEPS);
    seen->done_again += lost > 0;
    return false;
}

static tally kill_and_compare(const plan *p)
{
    const int kills = p->kills;
    to_kill = p;
    between =
        mmap(NULL, sizeof *between, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(between, MAP_FAILED);
    const char *folder = test_folder("crash");
    char undisturbed[600], killed[600];
    snprintf(undisturbed, sizeof undisturbed, "%s/undisturbed.mneme", folder);
    snprintf(killed, sizeof killed, "%s/killed.mneme", folder);
    test_run(test_benchmark_of(p->strategy), p->strategy, p->undisturbed, undisturbed);
    const long long total = committed_step(undisturbed);
    tally seen = {0};
    for (int i = 0; seen.kills < kills;) {
        test_remove(killed);
        bool done = false;
        for (; !done && seen.kills < kills; i++)
            done = live(killed, can_resume(killed), i, &seen);
        if (!done) { /* the last life: nothing but what remained is done */
            const long long remaining = total - committed_step(killed);
            ck_assert(wait_child(start_child(killed, can_resume(killed), 0)));
            ck_assert_int_eq(atomic_load(&between->steps), remaining);
        }
        test_same_run(undisturbed, killed);
    }
    test_remove(undisturbed);
    test_remove(killed);
    (void)rmdir(folder);
    (void)munmap(between, sizeof *between);
    return seen;
}

static void print_tally(const char *of, const tally *seen)
{
    printf("%s: %d kills: %d after the second commit, %d inside a transaction, %d lost steps\n", of,
           seen->kills, seen->after_second_commit, seen->inside_transaction, seen->done_again);
}

/* The kills must have come at instants that matter. */
static tally kill_one(const plan *p)
{
    const tally seen = kill_and_compare(p);
    print_tally(p->strategy, &seen);
    ck_assert_int_ge(seen.after_second_commit, seen.kills * 2 / 3);
    ck_assert_int_ge(seen.inside_transaction, seen.kills / 3);
    return seen;
}

START_TEST(every_strategy_survives_its_kills)
{
    tally all = {0};
    test_register_uses();
    for (int i = 0; mn_registered(MN_KIND_STRATEGY, i) != NULL; i++) {
        const char *name = mn_registered(MN_KIND_STRATEGY, i)->name;
        const tally seen = kill_and_compare(&(plan){name, brief, brief, 4, 24, 60});
        print_tally(name, &seen);
        all.kills += seen.kills;
        all.after_second_commit += seen.after_second_commit;
        all.inside_transaction += seen.inside_transaction;
        all.done_again += seen.done_again;
    }
    print_tally("all", &all);
    ck_assert_int_ge(all.after_second_commit, all.kills / 2); /* short runs: some come early */
    ck_assert_int_ge(all.inside_transaction, all.kills / 6);
}
END_TEST

START_TEST(thirty_kills_leave_no_trace)
{
    kill_one(&(plan){"derpp", plain, plain, 30, 40, 300});
}
END_TEST

START_TEST(nor_do_kills_of_a_run_whose_buffer_is_larger_than_its_memory)
{
    kill_one(&(plan){"derpp", plain, limited, 15, 40, 300});
}
END_TEST

START_TEST(nor_do_kills_of_a_network_on_augmented_images)
{
    kill_one(&(plan){"derpp", images, limited_images, 12, 30, 3000});
}
END_TEST

START_TEST(nor_do_kills_in_the_middle_of_a_generators_training)
{
    const tally seen = kill_one(&(plan){"genifer", brief, brief, 12, 40, 200});
    printf("%d of them in the generator's training\n", seen.in_generator);
    ck_assert_int_ge(seen.in_generator, seen.kills / 2);
}
END_TEST

START_TEST(a_network_on_augmented_images_rebuilt_at_every_commit_ends_the_same)
{
    const char *folder = test_folder("crash-rebuild");
    char undisturbed[600], rebuilt[600];
    snprintf(undisturbed, sizeof undisturbed, "%s/undisturbed.mneme", folder);
    snprintf(rebuilt, sizeof rebuilt, "%s/rebuilt.mneme", folder);
    test_run("split-synthetic", "derpp", images, undisturbed);
    test_run("split-synthetic", "derpp", rebuilt_images, rebuilt);
    test_same_run(undisturbed, rebuilt);
    test_remove(undisturbed);
    test_remove(rebuilt);
    (void)rmdir(folder);
}
END_TEST

MN_SUITE("crash", every_strategy_survives_its_kills, thirty_kills_leave_no_trace,
         nor_do_kills_of_a_run_whose_buffer_is_larger_than_its_memory,
         nor_do_kills_of_a_network_on_augmented_images,
         nor_do_kills_in_the_middle_of_a_generators_training,
         a_network_on_augmented_images_rebuilt_at_every_commit_ends_the_same)
