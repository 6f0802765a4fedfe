/* The profile of a run: its parts add up, and it changes nothing. */
#include "tests/run_files.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct table {
    int rows, convolutions;
    double share; /* sum, in per cent */
    bool layer, optimiser, steps, commits;
} table;

static void read_line(void *context, mn_log_level level, const char *line)
{
    table *t = context;
    double forward, backward, share;
    char op[32], rate[16];
    (void)level;
    t->steps = t->steps || strstr(line, "steps of ") != NULL;
    t->commits = t->commits || strstr(line, " commits ") != NULL;
    if (sscanf(line, "%lf ms %lf ms %lf %% %15s %*s %31s", &forward, &backward, &share, rate, op) !=
        5)
        return;
    t->rows++;
    t->share += share;
    t->convolutions += strcmp(op, "conv2d") == 0;
    t->layer = t->layer || (strcmp(op, "conv2d") == 0 && strstr(line, "layer1.0.conv1") != NULL &&
                            forward > 0 && backward > 0 && atof(rate) > 0);
    t->optimiser = t->optimiser || strcmp(op, "optimiser") == 0;
}

static const test_setting settings[] = {{"network.name", "resnet18-reduced"},
                                        {"network.width", "4"},
                                        {"threads", "1"},
                                        {"batch", "40"},
                                        {"buffer_size", "30"},
                                        {NULL, NULL}};

START_TEST(a_profile_adds_up_and_changes_nothing)
{
    const char *folder = test_folder("profile");
    char plain[600], profiled[600];
    snprintf(plain, sizeof plain, "%s/plain.mneme", folder);
    snprintf(profiled, sizeof profiled, "%s/profiled.mneme", folder);
    test_run("split-synthetic", "derpp", settings, plain);
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", "derpp", &experiment));
    for (const test_setting *s = settings; s->key != NULL; s++)
        ck_assert_ok(mn_experiment_set(experiment, s->key, s->value));
    ck_assert_ok(mn_experiment_set(experiment, "profile", "true"));
    table t = {0};
    test_remove(profiled);
    ck_assert_ok(
        mn_experiment_run(experiment, profiled, &(mn_observer){.context = &t, .log = read_line}));
    mn_experiment_free(experiment);
    ck_assert(t.steps && t.layer && t.optimiser && t.commits);
    ck_assert_int_ge(t.rows, 40);
    /* Each of the network's 20 convolutions once.  Shares are of time, which a busy machine bends.
     */
    ck_assert_int_eq(t.convolutions, 20);
    ck_assert(t.share > 50 && t.share < 101);
    test_same_run(plain, profiled);
    test_remove(plain);
    test_remove(profiled);
    (void)rmdir(folder);
}
END_TEST

MN_SUITE("profile", a_profile_adds_up_and_changes_nothing)
