/* Compositions: a base that uses every service there is, and add-ons on top of it, all registered
 * by this test.  Whatever a strategy declares must survive the learner's being rebuilt from its
 * file at every commit, and what an add-on does not do must not move a byte of what it stands on.
 */
#include "base/registry.h"
#include "tests/learner/busy.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/losses.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- add-ons --- */

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

/* A hook that runs several times in a step draws under another name each time. */
static const char *fresh_name(void)
{
    static char name[32];
    static int drawn;
    snprintf(name, sizeof name, "draw %d", drawn++);
    return name;
}

/* Looks at everything, draws and makes noise, and adds nothing. */
static mn_status watch_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published,
                            int n)
{
    const mn_batch *peek = mn_draw(learner, fresh_name(), 7);
    ck_assert_int_le(peek->count, 7);
    ck_assert_ptr_nonnull(mn_host(mn_noise(learner, tape, "images", MN_SHAPE(5))));
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(mn_rows_of(published[i]->logits), published[i]->batch->count);
    return MN_OK;
}

static mn_status watch(mn_learner *learner)
{
    return mn_draw(learner, fresh_name(), 3)->count <= 3 ? MN_OK : MN_BAD_VALUE;
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

/* Notes whether the same name gives other numbers than the base's. */
static float base_noise[4];
static int noises_compared;

static mn_status noisy_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    memcpy(base_noise, mn_host(mn_noise(learner, tape, "same", MN_SHAPE(4))), sizeof base_noise);
    return note_loss(learner, tape, now);
}

static mn_status noisy_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published,
                            int n)
{
    (void)published;
    (void)n;
    const float *mine = mn_host(mn_noise(learner, tape, "same", MN_SHAPE(4)));
    const float *again = mn_host(mn_noise(learner, tape, "same", MN_SHAPE(4)));
    ck_assert_mem_eq(mine, again, sizeof base_noise);
    mn_var *x = mn_noise(learner, tape, "dropped", MN_SHAPE(8, 4));
    const mn_key key = mn_strategy_key(learner, "dropout");
    const float *dropped = mn_host(mn_dropout(x, 0.5, key));
    const float *dropped_again = mn_host(mn_dropout(x, 0.5, key));
    ck_assert_mem_eq(dropped, dropped_again, 32 * sizeof *dropped);
    for (int i = 0; i < 4; i++)
        ck_assert(mine[i] != base_noise[i]);
    noises_compared++;
    return MN_OK;
}

static const mn_phase kept_phases[] = {{.name = "train", .reset = MN_KEPT}, {.name = NULL}};

static const mn_strategy noisy = {
    MN_STRATEGY_HEADER,
    .name = "noisy",
    .summary = "A base that draws noise, and never resets its optimiser.",
    .phases = kept_phases,
    .loss = noisy_loss,
};

static const mn_strategy noisy_too = {
    MN_STRATEGY_HEADER,
    .name = "noisy-too",
    .summary = "Draws noise under the same name.",
    .term = noisy_term,
};

/* --- running them --- */

static void register_all(void)
{
    static const mn_strategy *const all[] = {&busy,   &pull,   &watcher,  &doubler,     &first,
                                             &second, &noting, &stubborn, &opinionated, &contiguous,
                                             &owner,  &noisy,  &noisy_too};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_assert_ok(mn_register(MN_KIND_STRATEGY, all[i]));
    busy_epochs_asked = 0;
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

/* With an add-on that has a term, every backward waits for the step's end; without one, derpp's are
 * made forward by forward, in memory that the next one takes: logits are to outlive that. */
START_TEST(when_the_backward_is_made_changes_no_byte)
{
    static const test_setting large[] = {
        {"batch", "300"}, {"derpp.replay", "250"}, {"buffer_size", "500"}, {NULL, NULL}};
    register_all();
    compare("derpp", large, "derpp+watcher", large);
}
END_TEST

START_TEST(epochs_of_a_phase_are_asked_once)
{
    register_all();
    char path[600];
    file_in_folder(path, "asked");
    test_run("split-synthetic", "busy", rebuilt, path);
    ck_assert_int_eq(busy_epochs_asked, 3 * 3); /* three tasks, three phases that ask */
    /* Of a task: 400 images and a buffer of 60 in tens, 5 dreams; then each task's share of all
     * tasks so far, as many times as there were tasks before. */
    const int steps = 3 * (40 + 2 * 6 + 5) + 1 * (2 * 40) + 2 * (3 * 40);
    ck_assert_int_eq(test_query(path, "SELECT step FROM cursor"), steps);
    const int epochs = 3 * (1 + 2 + 5) + 1 + 2;
    ck_assert_int_eq(test_query(path, "SELECT value FROM kept WHERE name = 'busy/epochs'"), epochs);
    clean(path, path);
}
END_TEST

START_TEST(two_strategies_draw_different_numbers_under_one_name)
{
    register_all();
    char path[600];
    noises_compared = 0;
    test_run("split-synthetic", "noisy+noisy-too", NULL, file_in_folder(path, "noise"));
    ck_assert_int_eq(noises_compared, 3 * 40); /* once a step */
    clean(path, path);
}
END_TEST

START_TEST(optimiser_state_is_reset_when_a_phase_says_so)
{
    register_all();
    char path[600];
    static const char steps[] = "SELECT value FROM kept WHERE name = 'run/optimiser/steps'";
    test_run("split-synthetic", "busy", NULL, file_in_folder(path, "reset"));
    ck_assert_int_eq(test_query(path, steps), 5 + 2 * 120); /* since the dreams of the last task */
    ck_assert_int_eq(test_query(path, "SELECT value FROM kept WHERE name = 'busy/slow/steps'"), 0);
    test_run("split-synthetic", "noisy", NULL, path); /* kept */
    ck_assert_int_eq(test_query(path, steps), 3 * 40);
    test_run("split-synthetic", "noting", NULL, path); /* fresh each task */
    ck_assert_int_eq(test_query(path, steps), 40);
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
    refuse(split, "er+opinionated+ncm", NULL, NULL, MN_BAD_OPTION, "both decide predictions");
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
         an_add_on_that_adds_nothing_changes_no_byte, when_the_backward_is_made_changes_no_byte,
         epochs_of_a_phase_are_asked_once, two_strategies_draw_different_numbers_under_one_name,
         optimiser_state_is_reset_when_a_phase_says_so,
         hooks_run_base_first_and_then_from_left_to_right, clipping_comes_after_every_add_on,
         scores_decide_what_is_evaluated_and_see_no_labels,
         an_add_on_sees_the_forwards_of_the_update_it_adds_to,
         combinations_that_cannot_be_are_refused)
