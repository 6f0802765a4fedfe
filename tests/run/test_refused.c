/* What cannot be is refused before anything is trained, with the reason: every registered strategy
 * on streams that lack what it needs and with buffers too small for it, and options that contradict
 * each other. */
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/buffer.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const mn_strategy *strategy_at(int i)
{
    return (const void *)mn_registered(MN_KIND_STRATEGY, i);
}

static mn_status resolve(const char *benchmark, const char *strategies,
                         const test_setting *settings)
{
    mn_experiment *experiment = NULL;
    mn_status status = mn_experiment_new(benchmark, strategies, &experiment);
    for (; status == MN_OK && settings != NULL && settings->key != NULL; settings++)
        status = mn_experiment_set(experiment, settings->key, settings->value);
    if (status == MN_OK)
        status = mn_experiment_resolve(experiment);
    mn_experiment_free(experiment);
    return status;
}

static void check_refused(mn_status status, mn_status expected, const char *name, const char *text)
{
    ck_assert_msg(status == expected, "%s: status %d: %s", name, (int)status, mn_error());
    ck_assert_msg(strstr(mn_error(), text) != NULL, "%s: %s", name, mn_error());
}

START_TEST(strategies_get_the_stream_that_they_need_or_none)
{
    for (int i = 0; strategy_at(i) != NULL; i++) {
        const mn_strategy *s = strategy_at(i);
        mn_status status = resolve("general-synthetic", s->name, NULL);
        if ((s->needs & MN_NEEDS_TASK_BOUNDARIES) != 0)
            check_refused(status, MN_UNSUPPORTED, s->name, "where tasks begin and end");
        else if ((s->needs & MN_NEEDS_CONTIGUOUS_CLASSES) == 0 && status != MN_OK)
            check_refused(status, MN_UNSUPPORTED, s->name, "policy");
        status = resolve("perm-synthetic", s->name, NULL);
        if ((s->needs & MN_NEEDS_CONTIGUOUS_CLASSES) != 0)
            check_refused(status, MN_UNSUPPORTED, s->name, "class-incremental stream");
    }
}
END_TEST

START_TEST(strategies_that_replay_get_a_buffer)
{
    static const test_setting none[] = {{"buffer_size", "0"}, {NULL, NULL}};
    int count = 0;
    for (int i = 0; strategy_at(i) != NULL; i++) {
        const mn_strategy *s = strategy_at(i);
        if ((s->needs & MN_NEEDS_BUFFER) == 0)
            continue;
        check_refused(resolve("split-synthetic", s->name, none), MN_BAD_OPTION, s->name,
                      "buffer_size is 0");
        count++;
    }
    ck_assert_int_ge(count, 15);
}
END_TEST

static bool stop_at_first_step(void *context)
{
    ++*(int *)context;
    return true;
}

/* With one row, a strategy trains, or says what it needs the rows for before its first step. */
START_TEST(a_buffer_of_one_row_is_enough_or_refused)
{
    static const test_setting one[] = {{"buffer_size", "1"},
                                       {"dataset.train_per_class", "8"},
                                       {"dataset.test_per_class", "4"},
                                       {NULL, NULL}};
    static const char *const need_more[] = {"agem", "gem", "icarl", "lucir", "xder"};
    const char *folder = test_folder("refused");
    char path[600];
    int refused = 0;
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    for (int i = 0; strategy_at(i) != NULL; i++) {
        const char *name = strategy_at(i)->name;
        int steps = 0;
        const mn_observer observer = {.context = &steps, .stop = stop_at_first_step};
        mn_experiment *experiment = test_experiment(test_benchmark_of(name), name, one);
        const mn_status status = mn_experiment_run(experiment, path, &observer);
        mn_experiment_free(experiment);
        bool needs_more = false;
        for (size_t k = 0; k < sizeof need_more / sizeof need_more[0]; k++)
            needs_more = needs_more || strcmp(name, need_more[k]) == 0;
        if (status == MN_BAD_OPTION) {
            check_refused(status, MN_BAD_OPTION, name, "raise buffer_size");
            ck_assert_int_eq(steps, 0);
            refused++;
        } else {
            ck_assert_msg(!needs_more, "%s: was to be refused", name);
            ck_assert_msg(status == MN_INTERRUPTED, "%s: %s", name, mn_error());
        }
        test_remove(path);
    }
    ck_assert_int_ge(refused, 7);
    (void)rmdir(folder);
}
END_TEST

typedef struct contradiction {
    const char *benchmark, *strategies;
    test_setting settings[3];
    mn_status status;
    const char *text;
} contradiction;

static const contradiction contradictions[] = {
    {"split-synthetic",
     "er",
     {{"buffer_size", "9"}, {"buffer_bytes", "9000"}},
     MN_BAD_OPTION,
     "buffer_bytes, 9000, sets the budget already"},
    {"split-synthetic", "er", {{"schedule.name", "multistep"}}, MN_BAD_OPTION, "never change"},
    {"split-synthetic", "er", {{"steps", "5"}, {"epochs", "2"}}, MN_BAD_OPTION, "5 steps instead"},
    {"split-synthetic",
     "er",
     {{"steps", "20"}, {"schedule.warm_up", "20"}},
     MN_BAD_OPTION,
     "schedule.warm_up: 20, but a task has 20 steps at most"},
    {"split-synthetic", "icarl", {{"buffer_policy", "reservoir"}}, MN_BAD_OPTION, "choose herding"},
    {"ssl-synthetic", "ccic", {{"buffer_policy", "reservoir"}}, MN_BAD_OPTION, "choose first"},
    {"split-synthetic", "xder", {{"buffer_policy", "balanced"}}, MN_BAD_OPTION, "leave it out"},
    {"general-synthetic", "er", {{"buffer_policy", "herding"}}, MN_UNSUPPORTED, "has no tasks"},
    {"perm-synthetic", "er", {{"buffer_policy", "herding"}}, MN_UNSUPPORTED, "choose another"},
    {"perm-synthetic",
     "gdumb",
     {{NULL, NULL}},
     MN_UNSUPPORTED,
     "too little of later tasks would be kept"},
    {"split-synthetic", "er", {{"lr", "0"}, {"er.replay", "0"}}, MN_BAD_OPTION, "er.replay"},
    {"general-synthetic", "er+lwf", {{NULL, NULL}}, MN_UNSUPPORTED, "lwf must be told"},
};

START_TEST(contradictions_are_refused)
{
    for (size_t i = 0; i < sizeof contradictions / sizeof contradictions[0]; i++) {
        const contradiction *c = &contradictions[i];
        char name[64];
        snprintf(name, sizeof name, "%s, contradiction %zu", c->strategies, i);
        check_refused(resolve(c->benchmark, c->strategies, c->settings), c->status, name, c->text);
    }
}
END_TEST

/* A ring with a share for each class, say, would forget all tasks but the last. */
START_TEST(where_classes_come_again_some_of_every_task_is_remembered)
{
    static const test_setting none[] = {{NULL, NULL}};
    const char *folder = test_folder("refused-again");
    char path[600];
    int count = 0;
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    for (int i = 0; strategy_at(i) != NULL; i++) {
        const char *name = strategy_at(i)->name;
        if (resolve("perm-synthetic", name, none) != MN_OK)
            continue;
        mn_experiment *experiment = test_experiment("perm-synthetic", name, none);
        const mn_status status = mn_experiment_run(experiment, path, NULL);
        if (status == MN_UNSUPPORTED) { /* the network has not what some need */
            ck_assert_msg(strcmp(test_benchmark_of(name), "split-synthetic") != 0, "%s: %s", name,
                          mn_error());
            mn_experiment_free(experiment);
            test_remove(path);
            continue;
        }
        ck_assert_ok(status);
        /* Unlike gradients are what gss lets in: a task may bring none. */
        const long long tasks = strcmp(name, "gss") == 0 ? 2 : 3;
        mn_experiment_free(experiment);
        if (test_query(path, "SELECT count(*) FROM exemplar") > 0) {
            ck_assert_msg(test_query(path, "SELECT count(DISTINCT task) FROM exemplar") >= tasks,
                          "%s has forgotten a task", name);
            count++;
        }
        test_remove(path);
    }
    ck_assert_int_ge(count, 10);
    (void)rmdir(folder);
}
END_TEST

/* What only the data tell. */
static const contradiction later_contradictions[] = {
    {"general-synthetic",
     "er-ace",
     {{"er-ace.task_free", "false"}},
     MN_BAD_OPTION,
     "set er-ace.task_free"},
    {"split-synthetic",
     "er",
     {{"schedule.warm_up", "80"}, {"epochs", "2"}},
     MN_BAD_OPTION,
     "schedule.warm_up: 80, but a task has 80 steps at most"},
};

START_TEST(contradictions_to_the_stream_are_refused)
{
    const char *folder = test_folder("refused-later");
    char path[600];
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    for (size_t i = 0; i < sizeof later_contradictions / sizeof later_contradictions[0]; i++) {
        const contradiction *c = &later_contradictions[i];
        mn_experiment *experiment = test_experiment(c->benchmark, c->strategies, c->settings);
        ck_assert_fails(mn_experiment_run(experiment, path, NULL), c->status, c->text);
        mn_experiment_free(experiment);
        test_remove(path);
    }
    (void)rmdir(folder);
}
END_TEST

/* Joint training takes ever longer: its last task gets through what the first does not. */
START_TEST(a_warm_up_that_some_task_leaves_is_none_to_refuse)
{
    static const test_setting warm[] = {{"schedule.warm_up", "100"}, {"epochs", "2"}, {NULL, NULL}};
    const char *folder = test_folder("refused-not");
    char path[600];
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    test_run("split-synthetic", "joint", warm, path);
    test_remove(path);
    (void)rmdir(folder);
}
END_TEST

MN_SUITE("refused", a_warm_up_that_some_task_leaves_is_none_to_refuse,
         strategies_get_the_stream_that_they_need_or_none, strategies_that_replay_get_a_buffer,
         a_buffer_of_one_row_is_enough_or_refused, contradictions_are_refused,
         where_classes_come_again_some_of_every_task_is_remembered,
         contradictions_to_the_stream_are_refused)
