/* Given teachers: runs that have them are exact after any interruption, the teachers stay what they
 * are, those that know something else are refused, and a student may see less than they do. */
#include "nn/sight.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/ops.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONE_TASK                                                                                   \
    {"stream.tasks", "1"}, {"dataset.train_per_class", "40"},                                      \
    {                                                                                              \
        "threads", "1"                                                                             \
    }

static char teacher[600], other[600], path[600], again[600], quoted[610], both[1300];

/* Trains two small networks, of which the tests' students learn. */
static void begin(const char *name)
{
    static const test_setting first[] = {ONE_TASK, {NULL, NULL}};
    static const test_setting second[] = {
        ONE_TASK, {"seed", "1"}, {"network.widths", "20"}, {NULL, NULL}};
    const char *folder = test_folder(name);
    snprintf(teacher, sizeof teacher, "%s/teacher.mneme", folder);
    snprintf(other, sizeof other, "%s/teacher, 2.mneme", folder);
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    snprintf(again, sizeof again, "%s/again.mneme", folder);
    snprintf(quoted, sizeof quoted, "\"%s\"", other);
    snprintf(both, sizeof both, "%s,%s", teacher, quoted);
    test_run("split-synthetic", "finetune", first, teacher);
    test_run("split-synthetic", "finetune", second, other);
}

static void end(const char *name)
{
    test_remove(teacher);
    test_remove(other);
    test_remove(path);
    test_remove(again);
    (void)rmdir(test_folder(name));
}

/* A number found by SQL in `path`, where `from` is attached as teacher. */
static double found(const char *from, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    char *attach = sqlite3_mprintf("ATTACH %Q AS given", from);
    ck_assert_int_eq(sqlite3_exec(database, attach, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(attach);
    ck_assert_int_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    const double value = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

/* --- exact --- */

START_TEST(a_learner_with_teachers_is_rebuilt_bit_by_bit)
{
    static const struct {
        const char *strategies, *key, *value;
    } runs[] = {
        {"distil", "labels.per_class", "4"}, {"distil", "distil.labelled", "2"},
        {"distil+crd", "crd.warm_up", "3"},  {"distil+crd", "crd.memory", "bank"},
        {"distil+crd", "sees", "half"},      {"er+crd", "crd.kd", "1"},
        {"derpp+crd", "crd.memory", "bank"},
    };
    begin("distil-rebuild");
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        test_setting settings[] = {ONE_TASK,
                                   {"teacher", both},
                                   {"commit_steps", "7"},
                                   {"crd.negatives", "8"},
                                   {runs[i].key, runs[i].value},
                                   {"rebuild", "true"},
                                   {NULL, NULL}};
        if (strstr(runs[i].strategies, "crd") == NULL)
            settings[5] = (test_setting){"log_every", "3"};
        test_run("split-synthetic", runs[i].strategies, settings, again);
        settings[7] = (test_setting){NULL, NULL};
        test_run("split-synthetic", runs[i].strategies, settings, path);
        test_same_run(path, again);
    }
    end("distil-rebuild");
}
END_TEST

static bool kill_at_step(void *context)
{
    int *left = context;
    if (--*left == 0)
        raise(SIGKILL);
    return false;
}

/* Neither has the run to be told where the teachers lie. */
START_TEST(a_killed_run_goes_on_without_its_teachers_files)
{
    begin("distil-killed");
    const test_setting settings[] = {
        ONE_TASK, {"teacher", both}, {"commit_steps", "3"}, {NULL, NULL}};
    test_run("split-synthetic", "distil+crd", settings, path);
    test_remove(again);
    const pid_t child = fork();
    if (child == 0) {
        int left = 11;
        const mn_observer observer = {.context = &left, .stop = kill_at_step};
        mn_experiment *experiment = test_experiment("split-synthetic", "distil+crd", settings);
        (void)mn_experiment_run(experiment, again, &observer);
        _exit(0);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    ck_assert_int_eq(test_query(again, "SELECT value = 'running' FROM run WHERE key = 'status'"),
                     1);
    test_remove(teacher);
    test_remove(other);
    ck_assert_ok(mn_resume(again, NULL));
    test_same_run(path, again);
    end("distil-killed");
}
END_TEST

/* --- what is learned, and from what --- */

#define DIFFERENT                                                                                  \
    "SELECT count(*) FROM given.tensor AS g JOIN main.tensor AS m ON m.name = "                    \
    "replace(g.name, 'run/network/', 'teacher/network/') WHERE g.role = 'weight' AND m.data "      \
    "<> g.data"
#define EQUAL                                                                                      \
    "SELECT count(*) FROM given.tensor AS g JOIN main.tensor AS m ON m.name = "                    \
    "replace(g.name, 'run/network/', 'teacher/network/') WHERE g.role = 'weight' AND m.data "      \
    "= g.data"

START_TEST(a_teacher_stays_what_it_is)
{
    begin("distil-stays");
    const test_setting settings[] = {ONE_TASK, {"teacher", teacher}, {NULL, NULL}};
    test_run("split-synthetic", "distil+crd", settings, path);
    ck_assert_double_eq(found(teacher, DIFFERENT), 0);
    ck_assert_double_eq(found(teacher, EQUAL), 6); /* weights and biases of three layers */
    ck_assert_int_eq(
        test_query(path, "SELECT count(*) FROM retrieval WHERE value BETWEEN 1 AND 100"),
        2); /* scopes */
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'crd/crd'"), 1);
    end("distil-stays");
}
END_TEST

#define FIRST_OF "SELECT value FROM scalar WHERE name = "
#define ORDERED  " ORDER BY step LIMIT 1"

/* Learning nothing, so that both runs are asked about the same weights. */
static double first_term(const char *teachers, const char *strategies, const char *sql)
{
    const test_setting settings[] = {
        ONE_TASK, {"teacher", teachers}, {"lr", "0"}, {"log_every", "1"}, {NULL, NULL}};
    test_run("split-synthetic", strategies, settings, path);
    return found(teacher, sql);
}

/* The mean of an ensemble's terms is that of its members'; contrasts add up. */
START_TEST(several_teachers_are_an_ensemble)
{
    begin("distil-ensemble");
    const double one = first_term(teacher, "distil", FIRST_OF "'teacher'" ORDERED);
    ck_assert_double_gt(one, 0.01);
    const double two = first_term(quoted, "distil", FIRST_OF "'teacher'" ORDERED);
    const double sum = first_term(both, "distil", FIRST_OF "'teacher'" ORDERED);
    ck_assert_double_gt(two, 0.01);
    ck_assert_double_eq_tol(sum, one + two, 1e-4 * sum);
    const double contrast = first_term(teacher, "finetune+crd", FIRST_OF "'crd/crd'" ORDERED);
    const double contrasts = first_term(both, "finetune+crd", FIRST_OF "'crd/crd'" ORDERED);
    ck_assert_double_gt(contrast, 0.5);
    ck_assert_double_gt(contrasts, 1.5 * contrast);
    end("distil-ensemble");
}
END_TEST

/* Where one image in ten has a label, a batch may have none, and teachers are asked about all. */
START_TEST(labels_are_of_some_and_teachers_of_all)
{
    begin("distil-labels");
    const test_setting settings[] = {ONE_TASK,           {"teacher", teacher},
                                     {"log_every", "1"}, {"labels.per_class", "4"},
                                     {"lr", "0"},        {NULL, NULL}};
    test_run("split-synthetic", "distil", settings, path);
    ck_assert_double_eq(
        found(teacher, "SELECT count(*) FROM scalar WHERE name = 'teacher' AND value > 0"), 24);
    ck_assert_double_ge(
        found(teacher, "SELECT count(*) FROM scalar WHERE name = 'labels' AND value = 0"), 1);
    ck_assert_double_ge(
        found(teacher, "SELECT count(*) FROM scalar WHERE name = 'labels' AND value > 0"), 1);
    end("distil-labels");
}
END_TEST

/* --- what is refused --- */

static void refused(const char *file, const char *key, const char *value, const char *why)
{
    mn_experiment *experiment = NULL;
    const test_setting settings[] = {ONE_TASK, {"teacher", file}, {key, value}, {NULL, NULL}};
    ck_assert_ok(mn_experiment_new("split-synthetic", "distil", &experiment));
    for (const test_setting *s = settings; s->key != NULL; s++)
        ck_assert_ok(mn_experiment_set(experiment, s->key, s->value));
    test_remove(path);
    ck_assert_int_ne(mn_experiment_run(experiment, path, NULL), MN_OK);
    ck_assert_msg(strstr(mn_error(), why) != NULL, "'%s' does not say '%s'", mn_error(), why);
    ck_assert_int_ne(access(path, F_OK), 0);
    mn_experiment_free(experiment);
}

START_TEST(teachers_that_know_something_else_are_refused)
{
    begin("distil-refused");
    refused(teacher, "stream.class_order", "1,0,2,3,4,5", "its class number 1 is '0'");
    refused(teacher, "stream.classes", "4", "it answers for 6 classes, and this run has 4");
    refused(teacher, "dataset.size", "12", "it has learned from images of (1,14,14)");
    refused(teacher, "normalise.mean", "0.5", "set normalise.mean=0 and normalise.deviation=1");
    refused(teacher, "teacher_digest", "00000000", "but the run is to learn from 00000000");
    refused("nobody.mneme", "seed", "0", "nobody.mneme: No such file");
    end("distil-refused");
}
END_TEST

/* A network of three weights, as the specification of safetensors has it. */
START_TEST(what_is_no_run_must_say_of_what_it_is)
{
    static const char json[] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    begin("distil-weights");
    FILE *file = fopen(again, "wb");
    const unsigned char length[8] = {sizeof json - 1};
    ck_assert_uint_eq(fwrite(length, 1, 8, file), 8);
    ck_assert_uint_eq(fwrite(json, 1, sizeof json - 1, file), sizeof json - 1);
    ck_assert_uint_eq(fwrite("\0\0\0\0", 1, 4, file), 4);
    ck_assert_int_eq(fclose(file), 0);
    refused(again, "seed", "0", "set teacher_network to");
    refused(again, "teacher_network", "{\"name\":\"mlp\"}", "does not fit the network mlp");
    refused(again, "teacher_network", "{\"widths\":\"3\"}", "has no \"name\"");
    end("distil-weights");
}
END_TEST

static bool stop_at_once(void *context)
{
    (void)context;
    return true;
}

START_TEST(a_teacher_must_have_finished)
{
    static const test_setting settings[] = {ONE_TASK, {NULL, NULL}};
    const mn_observer observer = {.stop = stop_at_once};
    begin("distil-unfinished");
    mn_experiment *experiment = test_experiment("split-synthetic", "finetune", settings);
    ck_assert_int_eq(mn_experiment_run(experiment, again, &observer), MN_INTERRUPTED);
    mn_experiment_free(experiment);
    refused(again, "seed", "0", "has not finished");
    ck_assert_ok(mn_resume(again, NULL));
    const test_setting student[] = {ONE_TASK, {"teacher", again}, {"sees", "half"}, {NULL, NULL}};
    test_run("split-synthetic", "distil", student, path);
    rename(path, again); /* a teacher that sees less itself */
    refused(again, "seed", "0", "sees less than whole images itself");
    end("distil-unfinished");
}
END_TEST

/* --- seeing less --- */

START_TEST(grey_is_the_mean_of_channels_and_half_of_squares)
{
    static const float x[] = {1, 2, 3, 4, 5,  6, /* two channels of 2 x 3 */
                              3, 2, 1, 0, -1, 2};
    static const float grey[] = {2, 2, 2, 2, 2, 4};
    mn_tape *tape;
    mn_shape seen;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *images = mn_input(tape, MN_SHAPE(1, 2, 2, 3), x, false);
    ck_assert_mem_eq(mn_host(mn_see(MN_SEES_ALL, images)), x, sizeof x);
    ck_assert_mem_eq(mn_host(mn_see(MN_SEES_GREY, images)), grey, sizeof grey);
    const float *half = mn_host(mn_see(MN_SEES_HALF, images));
    ck_assert_double_eq_tol((double)half[0], 3,
                            1e-6); /* (1 + 2 + 4 + 5) / 4; the odd column is lost */
    ck_assert_double_eq_tol((double)half[1], 1, 1e-6);
    ck_assert_double_eq_tol((double)*mn_host(mn_see(MN_SEES_GREY_HALF, images)), 2, 1e-6);
    ck_assert_ok(mn_sight_of(MN_SEES_GREY_HALF, MN_SHAPE(3, 32, 33), &seen));
    ck_assert(mn_shape_equal(seen, MN_SHAPE(1, 16, 16)));
    ck_assert_int_eq(mn_sight_of(MN_SEES_HALF, MN_SHAPE(4), &seen), MN_BAD_OPTION);
    mn_tape_free(tape);
}
END_TEST

/* 7 x 7 pixels of 14 x 14 go into the student's first layer; whoever copies it sees as it does. */
START_TEST(a_student_sees_half_of_what_its_teacher_sees)
{
    begin("distil-half");
    const test_setting settings[] = {
        ONE_TASK, {"teacher", teacher}, {"sees", "half"}, {NULL, NULL}};
    test_run("split-synthetic", "distil+lwf+crd", settings, path);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM tensor WHERE name IN "
                                      "('run/network/fc1.weight', 'lwf/old/fc1.weight') "
                                      "AND shape = '(50,49)'"),
                     2);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM tensor WHERE "
                                      "name = 'teacher/network/fc1.weight' AND shape = '(50,196)'"),
                     1);
    end("distil-half");
}
END_TEST

MN_SUITE("distil", a_learner_with_teachers_is_rebuilt_bit_by_bit,
         a_killed_run_goes_on_without_its_teachers_files, a_teacher_stays_what_it_is,
         several_teachers_are_an_ensemble, labels_are_of_some_and_teachers_of_all,
         teachers_that_know_something_else_are_refused, what_is_no_run_must_say_of_what_it_is,
         a_teacher_must_have_finished, grey_is_the_mean_of_channels_and_half_of_squares,
         a_student_sees_half_of_what_its_teacher_sees)
