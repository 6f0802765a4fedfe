/* Services that fail inside a run: they hand out nothing that could be read, and the run ends with
 * one line that says why. */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static mn_var *loss_of(mn_learner *learner, const mn_batch *batch)
{
    return mn_cross_entropy(mn_forward(learner, batch, MN_TRAIN)->logits, batch->labels);
}

static void check_empty(const mn_batch *batch)
{
    ck_assert_int_eq(batch->count, 0);
    ck_assert_int_eq(batch->stream_rows, 0);
    ck_assert_int_eq(batch->columns, 0);
}

/* --- what goes wrong: hooks that tell nobody --- */

static mn_batch huge_like(const mn_batch *batch)
{
    mn_batch huge = *batch;
    huge.count = huge.stream_rows = INT64_MAX / 1024;
    return huge;
}

/* The space of the join was used by an earlier step. */
static mn_status join_too_many(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const mn_batch huge = huge_like(batch);
    const mn_batch *joined = mn_join(learner, mn_step(learner) > 1 ? &huge : batch, batch);
    if (mn_step(learner) > 1)
        check_empty(joined);
    mn_term(learner, "joined", 1, loss_of(learner, joined));
    return MN_OK;
}

static mn_status plain_of_too_many(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const mn_batch huge = huge_like(batch);
    const mn_batch *plain = mn_plain(learner, mn_step(learner) > 1 ? &huge : batch);
    if (mn_step(learner) > 1)
        check_empty(plain);
    mn_term(learner, "plain", 1, loss_of(learner, plain));
    return MN_OK;
}

static mn_status too_many_batches(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const mn_batch *last = batch;
    for (int i = 0; i < 200; i++)
        last = mn_plain(learner, batch);
    check_empty(last);
    mn_term(learner, "stream", 1, loss_of(learner, batch));
    return MN_OK;
}

static mn_status too_many_forwards(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const mn_out *first = mn_forward(learner, batch, MN_EVAL), *last = first;
    mn_var *logits = first->logits;
    for (int i = 0; i < 200; i++)
        last = mn_forward(learner, batch, MN_EVAL);
    ck_assert_ptr_eq(first->logits, logits);
    mn_term(learner, "last", 1, mn_cross_entropy(last->logits, batch->labels));
    return MN_OK;
}

static mn_status too_many_terms(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "term %d", i);
        mn_term(learner, name, 1, loss_of(learner, batch));
    }
    return MN_OK;
}

static mn_status sum_of_unlike(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)learner;
    (void)batch;
    (void)mn_add(mn_zeros(tape, MN_SHAPE(2)), mn_zeros(tape, MN_SHAPE(3)));
    return MN_OK;
}

static mn_status after_step_of_unlike(mn_learner *learner, const mn_batch *batch, const mn_out *out)
{
    return sum_of_unlike(learner, mn_tape_of(out->logits), batch);
}

static mn_status usual(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    mn_term(learner, "stream", 1, loss_of(learner, batch));
    return MN_OK;
}

static mn_status keep_too_many(mn_learner *learner)
{
    for (int i = 0; i < 100; i++) {
        char name[32];
        int64_t *value;
        snprintf(name, sizeof name, "value %d", i);
        MN_TRY(mn_keep_int(learner, name, &value));
    }
    return MN_OK;
}

static mn_status add_too_many_networks(mn_learner *learner)
{
    for (int i = 0; i < 40; i++)
        MN_TRY(mn_add_network(learner, "copy", NULL, NULL));
    return MN_OK;
}

/* Two names that differ beyond what was kept of one must not become one. */
static mn_status keep_long_names(mn_learner *learner)
{
    char name[200];
    int64_t *value;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    return mn_keep_int(learner, name, &value);
}

static mn_status add_network_of_long_name(mn_learner *learner)
{
    char name[200];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    return mn_add_network(learner, name, NULL, NULL);
}

/* Each moment has a name made of it. */
static mn_status add_optimiser_of_long_name(mn_learner *learner)
{
    char name[300];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    return mn_add_optimiser(learner, name, "adam", "{}", mn_learner_network(learner), 0.1);
}

static const mn_phase visiting[] = {{.name = "visit", .visit = sum_of_unlike}, {.name = NULL}};

#define FAILING(id, ...)                                                                           \
    {                                                                                              \
        MN_STRATEGY_HEADER, .name = id, .summary = "Fails.", __VA_ARGS__                           \
    }

static const struct {
    mn_strategy strategy;
    mn_status status;
    const char *line;
} failing[] = {
    {FAILING("joining", .loss = join_too_many), MN_NO_MEMORY,
     "out of memory for a batch of 9007199254741001 images"},
    {FAILING("plain", .loss = plain_of_too_many), MN_NO_MEMORY,
     "out of memory for a batch of 9007199254740991 images"},
    {FAILING("batches", .loss = too_many_batches), MN_UNSUPPORTED,
     "more than 128 batches in one step"},
    {FAILING("forwards", .loss = too_many_forwards), MN_UNSUPPORTED,
     "forward: more than 128 forwards in one step"},
    {FAILING("terms", .loss = too_many_terms), MN_UNSUPPORTED,
     "more than 32 loss terms in one step"},
    {FAILING("visit", .loss = usual, .phases = visiting), MN_BAD_SHAPE, "visit: add: "},
    {FAILING("after", .loss = usual, .after_step = after_step_of_unlike), MN_BAD_SHAPE,
     "after: after_step: add: "},
    {FAILING("kept", .loss = usual, .open = keep_too_many), MN_UNSUPPORTED,
     "more than 64 kept values in one run"},
    {FAILING("networks", .loss = usual, .open = add_too_many_networks), MN_UNSUPPORTED,
     "network 'copy': more than 32 in one run"},
    {FAILING("long", .loss = usual, .open = keep_long_names), MN_BAD_VALUE, "is 77 bytes too long"},
    {FAILING("long network", .loss = usual, .open = add_network_of_long_name), MN_BAD_VALUE,
     "of long network: the name is too long"},
    {FAILING("long optimiser", .loss = usual, .open = add_optimiser_of_long_name), MN_BAD_VALUE,
     "is longer than the 255 bytes of a name in a run file"},
};

static void check_failure(const mn_strategy *strategy, mn_status status, const char *line)
{
    static const test_setting settings[] = {
        {"dataset.train_per_class", "20"}, {"batch", "10"}, {NULL, NULL}};
    char path[600];
    const char *folder = test_folder("service-failures");
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, strategy));
    mn_experiment *experiment = test_experiment("split-synthetic", strategy->name, settings);
    const mn_status found = mn_experiment_run(experiment, path, NULL);
    ck_assert_msg(strstr(mn_error(), line) != NULL, "%s: %s", strategy->name, mn_error());
    ck_assert_int_eq(found, status);
    mn_experiment_free(experiment);
    test_remove(path);
    (void)rmdir(folder);
}

START_TEST(a_service_that_fails_ends_the_run_with_its_line)
{
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++)
        check_failure(&failing[i].strategy, failing[i].status, failing[i].line);
}
END_TEST

/* --- names of terms --- */

/* A name need not live longer than the call. */
static mn_status passing_names(mn_learner *learner, mn_tape *tape, const mn_out *const *outs, int n)
{
    char name[8];
    for (int i = 0; i < 3 && n > 0; i++) {
        snprintf(name, sizeof name, "term%d", i);
        mn_term(learner, name, 0.5, mn_scale(mn_mean(mn_square(outs[0]->logits)), 1 + i));
    }
    memset(name, '?', sizeof name - 1);
    (void)tape;
    return MN_OK;
}

static mn_status passing_name(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    char name[8] = "stream";
    (void)tape;
    mn_term(learner, name, 1, loss_of(learner, batch));
    memset(name, '?', sizeof name - 1);
    return MN_OK;
}

static const mn_strategy namer = {MN_STRATEGY_HEADER, .name = "namer", .summary = "Names a term.",
                                  .loss = passing_name};
static const mn_strategy adder = {MN_STRATEGY_HEADER, .name = "adder", .summary = "Names three.",
                                  .term = passing_names};

START_TEST(terms_are_logged_under_the_names_that_they_were_given)
{
    static const test_setting settings[] = {
        {"dataset.train_per_class", "20"}, {"batch", "10"}, {"log_every", "1"}, {NULL, NULL}};
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &namer));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &adder));
    char path[600];
    const char *folder = test_folder("term-names");
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    test_run("split-synthetic", "namer+adder", settings, path);
    static const char *const names[] = {"stream",      "adder/term0", "adder/term1",
                                        "adder/term2", "loss",        "lr"};
    char sql[200];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(sql, sizeof sql, "SELECT count(*) FROM scalar WHERE name = '%s'", names[i]);
        ck_assert_msg(test_query(path, sql) == 3 * 4, "%s: %lld", names[i], test_query(path, sql));
    }
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM scalar"), 6 * 3 * 4);
    test_remove(path);
    (void)rmdir(folder);
}
END_TEST

MN_SUITE("service_failures", a_service_that_fails_ends_the_run_with_its_line,
         terms_are_logged_under_the_names_that_they_were_given)
