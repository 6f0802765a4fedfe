/* Whole runs of strategies that make mistakes, or whose numbers are none: one line says it. */
#include "base/registry.h"
#include "tests/run/whole.h"

#include <math.h>
#include <stdio.h>

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

MN_SUITE("mistakes", a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_last_commit,
         a_learning_rate_that_is_too_large_is_noticed, mistakes_of_a_strategy_are_named_in_one_line)
