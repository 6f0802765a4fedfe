/* Phases: what their batches hold, when the buffer is filled, and how they differ from the usual.
 */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 400, ROWS = 60, TASKS = 3 }; /* of split-synthetic; its tasks' images */

static int trained[4000 + ROWS], held[4000 + ROWS], epochs_of_training, per_class[8];
static bool filled_in_time;

/* An image of the stream, or a row of the buffer. */
static int item_of(const mn_batch *batch, int64_t i)
{
    ck_assert(i < batch->stream_rows ? batch->slots[i] < 0 : batch->slots[i] >= 0);
    return batch->slots[i] >= 0 ? 4000 + (int)batch->slots[i] : (int)batch->indices[i];
}

static mn_status mixed_open(mn_learner *learner)
{
    mn_hold_out(learner, 0.2);
    return MN_OK;
}

static mn_status mixed_before_task(mn_learner *learner)
{
    (void)learner;
    memset(trained, 0, sizeof trained);
    memset(held, 0, sizeof held);
    memset(per_class, 0, sizeof per_class);
    return MN_OK;
}

static mn_status mixed_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    for (int64_t i = 0; i < batch->count; i++)
        trained[item_of(batch, i)]++;
    ck_assert_int_ge(batch->count, 9); /* of 10: evenly spread */
    ck_assert_int_le(batch->count, 10);
    mn_set_learning_rate(learner, 0);
    mn_term(learner, "mixed", 1,
            mn_cross_entropy(mn_forward(learner, batch, MN_TRAIN)->logits, batch->labels));
    return MN_OK;
}

static mn_status look_at_held(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)learner;
    (void)tape;
    for (int64_t i = 0; i < batch->count; i++) {
        held[item_of(batch, i)]++;
        per_class[batch->labels[i]]++;
    }
    return MN_OK;
}

/* Everything once an epoch, in the training or held out; the same share of each class is held. */
static mn_status check_task(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)tape;
    (void)nothing;
    const int64_t task = mn_task(learner);
    int images = 0, rows = 0;
    for (int i = 0; i < 4000 + ROWS; i++) {
        ck_assert(trained[i] == 0 || trained[i] == 2);
        ck_assert(held[i] == 0 || (held[i] == 1 && trained[i] == 0));
        images += i < 4000 && trained[i] + held[i] > 0;
        rows += i >= 4000 && trained[i] + held[i] > 0;
    }
    ck_assert_int_eq(images, IMAGES);
    ck_assert_int_eq(rows, task == 0 ? 0 : ROWS);
    for (int64_t label = 0; label < 8; label++)
        ck_assert_int_eq(per_class[label],
                         task > 0 && label < 2 * (task + 1) ? ROWS / (10 * (int)task) : 0);
    filled_in_time = mn_draw(learner, "all", ROWS)->count == ROWS;
    ck_assert(filled_in_time == (task > 0)); /* not yet with this task's images */
    return MN_OK;
}

static mn_status after_selection(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)tape;
    (void)nothing;
    const mn_batch *all = mn_draw(learner, "selected", ROWS);
    int64_t newest = 0;
    for (int64_t i = 0; i < all->count; i++)
        newest += all->tasks[i] == mn_task(learner);
    ck_assert_int_eq(all->count, ROWS);
    ck_assert_int_eq(newest, ROWS / (mn_task(learner) + 1));
    return MN_OK;
}

static int64_t usual(mn_learner *learner)
{
    (void)learner;
    epochs_of_training++;
    return MN_USUAL_EPOCHS;
}

static const mn_phase phases[] = {
    {.name = "mixed", .source = MN_FROM_BOTH, .epochs = usual},
    {.name = "held", .source = MN_FROM_HELD_OUT, .visit = look_at_held},
    {.name = "check", .source = MN_FROM_NOTHING, .visit = check_task},
    {.name = "after", .source = MN_FROM_NOTHING, .visit = after_selection, .after_selection = true},
    {.name = NULL},
};

static const mn_strategy mixed = {
    MN_STRATEGY_HEADER,
    .name = "mixed",
    .summary = "Trains on task and buffer in one, with some held out.",
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_SELECTION,
    .policy = "herding",
    .open = mixed_open,
    .before_task = mixed_before_task,
    .phases = phases,
    .loss = mixed_loss,
};

/* --- a phase in steps, of two networks that a step moves in turn --- */

typedef struct duel_state {
    mn_network *other;
    mn_tensor *start; /* of the other network in this step */
} duel_state;

static int steps_on_stream, steps_on_nothing;

static mn_status duel_open(mn_learner *learner)
{
    duel_state *s = mn_state(learner);
    MN_TRY(mn_add_network(learner, "other", NULL, &s->other));
    MN_TRY(mn_add_scratch(learner, mn_tensor_shape(mn_network_values(s->other)), &s->start));
    return mn_add_optimiser(learner, "other", "adam", "{\"beta1\": 0}", s->other, 0.001);
}

static int64_t seven_steps(mn_learner *learner)
{
    (void)learner;
    return 7;
}

static int64_t rows_of_150(mn_learner *learner)
{
    (void)learner;
    return 150;
}

/* The first update moves the other network alone, though both take part in its loss. */
static mn_status move_other(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    duel_state *s = mn_state(learner);
    (void)tape;
    steps_on_stream++;
    ck_assert_int_eq(batch->count, 150); /* of 400: what is left over comes later */
    MN_TRY(mn_tensor_copy(s->start, mn_network_values(s->other)));
    mn_var *mine = mn_forward(learner, batch, MN_TRAIN)->logits;
    mn_var *other = mn_forward_with(learner, s->other, batch, MN_TRAIN)->logits;
    mn_term(learner, "distance", 1, mn_mse(mine, other));
    return MN_OK;
}

static mn_status move_own(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    duel_state *s = mn_state(learner);
    (void)tape;
    MN_TRY(mn_tensor_axpby(s->start, 1, mn_network_values(s->other), -1));
    ck_assert_double_gt(mn_tensor_norm(s->start), 1e-4); /* it has moved */
    MN_TRY(mn_tensor_copy(s->start, mn_network_values(s->other)));
    mn_var *mine = mn_forward(learner, batch, MN_TRAIN)->logits;
    mn_var *other = mn_forward_with(learner, s->other, batch, MN_TRAIN)->logits;
    mn_term(learner, "both", 1, mn_mse(mine, other));
    return MN_OK;
}

static mn_status other_stands_still(mn_learner *learner, const mn_batch *batch, const mn_out *out)
{
    duel_state *s = mn_state(learner);
    (void)out;
    if (batch->count == 0)
        return MN_OK;
    MN_TRY(mn_tensor_axpby(s->start, 1, mn_network_values(s->other), -1));
    ck_assert_double_eq(mn_tensor_norm(s->start), 0);
    return MN_OK;
}

static mn_status count_steps(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)learner, (void)tape;
    ck_assert_int_eq(nothing->count, 0);
    steps_on_nothing++;
    return MN_OK;
}

static const mn_update duel_updates[] = {
    {.name = "other", .optimiser = "other", .loss = move_other},
    {.name = "own", .loss = move_own},
    {.name = NULL},
};
static const mn_phase duel_phases[] = {
    {.name = "duel", .steps = seven_steps, .batch = rows_of_150, .updates = duel_updates},
    {.name = "count", .source = MN_FROM_NOTHING, .steps = seven_steps, .visit = count_steps},
    {.name = NULL},
};
static const mn_strategy duel = {
    MN_STRATEGY_HEADER,
    .name = "duel",
    .summary = "Two networks, two updates a step.",
    .state_size = sizeof(duel_state),
    .open = duel_open,
    .phases = duel_phases,
    .loss = move_own,
    .after_step = other_stands_still,
};

static const char *path_of(char path[600])
{
    snprintf(path, 600, "%s/run.mneme", test_folder("phases"));
    return path;
}

/* --- a stream of which little is labelled --- */

enum { LABELLED = 6, PASSES = 40 }; /* of two classes in a task of 400 images, in batches of 10 */

static int times[4000], steps_with_labels, labelled_once;

static mn_status few_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    steps_with_labels++;
    ck_assert_int_eq(batch->count, 10);
    for (int64_t i = 0; i < batch->count; i++)
        times[batch->indices[i]]++;
    mn_term(learner, "few", 1,
            mn_cross_entropy(mn_forward(learner, batch, MN_TRAIN)->logits, batch->labels));
    return MN_OK;
}

static mn_status few_once(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)learner, (void)tape;
    for (int64_t i = 0; i < batch->count; i++) { /* 400 rows in turns of 12 images */
        ck_assert_int_ge(times[batch->indices[i]], 33);
        ck_assert_int_le(times[batch->indices[i]], 34);
    }
    labelled_once += (int)batch->count;
    return MN_OK;
}

static const mn_phase few_phases[] = {
    {.name = "train", .source = MN_FROM_STREAM},
    {.name = "once", .source = MN_FROM_STREAM, .visit = few_once},
    {.name = NULL},
};
static const mn_strategy few = {
    MN_STRATEGY_HEADER, .name = "few", .summary = "Counts.", .phases = few_phases, .loss = few_loss,
};

START_TEST(labelled_images_come_again_for_as_many_steps_as_all_images_take)
{
    char path[600];
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &few));
    static const test_setting settings[] = {{"labels.per_class", "6"}, {NULL, NULL}};
    test_run("split-synthetic", "few", settings, path_of(path));
    ck_assert_int_eq(steps_with_labels, PASSES * TASKS);
    ck_assert_int_eq(labelled_once, 2 * LABELLED * TASKS);
    test_remove(path);
    (void)rmdir(test_folder("phases"));
}
END_TEST

START_TEST(task_and_buffer_come_in_one_order_and_some_are_held_out)
{
    char path[600];
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &mixed));
    static const test_setting settings[] = {{"epochs", "2"}, {NULL, NULL}};
    test_run("split-synthetic", "mixed", settings, path_of(path));
    ck_assert_int_eq(epochs_of_training, TASKS);
    ck_assert(filled_in_time);
    test_remove(path);
    (void)rmdir(test_folder("phases"));
}
END_TEST

/* A rate of 0 in the loss leaves the weights as they are. */
START_TEST(a_loss_may_set_its_own_learning_rate)
{
    char path[600];
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &mixed));
    static const test_setting settings[] = {{"epochs", "2"}, {"log_every", "1"}, {NULL, NULL}};
    test_run("split-synthetic", "mixed", settings, path_of(path));
    ck_assert_int_gt(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'lr'"), 0);
    ck_assert_int_eq(test_query(path, "SELECT max(value) > 0 FROM scalar WHERE name = 'lr'"), 0);
    ck_assert_int_eq(test_query(path, "SELECT count(DISTINCT correct) FROM evaluation WHERE "
                                      "on_task = 0 AND scope = 'task-il'"),
                     1);
    test_remove(path);
    (void)rmdir(test_folder("phases"));
}
END_TEST

START_TEST(a_strategy_has_a_policy_of_its_own_and_refuses_one_that_cannot)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &mixed));
    ck_assert_ok(mn_experiment_new("split-synthetic", "mixed", &experiment));
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_ptr_nonnull(strstr(mn_experiment_json(experiment), "herding"));
    mn_experiment_free(experiment);
    ck_assert_ok(mn_experiment_new("split-synthetic", "mixed", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "buffer_policy", "reservoir"));
    ck_assert_fails(mn_experiment_resolve(experiment), MN_BAD_OPTION, "selects nothing");
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(a_phase_in_steps_moves_each_network_by_its_own_update)
{
    char path[600];
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &duel));
    static const test_setting settings[] = {
        {"commit_steps", "3"}, {"log_every", "1"}, {NULL, NULL}};
    test_run("split-synthetic", "duel", settings, path_of(path));
    ck_assert_int_eq(steps_on_stream, 7 * TASKS);
    ck_assert_int_eq(steps_on_nothing, 7 * TASKS);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'distance'"),
                     7 * TASKS);
    /* Each of the step's two updates has its own loss and rate. */
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'loss'"),
                     2 * 7 * TASKS);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM scalar WHERE name = 'lr' AND "
                                      "update_name = 'other'"),
                     7 * TASKS);
    test_remove(path);
    (void)rmdir(test_folder("phases"));
}
END_TEST

/* Ten batches an epoch: the third is cut short.  Phases of their own length keep it. */
START_TEST(a_task_may_be_so_many_steps_long)
{
    char path[600];
    static const test_setting settings[] = {{"steps", "23"}, {"batch", "40"}, {NULL, NULL}};
    test_run("split-synthetic", "finetune", settings, path_of(path));
    ck_assert_int_eq(test_query(path, "SELECT step FROM cursor"), TASKS * 23);
    ck_assert_int_eq(test_query(path, "SELECT value FROM kept WHERE name = 'run/optimiser/steps'"),
                     23);
    static const test_setting warm[] = {
        {"steps", "23"}, {"batch", "40"}, {"lwf.warm_up", "2"}, {NULL, NULL}};
    test_run("split-synthetic", "lwf", warm, path_of(path));
    ck_assert_int_eq(test_query(path, "SELECT step FROM cursor"), TASKS * 23 + (TASKS - 1) * 20);
    test_remove(path);
    (void)rmdir(test_folder("phases"));
}
END_TEST

START_TEST(moments_may_go_on_from_task_to_task)
{
    char path[600];
    static const test_setting settings[] = {
        {"steps", "23"}, {"keep_moments", "true"}, {"optimiser.name", "adam"}, {NULL, NULL}};
    test_run("split-synthetic", "finetune", settings, path_of(path));
    ck_assert_int_eq(test_query(path, "SELECT value FROM kept WHERE name = 'run/optimiser/steps'"),
                     TASKS * 23);
    test_remove(path);
    (void)rmdir(test_folder("phases"));
}
END_TEST

START_TEST(epochs_beside_steps_are_refused)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", "finetune", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "train.epochs", "2"));
    ck_assert_ok(mn_experiment_set(experiment, "steps", "23"));
    ck_assert_fails(mn_experiment_resolve(experiment), MN_BAD_OPTION, "trained for 23 steps");
    ck_assert_ok(mn_experiment_set(experiment, "steps", "0"));
    ck_assert_ok(mn_experiment_resolve(experiment));
    mn_experiment_free(experiment);
}
END_TEST

/* A recipe may choose the policy and set its options; what the user asks for goes over both. */
START_TEST(the_policy_of_a_recipe_gives_way_to_the_users)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-mnist-vandeven", "er", &experiment));
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_ptr_nonnull(strstr(mn_experiment_json(experiment), "\"classes\""));
    mn_experiment_free(experiment);
    ck_assert_ok(mn_experiment_new("split-mnist-vandeven", "er", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "train.buffer_policy", "ring"));
    ck_assert_fails(mn_experiment_set(experiment, "buffer.share", "tasks"), MN_BAD_OPTION, "share");
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_ptr_null(strstr(mn_experiment_json(experiment), "\"share\""));
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(a_recipe_may_choose_the_optimiser_and_the_user_another)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("ssl-cifar10", "nncsl", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "optimiser.trust", "0.02"));
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_ptr_nonnull(strstr(mn_experiment_json(experiment), "lars"));
    mn_experiment_free(experiment);
    ck_assert_ok(mn_experiment_new("ssl-cifar10", "nncsl", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "optimiser.name", "adam"));
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_ptr_nonnull(strstr(mn_experiment_json(experiment), "adam"));
    ck_assert_ptr_null(strstr(mn_experiment_json(experiment), "lars"));
    mn_experiment_free(experiment);
}
END_TEST

MN_SUITE("phases", a_recipe_may_choose_the_optimiser_and_the_user_another,
         labelled_images_come_again_for_as_many_steps_as_all_images_take,
         a_phase_in_steps_moves_each_network_by_its_own_update,
         task_and_buffer_come_in_one_order_and_some_are_held_out,
         a_loss_may_set_its_own_learning_rate,
         a_strategy_has_a_policy_of_its_own_and_refuses_one_that_cannot,
         a_task_may_be_so_many_steps_long, moments_may_go_on_from_task_to_task,
         epochs_beside_steps_are_refused, the_policy_of_a_recipe_gives_way_to_the_users)
