/* Whole runs: what must not change their numbers, how they stop and go on, and what they say when
 * something is wrong.  Disks that fail are in test_run_faults.c. */
#include "base/registry.h"
#include "store/records.h"
#include "store/runfile.h"
#include "tests/rights.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <errno.h>
#include <math.h>
#include <mneme/strategy.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 600 };

static const char *split = "split-synthetic";
static const test_setting usual[] = {{"commit_steps", "10"}, {"log_every", "4"}, {NULL, NULL}};

static const char *in_folder(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", test_folder("run"), name);
    return path;
}

/* Removes the files and the folder, in which nothing else may be left. */
static void clean(const char *one, const char *other)
{
    test_remove(one);
    if (other != NULL)
        test_remove(other);
    ck_assert_msg(rmdir(test_folder("run")) == 0, "files were left: %s", strerror(errno));
}

static void expect_status(const char *path, const char *status)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM run WHERE key = 'status' AND value = '%s'",
             status);
    ck_assert_msg(test_query(path, sql) == 1, "the status is not '%s'", status);
}

/* --- what must not change the numbers --- */

static void expect_same_state(const char *one, const char *other)
{
    static const char *const sums[] = {
        "SELECT count(*) * 4294967296 + sum(crc) FROM tensor",
        "SELECT count(*) * 4294967296 + sum(crc) FROM exemplar",
        "SELECT count(*) * 4294967296 + sum(crc) FROM exemplar_column",
        "SELECT count(*) * 4294967296 + sum(crc) FROM output"};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        ck_assert_msg(test_query(one, sums[i]) == test_query(other, sums[i]), "%s", sums[i]);
}

START_TEST(one_thread_gives_the_same_bytes_twice)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    static const test_setting one_thread[] = {{"threads", "1"}, {NULL, NULL}};
    test_run(split, "derpp", one_thread, in_folder(one, "one"));
    test_run(split, "derpp", one_thread, in_folder(other, "other"));
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

START_TEST(another_seed_gives_other_bytes)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    static const test_setting seed_1[] = {{"seed", "1"}, {NULL, NULL}};
    test_run(split, "derpp", NULL, in_folder(one, "one"));
    test_run(split, "derpp", seed_1, in_folder(other, "other"));
    static const char sum[] = "SELECT sum(crc) FROM tensor";
    ck_assert_int_ne(test_query(one, sum), test_query(other, sum));
    clean(one, other);
}
END_TEST

START_TEST(evaluating_logging_and_committing_change_no_weight)
{
    static const test_setting often[][2] = {{{"eval_every", "7"}, {NULL, NULL}},
                                            {{"log_every", "1"}, {NULL, NULL}},
                                            {{"log_every", "1000000"}, {NULL, NULL}},
                                            {{"commit_steps", "1"}, {NULL, NULL}},
                                            {{"commit_every", "0"}, {NULL, NULL}}};
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "derpp", NULL, in_folder(one, "one"));
    in_folder(other, "other");
    for (size_t i = 0; i < sizeof often / sizeof often[0]; i++) {
        const test_setting settings[] = {often[i][0], often[i][1], {NULL, NULL}};
        test_run(split, "derpp", settings, other);
        expect_same_state(one, other);
    }
    clean(one, other);
}
END_TEST

static int64_t steps_reported;

static void count_progress(void *context, const mn_progress *progress)
{
    (void)context;
    ck_assert_int_le(progress->done, progress->total);
    steps_reported = progress->done;
}

static int tasks_reported;

static void count_task(void *context, const mn_task_report *report)
{
    (void)context;
    ck_assert_int_eq(report->task, tasks_reported);
    ck_assert_int_eq(report->tasks, 3);
    double sum = 0;
    for (int64_t i = 0; i <= report->task; i++)
        sum += report->accuracy[i];
    ck_assert_double_eq_tol(report->average_accuracy, sum / (double)(report->task + 1), 1e-9);
    tasks_reported++;
}

static void no_log(void *context, mn_log_level level, const char *line)
{
    (void)context;
    (void)level;
    ck_assert_ptr_null(strchr(line, '\n'));
}

START_TEST(an_observer_changes_no_byte)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "er", usual, in_folder(one, "one"));
    mn_experiment *experiment = test_experiment(split, "er", usual);
    const mn_observer observer = {
        .log = no_log, .progress = count_progress, .task_done = count_task};
    ck_assert_ok(mn_experiment_run(experiment, in_folder(other, "other"), &observer));
    mn_experiment_free(experiment);
    ck_assert_int_eq(tasks_reported, 3);
    ck_assert_int_gt(steps_reported, 0);
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

/* --- stopping and going on --- */

typedef struct stopper {
    int steps; /* until it asks to stop */
} stopper;

static bool stop_after(void *context)
{
    stopper *s = context;
    return --s->steps <= 0;
}

static mn_status run_until(const char *strategy, const test_setting *settings, const char *path,
                           int steps)
{
    stopper s = {steps};
    const mn_observer observer = {.context = &s, .stop = stop_after};
    mn_experiment *experiment = test_experiment(split, strategy, settings);
    const mn_status status = mn_experiment_run(experiment, path, &observer);
    mn_experiment_free(experiment);
    return status;
}

START_TEST(a_stopped_run_that_is_resumed_ends_as_if_undisturbed)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "derpp", usual, in_folder(one, "one"));
    in_folder(other, "other");
    static const int steps[] = {1, 9, 10, 11, 39, 40, 41, 80, 119, 120};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        ck_assert_fails(run_until("derpp", usual, other, steps[i]), MN_INTERRUPTED,
                        "continue with 'mneme resume ");
        expect_status(other, "interrupted");
        ck_assert_int_eq(test_query(other, "SELECT step FROM cursor"), steps[i]);
        ck_assert_int_eq(test_query(other, "SELECT stage FROM cursor"), 2); /* of a phase */
        ck_assert_ok(mn_resume(other, NULL));
        expect_status(other, "done");
        ck_assert_int_eq(test_query(other, "SELECT stage FROM cursor"), 4);
        test_same_run(one, other);
        test_remove(other);
    }
    clean(one, other);
}
END_TEST

START_TEST(a_run_may_be_stopped_any_number_of_times)
{
    char one[PATH_BYTES], other[PATH_BYTES];
    test_run(split, "derpp", usual, in_folder(one, "one"));
    mn_status status = run_until("derpp", usual, in_folder(other, "other"), 13);
    int stops = 0;
    for (; status == MN_INTERRUPTED; stops++) {
        stopper s = {13};
        const mn_observer observer = {.context = &s, .stop = stop_after};
        status = mn_resume(other, &observer);
    }
    ck_assert_ok(status);
    ck_assert_int_eq(stops, 120 / 13);
    test_same_run(one, other);
    ck_assert_ok(mn_resume(other, NULL)); /* finished: nothing to do */
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

typedef struct warned {
    int lines;
    char last[1024];
} warned;

static void note_warning(void *context, mn_log_level level, const char *line)
{
    warned *w = context;
    if (level != MN_LOG_WARNING)
        return;
    w->lines++;
    snprintf(w->last, sizeof w->last, "%s", line);
}

/* What is said when a run goes on whose file names `value` for some keys; NULL: it names none. */
static warned resumed(const char *const keys[], const char *value)
{
    char path[PATH_BYTES];
    warned w = {.lines = 0};
    const mn_observer observer = {.context = &w, .log = note_warning};
    mn_runfile *file;
    ck_assert_int_eq(run_until("er", usual, in_folder(path, "run"), 25), MN_INTERRUPTED);
    for (int i = 0; keys[i] != NULL && value == NULL; i++)
        test_forget(path, keys[i]);
    ck_assert_ok(mn_runfile_open(path, MN_WRITE, &file));
    ck_assert_ok(mn_runfile_begin(file));
    for (int i = 0; keys[i] != NULL && value != NULL; i++)
        ck_assert_ok(mn_runfile_set(file, keys[i], value));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_ok(mn_resume(path, &observer));
    clean(path, NULL);
    return w;
}

START_TEST(going_on_with_other_libraries_or_instructions_is_said_in_one_line)
{
    static const char *const none[] = {NULL}, *const libraries[] = {"libraries", NULL},
                             *const sets[] = {"instruction_set", "onednn_instruction_set", NULL};
    ck_assert_int_eq(resumed(none, "").lines, 0);
    warned w = resumed(libraries, "abacus 1");
    ck_assert_int_eq(w.lines, 1);
    ck_assert_ptr_nonnull(strstr(w.last, "run: began with abacus 1, here is oneDNN "));
    w = resumed(sets, "mmx");
    ck_assert_int_eq(w.lines, 1);
    ck_assert_ptr_nonnull(strstr(w.last, "began with the instruction set mmx, here is "));
    ck_assert_ptr_nonnull(strstr(w.last, "; with oneDNN's instruction set mmx, here is "));
    ck_assert_ptr_nonnull(strstr(w.last, "may differ by rounding"));
    ck_assert_int_eq(resumed(sets, NULL).lines, 0); /* an older mneme did not write them down */
}
END_TEST

/* --- numbers that are none --- */

static int64_t explodes_at;

static mn_status exploding_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_var *value = mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels);
    mn_term(learner, "fine", 0.5, value);
    mn_term(learner, "stream", 1,
            mn_step(learner) == explodes_at ? mn_scale(value, (double)NAN) : value);
    return MN_OK;
}

static const mn_strategy exploding = {
    MN_STRATEGY_HEADER,
    .name = "exploding",
    .summary = "Fails when it is told to.",
    .loss = exploding_loss,
};

START_TEST(a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_last_commit)
{
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &exploding));
    char one[PATH_BYTES], other[PATH_BYTES];
    explodes_at = -1;
    test_run(split, "exploding", usual, in_folder(one, "one"));
    explodes_at = 57;
    mn_experiment *experiment = test_experiment(split, "exploding", usual);
    ck_assert_fails(mn_experiment_run(experiment, in_folder(other, "other"), NULL), MN_NOT_FINITE,
                    "loss term 'stream' became nan at step 57 (task 2)");
    mn_experiment_free(experiment);
    expect_status(other, "failed");
    /* Commits come every ten steps after the one at the end of the first task, step 40. */
    ck_assert_int_eq(test_query(other, "SELECT step FROM cursor"), 50);
    ck_assert_int_eq(test_query(other, "SELECT count(*) FROM run WHERE key = 'error' AND value "
                                       "LIKE '%term ''stream''%step 57%'"),
                     1);
    ck_assert_fails(mn_resume(other, NULL), MN_NOT_FINITE, "at step 57");
    explodes_at = -1;
    ck_assert_ok(mn_resume(other, NULL));
    expect_status(other, "done");
    ck_assert_int_eq(
        test_query(other, "SELECT count(*) FROM run WHERE key = 'error' AND value <> ''"), 0);
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

START_TEST(a_learning_rate_that_is_too_large_is_noticed)
{
    static const test_setting wild[] = {{"lr", "1000"}, {"derpp.alpha", "1000"}, {NULL, NULL}};
    char path[PATH_BYTES];
    mn_experiment *experiment = test_experiment(split, "derpp", wild);
    ck_assert_fails(mn_experiment_run(experiment, in_folder(path, "wild"), NULL), MN_NOT_FINITE,
                    "a smaller lr may help");
    mn_experiment_free(experiment);
    clean(path, NULL);
}
END_TEST

/* --- mistakes of a strategy --- */

static mn_status no_term(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    return mn_forward(learner, now, MN_TRAIN) != NULL ? MN_OK : MN_BAD_VALUE;
}

static mn_status term_of_many(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "many", 1, mn_forward(learner, now, MN_TRAIN)->logits);
    return MN_OK;
}

static mn_status wrong_shapes(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    mn_term(learner, "fit", 1, mn_mse(logits, mn_zeros(tape, MN_SHAPE(3, 2))));
    return MN_OK;
}

static mn_status undeclared_column(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    mn_term(learner, "fit", 1, mn_mse(logits, mn_column(tape, now, "logits")));
    return MN_OK;
}

static mn_status too_many_forwards(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    for (int i = 0; i < 200; i++)
        (void)mn_forward(learner, now, MN_TRAIN);
    return exploding_loss(learner, tape, now);
}

static mn_status too_many_draws(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "replay %d", i);
        (void)mn_draw(learner, name, 3);
    }
    return exploding_loss(learner, tape, now);
}

static mn_status remembers(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

static mn_status keeps_twice(mn_learner *learner)
{
    int64_t *number;
    MN_TRY(mn_keep_int(learner, "number", &number));
    return mn_keep_int(learner, "number", &number);
}

static mn_status keeps_column(mn_learner *learner)
{
    return mn_keep_column(learner, "logits", 0);
}

static const mn_update lost_updates[] = {
    {.name = "main", .optimiser = "lost", .loss = exploding_loss}, {.name = NULL}};
static const mn_phase lost_phases[] = {{.name = "train", .updates = lost_updates}, {.name = NULL}};

static const struct {
    mn_strategy strategy;
    mn_status status;
    const char *message;
} mistakes[] = {
#define MISTAKE(id, ...)                                                                           \
    {                                                                                              \
        MN_STRATEGY_HEADER, .name = id, .summary = "Is wrong.", __VA_ARGS__                        \
    }
    {MISTAKE("no-term", .loss = no_term), MN_OUT_OF_ORDER, "added no term; call mn_term()"},
    {MISTAKE("term-of-many", .loss = term_of_many), MN_BAD_SHAPE,
     "loss term 'many' is (10,6), not a scalar"},
    {MISTAKE("wrong-shapes", .loss = wrong_shapes), MN_BAD_SHAPE,
     "task 1, train: mse: (10,6) vs (3,2) in wrong-shapes"},
    {MISTAKE("undeclared", .loss = undeclared_column), MN_NOT_FOUND, "no column 'logits'"},
    {MISTAKE("forwards", .loss = too_many_forwards), MN_UNSUPPORTED, "more than 128 forwards"},
    {MISTAKE("draws", .loss = too_many_draws), MN_UNSUPPORTED, "more than 128 batches"},
    {MISTAKE("no-buffer", .loss = exploding_loss, .after_step = remembers), MN_OUT_OF_ORDER,
     "no-buffer: after_step: there is no buffer; declare MN_NEEDS_BUFFER"},
    {MISTAKE("no-buffer-column", .loss = exploding_loss, .open = keeps_column), MN_OUT_OF_ORDER,
     "no-buffer-column: open: column 'logits'"},
    {MISTAKE("twice", .loss = exploding_loss, .open = keeps_twice), MN_OUT_OF_ORDER,
     "twice: open: 'twice/number' is kept twice"},
    {MISTAKE("lost", .loss = exploding_loss, .phases = lost_phases), MN_NOT_FOUND,
     "lost: no optimiser 'lost' was declared"},
};

START_TEST(mistakes_of_a_strategy_are_named_in_one_line)
{
    explodes_at = -1;
    char path[PATH_BYTES];
    in_folder(path, "mistake");
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        ck_assert_ok(mn_register(MN_KIND_STRATEGY, &mistakes[i].strategy));
        mn_experiment *experiment = test_experiment(split, mistakes[i].strategy.name, usual);
        ck_assert_fails(mn_experiment_run(experiment, path, NULL), mistakes[i].status,
                        mistakes[i].message);
        ck_assert_ptr_null(strchr(mn_error(), '\n'));
        mn_experiment_free(experiment);
        test_remove(path);
    }
    clean(path, NULL);
}
END_TEST

/* --- what is told of a task --- */

static long long told[3]; /* accuracies after the last task, in thousandths of a per cent */

static void keep_accuracies(void *context, const mn_task_report *report)
{
    (void)context;
    for (int64_t i = 0; i <= report->task; i++)
        told[i] = llround(1000 * report->accuracy[i]);
}

START_TEST(accuracies_are_told_as_the_file_has_them)
{
    static const mn_strategy informed = {
        MN_STRATEGY_HEADER,          .name = "informed",     .summary = "Is told the task.",
        .needs = MN_NEEDS_TEST_TASK, .loss = exploding_loss,
    };
    static const char *const cases[][2] = {{"er", "class-il"}, {"informed", "task-il"}};
    explodes_at = -1;
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &informed));
    char path[PATH_BYTES], sql[200];
    const mn_observer observer = {.task_done = keep_accuracies};
    for (int i = 0; i < 2; i++) {
        mn_experiment *experiment = test_experiment(split, cases[i][0], usual);
        ck_assert_ok(mn_experiment_run(experiment, in_folder(path, "run"), &observer));
        mn_experiment_free(experiment);
        for (int task = 0; task < 3; task++) {
            snprintf(sql, sizeof sql,
                     "SELECT CAST(round(1000 * accuracy) AS INTEGER) FROM accuracy "
                     "WHERE after_task = 2 AND on_task = %d AND scope = '%s'",
                     task, cases[i][1]);
            ck_assert_int_eq(told[task], test_query(path, sql));
        }
        test_remove(path);
    }
    clean(path, NULL);
}
END_TEST

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

MN_SUITE("run", one_thread_gives_the_same_bytes_twice, another_seed_gives_other_bytes,
         evaluating_logging_and_committing_change_no_weight, an_observer_changes_no_byte,
         a_stopped_run_that_is_resumed_ends_as_if_undisturbed,
         a_run_may_be_stopped_any_number_of_times,
         going_on_with_other_libraries_or_instructions_is_said_in_one_line,
         a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_last_commit,
         a_learning_rate_that_is_too_large_is_noticed, mistakes_of_a_strategy_are_named_in_one_line,
         accuracies_are_told_as_the_file_has_them,
         a_list_of_classes_that_means_others_now_is_noticed, a_data_set_that_has_changed_is_noticed,
         an_existing_file_is_left_alone, a_missing_truncated_or_newer_file_is_not_resumed,
         a_folder_that_cannot_be_written_is_refused, two_processes_never_write_one_file)
