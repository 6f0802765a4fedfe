/* Labelled and unlabelled rows, their views and mixtures, asked for inside runs; and what is
 * refused before training. */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/mixing.h>
#include <mneme/results.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PER_CLASS = 5, LABELS = 4, IMAGES = 30, CLASSES = 6, MOST = 2 * PER_CLASS * CLASSES };

static const char *folder;
static int64_t steps;

static const char *path_of(const char *name)
{
    static char path[2][600];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* --- a strategy that looks at what it gets --- */

static void check_rows(mn_learner *learner, const mn_batch *rows)
{
    const mn_range seen = mn_classes(learner, MN_SEEN), present = mn_classes(learner, MN_PRESENT);
    int64_t of_class[CLASSES] = {0};
    for (int64_t i = 0; i < rows->count; i++) {
        const bool from_stream = i < rows->stream_rows;
        const bool is_present = rows->labels[i] >= present.first;
        ck_assert(from_stream == is_present); /* the past is remembered, the present is not */
        ck_assert(from_stream == (rows->slots[i] < 0));
        ck_assert_int_eq(rows->tasks[i], rows->labels[i] / present.count);
        of_class[rows->labels[i]]++;
        for (int64_t j = 0; j < i; j++) /* 5 of 4 images: one comes twice */
            if (rows->indices[j] == rows->indices[i])
                of_class[rows->labels[i]] += 100;
    }
    for (int64_t c = 0; c < seen.count; c++)
        ck_assert_int_eq(of_class[c], PER_CLASS + 100 * (PER_CLASS - LABELS));
    ck_assert_int_eq(rows->count, seen.count * PER_CLASS);
}

static void check_views(const mn_batch *rows, const mn_batch *views, int64_t n, int64_t side)
{
    const int64_t image = side * side;
    ck_assert_int_eq(views->count, n * rows->count);
    ck_assert_int_eq(views->stream_rows, 0);
    ck_assert_int_eq(views->image.size[2], side);
    for (int64_t i = 0; i < views->count; i++) {
        ck_assert_int_eq(views->labels[i], rows->labels[i % rows->count]);
        ck_assert_int_eq(views->indices[i], rows->indices[i % rows->count]);
        const bool small = side != rows->image.size[2];
        for (int64_t k = 0; k < image; k++)
            if (small) /* there are no pixels of this size but the view's */
                ck_assert(fabsf((float)views->pixels[i * image + k] / 255.0f -
                                views->x[i * image + k]) < 0.003f);
            else
                ck_assert_int_eq(views->pixels[i * image + k],
                                 rows->pixels[i % rows->count * image + k]);
    }
}

static void check_mixing(mn_learner *learner, mn_tape *tape, const mn_batch *rows)
{
    const int64_t image = mn_shape_count(rows->image), n = rows->count;
    const mn_mixing mixing = mn_draw_mixing(learner, "pairs", n, 0.75);
    const mn_batch *mixed = mn_mix_batch(learner, rows, &mixing);
    const float *same = mn_host(
        mn_mix_rows(mn_input(tape, MN_SHAPE(n, image), rows->x, false), &mixing)); /* (n, image) */
    int64_t partners = 0;
    bool chosen[1024] = {false};
    ck_assert_int_le(n, 1024);
    ck_assert_int_eq(mixed->count, n);
    ck_assert_int_eq(mixed->stream_rows, 0);
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = mixing.partner[i];
        const float share = mixing.share[i];
        partners += !chosen[j]; /* a permutation chooses each row once */
        chosen[j] = true;
        ck_assert(share >= 0.5f && share <= 1);
        ck_assert_int_eq(mixed->labels[i], rows->labels[i]);
        for (int64_t k = 0; k < image; k++) {
            const float want =
                share * rows->x[i * image + k] + (1 - share) * rows->x[j * image + k];
            ck_assert(fabsf(mixed->x[i * image + k] - want) < 1e-5f);
            ck_assert(fabsf(same[i * image + k] - want) < 1e-5f);
        }
    }
    ck_assert_int_eq(partners, n);
}

static mn_status open(mn_learner *learner)
{
    const mn_view_spec small = mn_small_views(learner);
    MN_TRY(mn_check_views(learner, &small));
    return mn_check_labelled(learner, LABELS);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_view_spec full = mn_full_views(learner), small = mn_small_views(learner);
    const mn_batch *rows = mn_draw_labelled_per_class(learner, "labelled", PER_CLASS);
    check_rows(learner, rows);
    check_mixing(learner, tape, rows);
    const mn_batch *large = mn_views(learner, "full", rows, &full, 2);
    const mn_batch *crops = mn_views(learner, "small", rows, &small, 2);
    check_views(rows, large, 2, 14);
    check_views(rows, crops, 2, 8);
    int64_t unlabelled = 0;
    for (int64_t i = 0; i < now->count; i++)
        unlabelled += now->labels[i] < 0;
    ck_assert_int_gt(unlabelled, 0);
    ck_assert_int_eq(mn_views(learner, "none", mn_draw_of_task(learner, "none", 99, 3), &small, 2)
                         ->image.size[1],
                     8);
    mn_term(learner, "full", 1,
            mn_cross_entropy(mn_forward(learner, large, MN_TRAIN)->logits, large->labels));
    mn_term(learner, "small", 1,
            mn_cross_entropy(mn_forward(learner, crops, MN_TRAIN)->logits, crops->labels));
    steps++;
    return MN_OK;
}

static mn_status after_task(mn_learner *learner)
{
    const mn_batch *rows = mn_draw_stream(learner, "remember", 1000);
    ck_assert_int_eq(rows->count, 2 * LABELS);
    return mn_remember(learner, rows, MN_WITHOUT);
}

static const mn_strategy looker = {
    MN_STRATEGY_HEADER,
    .name = "looker",
    .summary = "Looks at labelled rows and views.",
    .needs = MN_NEEDS_BUFFER | MN_USES_UNLABELLED,
    .open = open,
    .loss = loss,
    .after_task = after_task,
};

static const test_setting usual[] = {{"labels.per_class", "4"},
                                     {"stream.images_per_class", "30"},
                                     {"network.name", "resnet18-reduced"},
                                     {"network.width", "2"},
                                     {"threads", "1"},
                                     {"batch", "20"},
                                     {NULL, NULL}};

static mn_experiment *experiment_of(const char *key, const char *value)
{
    mn_experiment *experiment;
    const bool other_network = key != NULL && strcmp(key, "network.name") == 0;
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &looker));
    ck_assert_ok(mn_experiment_new("split-synthetic", "looker", &experiment));
    for (const test_setting *s = usual; s->key != NULL; s++)
        if (!other_network || strstr(s->key, "network") == NULL)
            ck_assert_ok(mn_experiment_set(experiment, s->key, s->value));
    if (key != NULL)
        ck_assert_ok(mn_experiment_set(experiment, key, value));
    folder = test_folder("multiview");
    return experiment;
}

static void tidy(const char *name)
{
    test_remove(path_of(name));
    (void)rmdir(folder);
}

static void run(const char *key, const char *value, const char *name)
{
    mn_experiment *experiment = experiment_of(key, value);
    ck_assert_ok(mn_experiment_run(experiment, path_of(name), NULL));
    mn_experiment_free(experiment);
}

START_TEST(labelled_rows_come_per_class_and_small_views_have_their_own_size)
{
    run(NULL, NULL, "run.mneme");
    ck_assert_int_eq(steps, 3 * 3); /* 60 images a task in batches of 20 */
    tidy("run.mneme");
    steps = 0;
    run("labels.pool", "0.5", "run.mneme");
    ck_assert_int_eq(steps, 3 * 2); /* 30 of them */
    tidy("run.mneme");
}
END_TEST

START_TEST(a_run_rebuilt_at_every_step_is_the_same)
{
    mn_experiment *experiment = experiment_of("commit_steps", "1");
    ck_assert_ok(mn_experiment_set(experiment, "rebuild", "true"));
    run("commit_steps", "1", "plain.mneme");
    ck_assert_ok(mn_experiment_run(experiment, path_of("rebuilt.mneme"), NULL));
    mn_experiment_free(experiment);
    test_same_run(path_of("plain.mneme"), path_of("rebuilt.mneme"));
    tidy("plain.mneme");
    tidy("rebuilt.mneme");
}
END_TEST

/* --- classifiers that are only looked at --- */

static mn_status probed_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "nothing", 0, mn_mean(mn_forward(learner, now, MN_TRAIN)->logits));
    return MN_OK;
}

static mn_var *all_of_one(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)learner;
    float scores[IMAGES * CLASSES * CLASSES] = {0};
    ck_assert_int_le(batch->count, IMAGES * CLASSES);
    for (int64_t i = 0; i < batch->count; i++) {
        ck_assert_int_eq(batch->labels[i], -1); /* what it is asked about is hidden */
        ck_assert_int_eq(batch->tasks[i], -1);
        scores[i * CLASSES + 1] = 1;
        scores[i * CLASSES + 5] = 2; /* of the future until the last task */
    }
    return mn_input(tape, MN_SHAPE(batch->count, CLASSES), scores, false);
}

/* Right about a share of each class that says how many images it was counted over. */
static mn_var *by_thirds(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)learner;
    float scores[IMAGES * CLASSES * CLASSES] = {0};
    for (int64_t i = 0; i < batch->count; i++)
        scores[i * CLASSES + (batch->indices[i] / 7 % 3 == 0)] = 1;
    return mn_input(tape, MN_SHAPE(batch->count, CLASSES), scores, false);
}

static const mn_probe probes[] = {
    {"all of one", all_of_one}, {"by thirds", by_thirds}, {.name = NULL}};

static const mn_strategy prober = {
    MN_STRATEGY_HEADER,
    .name = "prober",
    .summary = "Takes every image for one of class 1, later of class 5.",
    .needs = MN_USES_UNLABELLED,
    .loss = probed_loss,
    .probes = probes,
};

/* The accuracy noted for a class after a task, or -1. */
static double noted(const char *classifier, const char *scope, int64_t label, int64_t task)
{
    mn_results *results;
    mn_probed *list;
    int64_t count;
    double found = -1;
    ck_assert_ok(mn_results_open(path_of("run.mneme"), &results));
    ck_assert_ok(mn_results_probes(results, &list, &count));
    ck_assert_int_eq(count, 2 * 2 * (2 + 4 + 6)); /* probes x scopes x classes seen */
    for (int64_t i = 0; i < count; i++)
        if (list[i].label == label && list[i].after_task == task &&
            strcmp(list[i].classifier, classifier) == 0 &&
            strcmp(mn_scope_name(list[i].scope), scope) == 0) {
            ck_assert_int_eq(mn_results_class_name(results, label)[0], '0' + label);
            found = list[i].accuracy;
        }
    free(list);
    mn_results_free(results);
    return found;
}

START_TEST(a_probe_is_measured_on_unlabelled_images_by_class_and_sees_no_label)
{
    static const test_setting settings[] = {
        {"labels.per_class", "4"}, {"stream.images_per_class", "30"}, {NULL, NULL}};
    folder = test_folder("multiview-probe");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &prober));
    test_run("split-synthetic", "prober", settings, path_of("run.mneme"));
    ck_assert_double_eq(noted("all of one", "class-il", 1, 0), 100);
    ck_assert_double_eq(noted("all of one", "class-il", 0, 0), 0);
    ck_assert_double_eq(noted("all of one", "class-il", 2, 0), -1); /* not seen yet */
    ck_assert_double_eq(noted("all of one", "class-il", 1, 1), 100);
    ck_assert_double_eq(noted("all of one", "class-il", 1, 2),
                        0); /* class 5 is among the seen now */
    ck_assert_double_eq(noted("all of one", "class-il", 5, 2), 100);
    ck_assert_double_eq(noted("all of one", "task-il", 1, 2),
                        100);              /* within the task it is no choice */
    const double images = IMAGES - LABELS; /* of a class: the labelled are not asked about */
    const double right = noted("by thirds", "class-il", 1, 2) / 100 * images;
    ck_assert_double_eq_tol(right, round(right), 1e-9);
    ck_assert_double_gt(right, 1);
    tidy("run.mneme");
}
END_TEST

/* --- where every task has all classes --- */

static int64_t remembered;

static mn_status mixed_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const mn_batch *rows = mn_draw_labelled_per_class(learner, "labelled", LABELS);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    int64_t of_class[CLASSES] = {0};
    ck_assert_int_eq(rows->count, LABELS * classes);
    for (int64_t i = 0; i < rows->count; i++) {
        const bool from_stream = i < rows->stream_rows;
        ck_assert(from_stream == (rows->tasks[i] == mn_task(learner)));
        ck_assert(from_stream == (rows->slots[i] < 0)); /* what is kept of this task is not drawn */
        remembered += !from_stream;
        of_class[rows->labels[i]]++;
    }
    for (int64_t c = 0; c < classes; c++)
        ck_assert_int_eq(of_class[c], LABELS);
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, rows, MN_TRAIN)->logits, rows->labels));
    return mn_remember(learner, now, MN_WITHOUT);
}

static const mn_strategy mixer = {
    MN_STRATEGY_HEADER,
    .name = "mixer",
    .summary = "Draws labelled rows of all tasks so far.",
    .needs = MN_NEEDS_BUFFER,
    .loss = mixed_loss,
};

START_TEST(where_every_task_has_all_classes_they_come_from_both)
{
    static const test_setting settings[] = {
        {"labels.per_class", "8"}, {"buffer_size", "24"}, {NULL, NULL}};
    folder = test_folder("multiview-domain");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &mixer));
    test_run("perm-synthetic", "mixer", settings, path_of("run.mneme"));
    ck_assert_int_gt(remembered, 10);
    tidy("run.mneme");
}
END_TEST

/* --- what is refused --- */

static void refuse(const char *key, const char *value, const char *message)
{
    mn_experiment *experiment = experiment_of(key, value);
    steps = 0;
    ck_assert_fails(mn_experiment_run(experiment, path_of("run.mneme"), NULL), MN_BAD_OPTION,
                    message);
    ck_assert_int_eq(steps, 0);
    mn_experiment_free(experiment);
    tidy("run.mneme");
}

START_TEST(what_cannot_be_is_refused_before_training)
{
    refuse("network.name", "mlp", "views of 8x8: network mlp takes images of 14x14 alone");
    refuse("network.name", "convnet", "views of 8x8: network convnet takes images of 14x14 alone");
    refuse("views.small_size", "15", "a size of 15 is larger than the images, 14x14");
    refuse("views.small_area_least", "0.9",
           "views.small_area_least: 0.9 is not above 0 and at most");
    refuse("labels.per_class", "3",
           "4 labelled images of each class in a batch, but class '0' has 3");
    refuse("labels.per_class", "31", "labels.per_class: 31, but class 0 has only 30");
    refuse("stream.images_per_class", "1000", "stream.images_per_class: 1000, but class 0");
}
END_TEST

MN_SUITE("multiview", labelled_rows_come_per_class_and_small_views_have_their_own_size,
         a_run_rebuilt_at_every_step_is_the_same,
         where_every_task_has_all_classes_they_come_from_both,
         a_probe_is_measured_on_unlabelled_images_by_class_and_sees_no_label,
         what_cannot_be_is_refused_before_training)
