/* Run files and data that are not what a run left or needs. */
#include "base/registry.h"
#include "tests/rights.h"
#include "tests/run/whole.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- files that are not as they should be --- */

static struct {
    int64_t channels, classes;
    int lighter;
    const char *const *names;
} mood;

static mn_status moody_read(const void *options, const char *folder, mn_dataset *dataset)
{
    enum { PLANE = 16 };
    (void)options;
    (void)folder;
    const int64_t pixels = PLANE * mood.channels;
    dataset->channels = mood.channels;
    dataset->height = dataset->width = 4;
    dataset->classes = mood.classes;
    dataset->class_names = mood.names;
    mn_images *const parts[] = {&dataset->train, &dataset->test};
    for (int p = 0; p < 2; p++) {
        mn_images *part = parts[p];
        part->count = 80;
        part->pixels = malloc((size_t)(80 * pixels));
        part->labels = malloc(80 * sizeof *part->labels);
        for (int i = 0; i < 80; i++) {
            part->labels[i] = (int32_t)(i % mood.classes);
            for (int64_t k = 0; k < pixels; k++)
                part->pixels[i * pixels + k] = (uint8_t)((i % 4) * 50 + k + mood.lighter);
        }
    }
    return MN_OK;
}

static const mn_dataset_type moody = {
    MN_DATASET_HEADER,
    .name = "moody",
    .summary = "Changes.",
    .read = moody_read,
};

/* Places that become names, or the other way round, would be other classes of the same digest. */
START_TEST(a_list_of_classes_that_means_others_now_is_noticed)
{
    static const char *const from_one[] = {"1", "2", "3", "4"}, *const from_ten[] = {"10", "20",
                                                                                     "30", "40"};
    ck_assert_ok(mn_register(MN_KIND_DATASET, &moody));
    char benchmark[PATH_BYTES], path[PATH_BYTES];
    FILE *file = fopen(in_folder(benchmark, "moody.json"), "w");
    fputs("{\"dataset\": {\"name\": \"moody\"}, "
          "\"stream\": {\"tasks\": 2, \"classes\": 2, \"class_order\": [3, 1]}}",
          file);
    fclose(file);
    stopper s = {3};
    const mn_observer observer = {.context = &s, .stop = stop_after};
    mood.channels = 1, mood.classes = 4, mood.names = from_one;
    mn_experiment *experiment = test_experiment(benchmark, "er", NULL);
    ck_assert_fails(mn_experiment_run(experiment, in_folder(path, "run"), &observer),
                    MN_INTERRUPTED, "stopped at step 3");
    mn_experiment_free(experiment);
    mood.names = from_ten;
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT,
                    "began with class 2 of the data set as number 1, in task 1");
    mood.names = NULL;
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, "names of classes have changed");
    mood.names = from_one;
    ck_assert_ok(mn_resume(path, NULL));
    expect_status(path, "done");
    mood.names = NULL;
    unlink(benchmark);
    clean(path, NULL);
}
END_TEST

START_TEST(a_data_set_that_has_changed_is_noticed)
{
    ck_assert_ok(mn_register(MN_KIND_DATASET, &moody));
    char benchmark[PATH_BYTES], path[PATH_BYTES];
    FILE *file = fopen(in_folder(benchmark, "moody.json"), "w");
    fputs("{\"dataset\": {\"name\": \"moody\"}, \"stream\": {\"tasks\": 2}, "
          "\"normalise\": {\"mean\": [0.5]}}",
          file);
    fclose(file);
    stopper s = {3};
    const mn_observer observer = {.context = &s, .stop = stop_after};
    mood.channels = 1, mood.classes = 4;
    mn_experiment *experiment = test_experiment(benchmark, "er", NULL);
    ck_assert_fails(mn_experiment_run(experiment, in_folder(path, "run"), &observer),
                    MN_INTERRUPTED, "stopped at step 3");
    mn_experiment_free(experiment);
    mood.lighter = 1;
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, "the data set moody has digest ");
    mood.lighter = 0;
    mood.channels = 3; /* no mean for these; */
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, "the data set moody has digest ");
    mood.channels = 1;
    mood.classes = 3; /* and no two equal tasks of these */
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, "the data set moody has digest ");
    mood.classes = 4;
    ck_assert_ok(mn_resume(path, NULL));
    expect_status(path, "done");
    unlink(benchmark);
    clean(path, NULL);
}
END_TEST

static mn_status run_er(const char *path)
{
    mn_experiment *experiment = test_experiment(split, "er", usual);
    const mn_status status = mn_experiment_run(experiment, path, NULL);
    mn_experiment_free(experiment);
    return status;
}

START_TEST(an_existing_file_is_left_alone)
{
    char path[PATH_BYTES], text[32] = "";
    test_run(split, "er", usual, in_folder(path, "run"));
    const long long steps = test_query(path, "SELECT step FROM cursor");
    ck_assert_fails(run_er(path), MN_BAD_OPTION, "exists; continue it with 'mneme resume ");
    ck_assert_int_eq(test_query(path, "SELECT step FROM cursor"), steps);
    test_remove(path);
    FILE *file = fopen(path, "w");
    fputs("my diary", file);
    fclose(file);
    ck_assert_fails(run_er(path), MN_BAD_OPTION, "exists");
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, path);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_str_eq(text, "my diary");
    clean(path, NULL);
}
END_TEST

START_TEST(a_missing_truncated_or_newer_file_is_not_resumed)
{
    char path[PATH_BYTES];
    ck_assert_fails(mn_resume(in_folder(path, "run"), NULL), MN_NOT_FOUND, "there is no such file");
    ck_assert_int_eq(run_until("er", usual, path, 25), MN_INTERRUPTED);
    FILE *file = fopen(path, "r+");
    fseek(file, 63, SEEK_SET); /* the last byte of SQLite's user_version */
    fputc(99, file);
    fclose(file);
    ck_assert_fails(mn_resume(path, NULL), MN_WRONG_VERSION, "has schema 99, and this mneme knows");
    test_remove(path);
    ck_assert_int_eq(run_until("er", usual, path, 25), MN_INTERRUPTED);
    ck_assert_int_eq(truncate(path, 70000), 0);
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, path);
    ck_assert_int_eq(truncate(path, 100), 0);
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, path);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, "is empty");
    clean(path, NULL);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_refused)
{
    char path[PATH_BYTES];
    const char *folder = test_folder("run");
    ck_assert_int_eq(chmod(folder, 0555), 0);
    ck_assert(test_obey_permissions());
    ck_assert_fails(run_er(in_folder(path, "run")), MN_IO_FAILED, path);
    ck_assert_ptr_null(strchr(mn_error(), '\n'));
    ck_assert_fails(run_er(in_folder(path, "deeper/run")), MN_IO_FAILED, "cannot make the folder");
    ck_assert_int_eq(chmod(folder, 0755), 0);
    clean(path, NULL);
}
END_TEST

/* The child says that it runs, and waits in a step to be told to go on. */
typedef struct meeting {
    int running[2], go_on[2];
    int steps;
} meeting;

static bool meet(void *context)
{
    meeting *m = context;
    char byte = 'x';
    if (++m->steps == 12 &&
        (write(m->running[1], &byte, 1) != 1 || read(m->go_on[0], &byte, 1) != 1))
        _exit(2);
    return false;
}

START_TEST(two_processes_never_write_one_file)
{
    char path[PATH_BYTES], byte;
    in_folder(path, "run");
    meeting m = {.steps = 0};
    ck_assert_int_eq(pipe(m.running) + pipe(m.go_on), 0);
    const pid_t child = fork();
    if (child == 0) {
        const mn_observer observer = {.context = &m, .stop = meet};
        mn_experiment *experiment = test_experiment(split, "er", usual);
        _exit(mn_experiment_run(experiment, path, &observer) == MN_OK ? 0 : 1);
    }
    ck_assert_int_eq(read(m.running[0], &byte, 1), 1);
    char named[64];
    snprintf(named, sizeof named, "is being written by process %ld on host", (long)child);
    ck_assert_fails(mn_resume(path, NULL), MN_BUSY, named);
    ck_assert_fails(run_er(path), MN_BAD_OPTION, "exists");
    ck_assert_int_eq(write(m.go_on[1], "x", 1), 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_status(path, "done");
    char other[PATH_BYTES];
    test_run(split, "er", usual, in_folder(other, "other"));
    test_same_run(path, other);
    clean(path, other);
}
END_TEST

MN_SUITE("wrong_files", a_list_of_classes_that_means_others_now_is_noticed,
         a_data_set_that_has_changed_is_noticed, an_existing_file_is_left_alone,
         a_missing_truncated_or_newer_file_is_not_resumed,
         a_folder_that_cannot_be_written_is_refused, two_processes_never_write_one_file)
