/* Compositions: a base that uses every service there is, and add-ons on top of it, all registered
 * by this test.  Whatever a strategy declares must survive the learner's being rebuilt from its
 * file at every commit, and what an add-on does not do must not move a byte of what it stands on.
 */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- a base that keeps something of every kind
 * ----------------------------------------------------------- */

typedef struct busy_options {
    double weight;
    int64_t replay;
} busy_options;

static const mn_option busy_table[] = {
    MN_REAL(busy_options, weight, 0.3, 0, 10, "weight of the remembered logits"),
    MN_INT(busy_options, replay, 8, 1, 64, "rows of a draw"),
    MN_END,
};

typedef struct busy_state {
    mn_network *teacher;
    mn_tensor *noise_sum; /* (2, 3) */
    int64_t *epochs;
    double *average;
} busy_state;

static int epochs_asked;

static mn_status busy_open(mn_learner *learner)
{
    busy_state *s = mn_state(learner);
    MN_TRY(mn_keep_column(learner, "logits", 0));
    MN_TRY(mn_keep_column(learner, "best", 1));
    MN_TRY(mn_add_network(learner, "teacher", NULL, &s->teacher));
    MN_TRY(mn_add_optimiser(learner, "slow", "adam", "{}", s->teacher, 0.01));
    MN_TRY(mn_keep_tensor(learner, "noise_sum", MN_SHAPE(2, 3), &s->noise_sum));
    MN_TRY(mn_keep_int(learner, "epochs", &s->epochs));
    return mn_keep_real(learner, "average", &s->average);
}

static mn_status busy_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const busy_options *o = mn_options(learner);
    const busy_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, now, MN_TRAIN);
    mn_var *stream = mn_cross_entropy(out->logits, now->labels);
    mn_term(learner, "stream", 1, stream);
    const mn_batch *old = mn_draw(learner, "dark", o->replay);
    mn_term(learner, "dark", o->weight,
            mn_mse(mn_forward(learner, old, MN_TRAIN)->logits, mn_column(tape, old, "logits")));
    const mn_batch *both = mn_join(learner, now, mn_draw_per_class(learner, "classes", 2));
    mn_term(learner, "balanced", 0.5,
            mn_cross_entropy(mn_forward(learner, both, MN_TRAIN)->logits, both->labels));
    const mn_out *teacher = mn_forward_with(learner, s->teacher, now, MN_EVAL | MN_NO_GRADIENT);
    mn_term(learner, "teacher", 0.1, mn_kl(out->logits, teacher->logits, 2));
    *s->average = 0.9 * *s->average + 0.1 * mn_item(stream);
    return MN_OK;
}

static mn_status busy_teacher_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const busy_state *s = mn_state(learner);
    mn_term(
        learner, "teach", 1,
        mn_cross_entropy(mn_forward_with(learner, s->teacher, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static mn_status busy_rehearse(mn_learner *learner, mn_tape *tape, const mn_batch *old)
{
    (void)tape;
    mn_term(learner, "rehearse", 1,
            mn_cross_entropy(mn_forward(learner, old, MN_TRAIN)->logits, old->labels));
    return MN_OK;
}

/* From no data at all: noise through both networks. */
static mn_status busy_dream(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    const busy_state *s = mn_state(learner);
    ck_assert_int_eq(nothing->count, 0);
    mn_var *x = mn_noise(learner, tape, "images", MN_SHAPE(4, 1, 14, 14));
    mn_var *mine = mn_network_forward(mn_learner_network(learner), x, MN_TRAIN).logits;
    mn_var *other = mn_network_forward(s->teacher, x, MN_EVAL | MN_NO_GRADIENT).logits;
    mn_term(learner, "dream", 1, mn_mse(mine, other));
    float numbers[6];
    mn_tensor *fresh = NULL;
    memcpy(numbers, mn_host(mn_noise(learner, tape, "sum", MN_SHAPE(2, 3))), sizeof numbers);
    MN_TRY(mn_tensor_new(MN_F32, MN_SHAPE(2, 3), &fresh));
    mn_status status = mn_tensor_write(fresh, numbers, sizeof numbers);
    if (status == MN_OK)
        status = mn_tensor_axpby(s->noise_sum, 1, fresh, 1);
    mn_tensor_free(fresh);
    return status;
}

static int64_t two_epochs(mn_learner *learner)
{
    (void)learner;
    epochs_asked++;
    return 2;
}

static int64_t five_epochs(mn_learner *learner)
{
    (void)learner;
    epochs_asked++;
    return 5;
}

/* None on the first task: skipped there. */
static int64_t as_many_as_tasks_before(mn_learner *learner)
{
    epochs_asked++;
    return mn_task(learner);
}

static mn_status busy_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    if (out == NULL || now->count == 0)
        return MN_OK;
    if (now->stream_rows == 0)
        return mn_update_column(learner, now, "logits", out->logits);
    mn_var *best = mn_reshape(mn_row_max(out->logits), MN_SHAPE(mn_rows_of(out->logits), 1));
    return mn_remember(learner, now, MN_WITH({"logits", out->logits}, {"best", best}));
}

static mn_status busy_after_epoch(mn_learner *learner)
{
    const busy_state *s = mn_state(learner);
    ++*s->epochs;
    return MN_OK;
}

static mn_status busy_after_task(mn_learner *learner)
{
    const busy_state *s = mn_state(learner);
    return mn_task(learner) == 0 ? mn_network_copy(s->teacher, mn_learner_network(learner)) : MN_OK;
}

static mn_var *busy_scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const busy_state *s = mn_state(learner);
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    return mn_axpby(1, mn_forward(learner, batch, mode)->logits, 0.2,
                    mn_forward_with(learner, s->teacher, batch, mode)->logits);
}

static const mn_update busy_updates[] = {
    {.name = "main", .loss = busy_loss},
    {.name = "teacher", .optimiser = "slow", .loss = busy_teacher_loss, .every = 3},
    {.name = NULL}};
static const mn_update rehearse_updates[] = {{.name = "main", .loss = busy_rehearse},
                                             {.name = NULL}};
static const mn_update dream_updates[] = {{.name = "main", .loss = busy_dream}, {.name = NULL}};

static const mn_phase busy_phases[] = {
    {.name = "stream", .source = MN_FROM_STREAM, .updates = busy_updates},
    {.name = "rehearse",
     .source = MN_FROM_BUFFER,
     .epochs = two_epochs,
     .updates = rehearse_updates,
     .reset = MN_KEPT},
    {.name = "dream",
     .source = MN_FROM_NOTHING,
     .epochs = five_epochs,
     .updates = dream_updates,
     .reset = MN_FRESH_EACH_PHASE},
    {.name = "again",
     .source = MN_FROM_SEEN,
     .epochs = as_many_as_tasks_before,
     .updates = rehearse_updates},
    {.name = NULL}};

static const mn_strategy busy = {
    MN_STRATEGY_HEADER,
    .name = "busy",
    .summary = "Uses every service.",
    .options = busy_table,
    .options_size = sizeof(busy_options),
    .state_size = sizeof(busy_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_PAST_DATA,
    .open = busy_open,
    .phases = busy_phases,
    .loss = busy_loss,
    .after_step = busy_after_step,
    .after_epoch = busy_after_epoch,
    .after_task = busy_after_task,
    .scores = busy_scores,
};

/* --- add-ons
 * --------------------------------------------------------------------------------------------- */

/* Pulls the weights to where they were after the last task, and keeps logits small. */
typedef struct pull_state {
    mn_tensor *anchor;
} pull_state;

static mn_status pull_open(mn_learner *learner)
{
    pull_state *s = mn_state(learner);
    const mn_tensor *values = mn_network_values(mn_learner_network(learner));
    return mn_keep_tensor(learner, "anchor", mn_tensor_shape(values), &s->anchor);
}

static mn_status pull_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published,
                           int n)
{
    (void)tape;
    if (n > 0)
        mn_term(learner, "small", 0.01, mn_mean(mn_square(published[0]->logits)));
    return MN_OK;
}

static mn_status pull_gradients(mn_learner *learner)
{
    const pull_state *s = mn_state(learner);
    mn_network *network = mn_learner_network(learner);
    mn_tensor *gradients = mn_network_gradients(network);
    MN_TRY(mn_tensor_axpby(gradients, 0.01F, mn_network_values(network), 1));
    return mn_tensor_axpby(gradients, -0.01F, s->anchor, 1);
}

static mn_status pull_after_task(mn_learner *learner)
{
    const pull_state *s = mn_state(learner);
    return mn_tensor_copy(s->anchor, mn_network_values(mn_learner_network(learner)));
}

static const mn_strategy pull = {
    MN_STRATEGY_HEADER,
    .name = "pull",
    .summary = "Pulls weights to an anchor.",
    .state_size = sizeof(pull_state),
    .open = pull_open,
    .term = pull_term,
    .gradients = pull_gradients,
    .after_task = pull_after_task,
};

/* Looks at everything, draws and makes noise, and adds nothing. */
static mn_status watch_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published,
                            int n)
{
    const mn_batch *peek = mn_draw(learner, "dark", 7);
    ck_assert_int_le(peek->count, 7);
    ck_assert_ptr_nonnull(mn_host(mn_noise(learner, tape, "images", MN_SHAPE(5))));
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(mn_rows_of(published[i]->logits), published[i]->batch->count);
    return MN_OK;
}

static mn_status watch(mn_learner *learner)
{
    return mn_draw(learner, "later", 3)->count <= 3 ? MN_OK : MN_BAD_VALUE;
}

static mn_status watch_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)now;
    (void)out;
    return watch(learner);
}

static const mn_strategy watcher = {
    MN_STRATEGY_HEADER,  .name = "watcher",  .summary = "Adds nothing.",     .before_task = watch,
    .term = watch_term,  .gradients = watch, .after_step = watch_after_step, .after_epoch = watch,
    .after_task = watch,
};

static mn_status double_gradients(mn_learner *learner)
{
    mn_tensor *gradients = mn_network_gradients(mn_learner_network(learner));
    return mn_tensor_axpby(gradients, 0, gradients, 2);
}

static const mn_strategy doubler = {
    MN_STRATEGY_HEADER,
    .name = "doubler",
    .summary = "Doubles every gradient.",
    .gradients = double_gradients,
};

/* What was called, in order: a letter a call. */
static char trace[64];

static mn_status note(char letter)
{
    const size_t used = strlen(trace);
    if (used + 1 < sizeof trace)
        trace[used] = letter;
    return MN_OK;
}

#define NOTING(id, letter)                                                                         \
    static mn_status id##_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, \
                               int n)                                                              \
    {                                                                                              \
        (void)learner;                                                                             \
        (void)tape;                                                                                \
        (void)published;                                                                           \
        (void)n;                                                                                   \
        return note(letter);                                                                       \
    }                                                                                              \
    static mn_status id##_gradients(mn_learner *learner)                                           \
    {                                                                                              \
        (void)learner;                                                                             \
        return note(letter);                                                                       \
    }                                                                                              \
    static const mn_strategy id = {MN_STRATEGY_HEADER, .name = #id, .summary = "Notes calls.",     \
                                   .term = id##_term, .gradients = id##_gradients}
NOTING(first, 'a');
NOTING(second, 'b');

static mn_status note_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return note('l');
}

static mn_status note_gradients(mn_learner *learner)
{
    (void)learner;
    return note('g');
}

static const mn_strategy noting = {
    MN_STRATEGY_HEADER,
    .name = "noting",
    .summary = "A base that notes calls.",
    .loss = note_loss,
    .gradients = note_gradients,
};

/* Says class 0 to everything. */
static mn_var *always_zero(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    static float scores[65536];
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    for (int64_t i = 0; i < batch->count; i++) {
        ck_assert_int_eq(batch->labels[i], -1);
        ck_assert_int_eq(batch->tasks[i], -1);
        scores[i * classes] = 1;
    }
    return mn_input(tape, MN_SHAPE(batch->count, classes), scores, false);
}

static const mn_strategy stubborn = {
    MN_STRATEGY_HEADER, .name = "stubborn",    .summary = "Always says class 0.",
    .loss = note_loss,  .scores = always_zero,
};

static const mn_strategy opinionated = {
    MN_STRATEGY_HEADER,
    .name = "opinionated",
    .summary = "An add-on with scores.",
    .scores = always_zero,
};

static const mn_strategy contiguous = {
    MN_STRATEGY_HEADER,
    .name = "contiguous",
    .summary = "Needs classes in ranges.",
    .needs = MN_NEEDS_CONTIGUOUS_CLASSES,
    .loss = note_loss,
};

/* Adds from every forward it is shown; in each update these must be of that update. */
static mn_status own_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    (void)learner;
    (void)tape;
    ck_assert_int_le(n, 4);
    for (int i = 1; i < n; i++)
        ck_assert(n == 4); /* the main update makes four forwards, every other one */
    if (n == 1)
        note(published[0]->network == mn_learner_network(learner) ? 's' : 't');
    return MN_OK;
}

static const mn_strategy owner = {
    MN_STRATEGY_HEADER,
    .name = "owner",
    .summary = "Checks what is published.",
    .term = own_term,
};

/* --- running them
 * ----------------------------------------------------------------------------------------- */

static void register_all(void)
{
    static const mn_strategy *const all[] = {&busy,        &pull,       &watcher, &doubler,
                                             &first,       &second,     &noting,  &stubborn,
                                             &opinionated, &contiguous, &owner};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_assert_ok(mn_register(MN_KIND_STRATEGY, all[i]));
    epochs_asked = 0;
    memset(trace, 0, sizeof trace);
}

static const char *file_in_folder(char path[600], const char *name)
{
    snprintf(path, 600, "%s/%s.mneme", test_folder("composition"), name);
    return path;
}

static void clean(const char *one, const char *other)
{
    test_remove(one);
    test_remove(other);
    (void)rmdir(test_folder("composition"));
}

enum { MOST_SETTINGS = 8 };

/* Two runs that must end with the same bytes: strategies with settings, and with others. */
static void compare(const char *strategies, const test_setting *settings, const char *others,
                    const test_setting *other_settings)
{
    char one[600], other[600];
    file_in_folder(one, "one");
    file_in_folder(other, "other");
    test_run("split-synthetic", strategies, settings, one);
    test_run("split-synthetic", others, other_settings, other);
    test_same_run(one, other);
    clean(one, other);
}

static const test_setting undisturbed[] = {{"commit_steps", "7"}, {NULL, NULL}};
static const test_setting rebuilt[] = {{"commit_steps", "7"}, {"rebuild", "true"}, {NULL, NULL}};

START_TEST(whatever_a_strategy_declares_survives_a_rebuild)
{
    register_all();
    compare("busy", undisturbed, "busy", rebuilt);
}
END_TEST

START_TEST(so_it_does_with_add_ons_and_with_their_state)
{
    register_all();
    compare("busy+pull", undisturbed, "busy+pull", rebuilt);
    compare("der+watcher+pull", undisturbed, "der+watcher+pull", rebuilt);
}
END_TEST

START_TEST(an_add_on_changes_something_when_it_adds)
{
    register_all();
    char one[600], other[600];
    file_in_folder(one, "one");
    file_in_folder(other, "other");
    test_run("split-synthetic", "busy", NULL, one);
    test_run("split-synthetic", "busy+pull", NULL, other);
    ck_assert_int_eq(test_query(one, "SELECT count(*) FROM scalar WHERE name = 'pull/small'"), 0);
    ck_assert_int_gt(test_query(other, "SELECT count(*) FROM scalar WHERE name = 'pull/small'"), 0);
    static const char crc[] = "SELECT crc FROM tensor WHERE name = 'run/network/fc1.weight'";
    ck_assert_int_ne(test_query(one, crc), test_query(other, crc));
    clean(one, other);
}
END_TEST

START_TEST(an_add_on_that_adds_nothing_changes_no_byte)
{
    register_all();
    compare("busy", undisturbed, "busy+watcher", undisturbed);
    compare("derpp", undisturbed, "derpp+watcher", undisturbed);
    compare("derpp", undisturbed, "derpp+watcher+first", rebuilt);
}
END_TEST

START_TEST(epochs_of_a_phase_are_asked_once)
{
    register_all();
    char path[600];
    file_in_folder(path, "asked");
    test_run("split-synthetic", "busy", rebuilt, path);
    ck_assert_int_eq(epochs_asked, 3 * 3); /* three tasks, three phases that ask */
    /* Of a task: 400 images and a buffer of 60 in tens, 5 dreams; then each task's share of all
     * tasks so far, as many times as there were tasks before. */
    const int steps = 3 * (40 + 2 * 6 + 5) + 1 * (2 * 40) + 2 * (3 * 40);
    ck_assert_int_eq(test_query(path, "SELECT step FROM cursor"), steps);
    const int epochs = 3 * (1 + 2 + 5) + 1 + 2;
    ck_assert_int_eq(test_query(path, "SELECT value FROM kept WHERE name = 'busy/epochs'"), epochs);
    clean(path, path);
}
END_TEST

START_TEST(hooks_run_base_first_and_then_from_left_to_right)
{
    register_all();
    char path[600];
    file_in_folder(path, "order");
    test_run("split-synthetic", "noting+second+first", NULL, path);
    ck_assert_msg(strncmp(trace, "lbagbalba", 9) == 0, "%s", trace);
    memset(trace, 0, sizeof trace);
    test_run("split-synthetic", "noting+first+second", NULL, path);
    ck_assert_msg(strncmp(trace, "labgablab", 9) == 0, "%s", trace);
    clean(path, path);
}
END_TEST

START_TEST(clipping_comes_after_every_add_on)
{
    register_all();
    /* A gradient twice as long is cut to the same one, bit for bit: doubling is exact. */
    static const test_setting clipped[] = {{"clip", "1e-5"}, {NULL, NULL}};
    char one[600], other[600];
    file_in_folder(one, "one");
    file_in_folder(other, "other");
    test_run("split-synthetic", "finetune", clipped, one);
    test_run("split-synthetic", "finetune+doubler", clipped, other);
    test_same_run(one, other);
    clean(one, other);
}
END_TEST

START_TEST(scores_decide_what_is_evaluated_and_see_no_labels)
{
    register_all();
    char path[600];
    file_in_folder(path, "scores");
    test_run("split-synthetic", "stubborn", NULL, path);
    ck_assert_int_eq(test_query(path,
                                "SELECT sum(correct) FROM evaluation WHERE scope = 'class-il' "
                                "AND on_task = 0 AND after_task = 2"),
                     50);
    ck_assert_int_eq(test_query(path,
                                "SELECT sum(correct) FROM evaluation WHERE scope = 'class-il' "
                                "AND on_task > 0"),
                     0);
    clean(path, path);
}
END_TEST

START_TEST(an_add_on_sees_the_forwards_of_the_update_it_adds_to)
{
    register_all();
    char path[600];
    file_in_folder(path, "own");
    test_run("split-synthetic", "busy+owner", NULL, path);
    ck_assert_msg(strncmp(trace, "tttt", 4) == 0, "%s", trace); /* the teacher's updates */
    ck_assert_msg(strchr(trace, 's') != NULL, "%s", trace);     /* and then rehearsal */
    clean(path, path);
}
END_TEST

static void refuse(const char *benchmark, const char *strategies, const char *key,
                   const char *value, mn_status expected, const char *text)
{
    mn_experiment *experiment = NULL;
    mn_status status = mn_experiment_new(benchmark, strategies, &experiment);
    if (status == MN_OK && key != NULL)
        status = mn_experiment_set(experiment, key, value);
    if (status == MN_OK)
        status = mn_experiment_resolve(experiment);
    ck_assert_fails(status, expected, text);
    mn_experiment_free(experiment);
}

START_TEST(combinations_that_cannot_be_are_refused)
{
    register_all();
    const char *split = "split-synthetic";
    refuse(split, "er+derpp", NULL, NULL, MN_BAD_OPTION, "'er' and 'derpp' both bring a loss");
    refuse(split, "er+opinionated", NULL, NULL, MN_BAD_OPTION, "which only the base may do");
    refuse(split, "er+pull+pull", NULL, NULL, MN_BAD_OPTION, "'pull' is named twice");
    refuse(split, "er+", NULL, NULL, MN_BAD_OPTION, "a strategy's name is missing");
    refuse(split, "", NULL, NULL, MN_BAD_OPTION, "a strategy's name is missing");
    refuse(split, "er+pul", NULL, NULL, MN_NOT_FOUND, "did you mean 'pull'?");
    refuse(split, "busy", "buffer_size", "0", MN_BAD_OPTION, "busy replays from a buffer, but");
    refuse("perm-synthetic", "contiguous", NULL, NULL, MN_UNSUPPORTED,
           "contiguous needs a class-incremental stream");
    refuse(split, "busy+pull", "busy.wieght", "1", MN_BAD_OPTION, "did you mean 'weight'?");
}
END_TEST

MN_SUITE("composition", whatever_a_strategy_declares_survives_a_rebuild,
         so_it_does_with_add_ons_and_with_their_state, an_add_on_changes_something_when_it_adds,
         an_add_on_that_adds_nothing_changes_no_byte, epochs_of_a_phase_are_asked_once,
         hooks_run_base_first_and_then_from_left_to_right, clipping_comes_after_every_add_on,
         scores_decide_what_is_evaluated_and_see_no_labels,
         an_add_on_sees_the_forwards_of_the_update_it_adds_to,
         combinations_that_cannot_be_are_refused)
