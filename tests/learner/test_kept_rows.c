/* What strategies keep in the buffer and beside it: rows of their own making, and what goes when a
 * row goes. */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"
#include "tests/uses/uses.h"

#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *folder;

static const char *file(const char *name)
{
    static char path[2][600];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s.mneme", folder, name);
    return path[turn];
}

static mn_status try(const char *strategy, const test_setting *settings, const char *path)
{
    mn_experiment *experiment = test_experiment("split-synthetic", strategy, settings);
    test_remove(path);
    const mn_status status = mn_experiment_run(experiment, path, NULL);
    mn_experiment_free(experiment);
    return status;
}

static const test_setting few[] = {
    {"buffer_size", "40"}, {"threads", "1"}, {"commit_steps", "17"}, {NULL, NULL}};

/* --- what goes with a row --- */

/* Notes which image stands in which slot, and holds `forget` to what the buffer did. */
static int64_t source_of[40];
static int64_t told, overwritten;

static mn_status witness_forget(mn_learner *learner, mn_tape *tape, const int64_t *slots,
                                int64_t count)
{
    (void)learner, (void)tape;
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_ge(slots[i], 0);
        ck_assert_int_lt(slots[i], 40);
        if (i > 0)
            ck_assert_int_lt(slots[i - 1], slots[i]);
        ck_assert_int_ge(source_of[slots[i]], 0); /* there was a row */
        source_of[slots[i]] = -2;
    }
    told += count;
    return MN_OK;
}

static mn_status look(mn_learner *learner)
{
    const mn_batch *all = mn_draw(learner, "all", 40);
    bool there[40] = {false};
    for (int64_t i = 0; i < all->count; i++) {
        const int64_t slot = all->slots[i];
        there[slot] = true;
        if (source_of[slot] >= 0) /* nobody said that it is gone: it is the same */
            ck_assert_int_eq(source_of[slot], all->indices[i]);
        overwritten += source_of[slot] == -2;
        source_of[slot] = all->indices[i];
    }
    for (int slot = 0; slot < 40; slot++)
        if (!there[slot])
            ck_assert_int_lt(source_of[slot], 0);
    return MN_OK;
}

static mn_status witness_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static mn_status witness_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    MN_TRY(mn_remember(learner, now, MN_WITHOUT));
    return look(learner);
}

static mn_status witness_after_task(mn_learner *learner)
{
    const int64_t before = told, used = mn_buffer_used(mn_learner_buffer(learner));
    MN_TRY(mn_shrink_class(learner, 0, 3));
    ck_assert_int_eq(told - before, used - mn_buffer_used(mn_learner_buffer(learner)));
    ck_assert_int_le(mn_buffer_count_label(mn_learner_buffer(learner), 0), 3);
    return MN_OK;
}

static const mn_strategy witness = {
    MN_STRATEGY_HEADER,
    .name = "witness",
    .summary = "Looks at what goes.",
    .needs = MN_NEEDS_BUFFER,
    .loss = witness_loss,
    .after_step = witness_after_step,
    .after_task = witness_after_task,
    .forget = witness_forget,
};

START_TEST(every_row_that_goes_is_told_once_before_the_service_returns)
{
    folder = test_folder("kept-rows");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &witness));
    static const char *const policies[] = {"reservoir", "ring", "balanced"};
    for (int p = 0; p < 3; p++) {
        const test_setting settings[] = {
            {"buffer_size", "40"}, {"buffer_policy", policies[p]}, {NULL, NULL}};
        for (int slot = 0; slot < 40; slot++)
            source_of[slot] = -1;
        told = overwritten = 0;
        ck_assert_ok(try("witness", settings, file("witness")));
        ck_assert_int_gt(told, 20);
        ck_assert_int_gt(overwritten, 20);
    }
    rmdir(folder);
}
END_TEST

static mn_status count_forget(mn_learner *learner, mn_tape *tape, const int64_t *slots,
                              int64_t count)
{
    (void)learner, (void)tape, (void)slots;
    told += count;
    return MN_OK;
}

static const mn_strategy bystander = {
    MN_STRATEGY_HEADER,       .name = "bystander",    .summary = "Counts what goes.",
    .needs = MN_NEEDS_BUFFER, .forget = count_forget,
};

START_TEST(selection_tells_too_and_an_add_on_is_told_with_its_base)
{
    folder = test_folder("kept-rows");
    test_register_uses();
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &bystander));
    told = 0;
    ck_assert_ok(try("icarl+bystander", few, file("run"))); /* herding shrinks classes */
    ck_assert_int_gt(told, 20);
    told = 0;
    ck_assert_ok(try("bank+bystander", few, file("run")));
    ck_assert_int_gt(told, 20);
    test_remove(file("run"));
    test_remove(file("run"));
    rmdir(folder);
}
END_TEST

START_TEST(strategies_of_the_tests_are_rebuilt_at_every_commit_to_the_same_bytes)
{
    folder = test_folder("kept-rows");
    test_register_uses();
    static const char *const all[] = {"bank"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const test_setting rebuilt[] = {{"buffer_size", "40"},
                                        {"threads", "1"},
                                        {"commit_steps", "17"},
                                        {"rebuild", "true"},
                                        {NULL, NULL}};
        const char *one = file("one"), *other = file("other");
        ck_assert_ok(try(all[i], few, one));
        ck_assert_ok(try(all[i], rebuilt, other));
        test_same_run(one, other);
        test_remove(one);
        test_remove(other);
    }
    rmdir(folder);
}
END_TEST

/* --- what may not be --- */

static const mn_batch *last;

static mn_status greedy_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    last = now;
    return mn_remember(learner, now, MN_WITHOUT);
}

static mn_status greedy_forget(mn_learner *learner, mn_tape *tape, const int64_t *slots,
                               int64_t count)
{
    (void)tape, (void)slots, (void)count;
    return mn_remember(learner, last, MN_WITHOUT);
}

static mn_status silent_forget(mn_learner *learner, mn_tape *tape, const int64_t *slots,
                               int64_t count)
{
    (void)tape, (void)slots, (void)count;
    (void)mn_column(tape, mn_draw(learner, "some", 3), "none");
    return MN_OK;
}

START_TEST(a_change_of_the_buffer_or_a_failure_in_forget_ends_the_run_with_its_name)
{
    folder = test_folder("kept-rows");
    static mn_strategy greedy, silent;
    greedy = (mn_strategy){
        MN_STRATEGY_HEADER,       .name = "greedy",     .summary = "Changes the buffer.",
        .needs = MN_NEEDS_BUFFER, .loss = witness_loss, .after_step = greedy_after_step,
        .forget = greedy_forget};
    silent = greedy;
    silent.name = "silent";
    silent.forget = silent_forget;
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &greedy));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &silent));
    ck_assert_fails(try("greedy", few, file("greedy")), MN_OUT_OF_ORDER,
                    "greedy: forget: the buffer is changed in 'forget'");
    ck_assert_fails(try("silent", few, file("silent")), MN_NOT_FOUND, "no column 'none'");
    rmdir(folder);
}
END_TEST

MN_SUITE("kept rows", every_row_that_goes_is_told_once_before_the_service_returns,
         selection_tells_too_and_an_add_on_is_told_with_its_base,
         strategies_of_the_tests_are_rebuilt_at_every_commit_to_the_same_bytes,
         a_change_of_the_buffer_or_a_failure_in_forget_ends_the_run_with_its_name)
