/* What a phase over task and buffer holds out where classes have few rows; and what is not done: a
 * phase without images, an update without a term, a schedule beside the training. */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 60, TASKS = 3, CLASSES = 8 }; /* of split-synthetic, two classes a task */

static double fraction;
static bool as_many;
static int rows_held[TASKS], images_held[TASKS], of_class[TASKS][CLASSES];

static mn_status few_open(mn_learner *learner)
{
    if (as_many)
        mn_hold_out_as_many(learner, fraction);
    else
        mn_hold_out(learner, fraction);
    return MN_OK;
}

static mn_status plain_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    mn_term(learner, "plain", 1,
            mn_cross_entropy(mn_forward(learner, batch, MN_TRAIN)->logits, batch->labels));
    return MN_OK;
}

static mn_status count(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const int64_t task = mn_task(learner);
    for (int64_t i = 0; i < batch->count; i++) {
        rows_held[task] += batch->slots[i] >= 0;
        images_held[task] += batch->slots[i] < 0;
        of_class[task][batch->labels[i]]++;
    }
    return MN_OK;
}

static int64_t only_later_tasks(mn_learner *learner)
{
    return mn_task(learner) > 0;
}

static const mn_phase phases[] = {
    {.name = "train", .source = MN_FROM_BOTH},
    {.name = "held", .source = MN_FROM_HELD_OUT, .epochs = only_later_tasks, .visit = count},
    {.name = NULL},
};

static const mn_strategy few = {
    MN_STRATEGY_HEADER,
    .name = "few",
    .summary = "Holds out less than a row of each class.",
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_SELECTION,
    .policy = "herding",
    .open = few_open,
    .phases = phases,
    .loss = plain_loss,
};

typedef struct said {
    int lines;
    char last[256];
} said;

static void listen(void *context, mn_log_level level, const char *line)
{
    said *s = context;
    if (level != MN_LOG_WARNING)
        return;
    s->lines++;
    snprintf(s->last, sizeof s->last, "%s", line);
}

static void run_quietly(const mn_strategy *strategy, const test_setting *settings, said *s)
{
    char path[600];
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, strategy));
    snprintf(path, sizeof path, "%s/run.mneme", test_folder("held_out"));
    mn_experiment *experiment = test_experiment("split-synthetic", strategy->name, settings);
    const mn_observer observer = {.context = s, .log = listen};
    ck_assert_ok(mn_experiment_run(experiment, path, &observer));
    mn_experiment_free(experiment);
    test_remove(path);
    (void)rmdir(test_folder("held_out"));
}

static void hold_out(double share, bool in_all, said *s)
{
    static const test_setting settings[] = {{"buffer_size", "60"}, {NULL, NULL}};
    fraction = share;
    as_many = in_all;
    memset(rows_held, 0, sizeof rows_held);
    memset(images_held, 0, sizeof images_held);
    memset(of_class, 0, sizeof of_class);
    run_quietly(&few, settings, s);
}

/* Two past classes, then four, share three rows. */
START_TEST(a_share_of_the_buffer_is_held_out_though_no_class_has_a_whole_row_of_it)
{
    said s = {.lines = 0};
    hold_out(0.05, false, &s);
    for (int task = 1; task < TASKS; task++) {
        ck_assert_int_eq(rows_held[task], 3);
        ck_assert_int_eq(images_held[task], task == 1 ? 3 : 2); /* 3, 1.5 */
        for (int label = 0; label < CLASSES; label++)
            ck_assert_int_le(of_class[task][label], 2);
    }
    hold_out(0.05, true, &s);
    for (int task = 1; task < TASKS; task++) {
        ck_assert_int_eq(rows_held[task], 3);
        ck_assert_int_eq(images_held[task], 3);
    }
    ck_assert_int_eq(s.lines, 0);
}
END_TEST

START_TEST(a_phase_that_finds_no_image_says_so)
{
    said s = {.lines = 0};
    hold_out(0.001, false, &s);
    ck_assert_int_eq(rows_held[1] + images_held[1], 0);
    ck_assert_int_eq(s.lines, TASKS - 1);
    ck_assert_str_eq(s.last, "task 3, held: there is no image to work on, so nothing was done");
}
END_TEST

/* --- an update without a term, and the rate of a visit --- */

static mn_tensor *before;
static double rates[2];

static mn_status idle_open(mn_learner *learner)
{
    const mn_tensor *values = mn_network_values(mn_learner_network(learner));
    return mn_add_scratch(learner, mn_tensor_shape(values), &before);
}

static mn_status no_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    (void)batch;
    return mn_tensor_copy(before, mn_network_values(mn_learner_network(learner)));
}

/* Weight decay alone would move the weights. */
static mn_status nothing_moved(mn_learner *learner, const mn_batch *batch, const mn_out *out)
{
    (void)batch;
    (void)out;
    mn_tensor *values = mn_network_values(mn_learner_network(learner));
    ck_assert_ok(mn_tensor_axpby(before, -1, values, 1));
    ck_assert(mn_tensor_norm(before) == 0);
    return MN_OK;
}

static mn_status note_rate(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    (void)batch;
    rates[mn_epoch(learner) > 0] = mn_learning_rate(learner);
    return MN_OK;
}

static int64_t two(mn_learner *learner)
{
    (void)learner;
    return 2;
}

static const mn_update idle_updates[] = {
    {.name = "plain", .loss = plain_loss},
    {.name = "nothing", .loss = no_loss},
    {.name = NULL},
};
static const mn_phase idle_phases[] = {
    {.name = "train", .source = MN_FROM_STREAM, .updates = idle_updates},
    {.name = "look", .source = MN_FROM_NOTHING, .epochs = two, .visit = note_rate},
    {.name = NULL},
};

static const mn_strategy idle = {
    MN_STRATEGY_HEADER,    .name = "idle",  .summary = "Adds no term.",  .open = idle_open,
    .phases = idle_phases, .loss = no_loss, .after_step = nothing_moved,
};

START_TEST(an_update_without_a_term_makes_no_step_and_a_visit_has_the_configured_rate)
{
    said s = {.lines = 0};
    static const test_setting settings[] = {
        {"optimiser.weight_decay", "0.1"}, {"lr", "0.25"},
        {"schedule.name", "multistep"},    {"schedule.milestones", "1"},
        {"schedule.factor", "0.1"},        {NULL, NULL}};
    run_quietly(&idle, settings, &s);
    ck_assert(rates[0] == 0.25 && rates[1] == 0.25);
}
END_TEST

MN_SUITE("held_out", a_share_of_the_buffer_is_held_out_though_no_class_has_a_whole_row_of_it,
         a_phase_that_finds_no_image_says_so,
         an_update_without_a_term_makes_no_step_and_a_visit_has_the_configured_rate)
