/* What strategies keep in the buffer and beside it: rows of their own making, and what goes when a
 * row goes. */
#include "base/registry.h"
#include "tests/run_files.h"
#include "tests/suite.h"
#include "tests/uses/uses.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/results.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *folder;

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
        ck_assert_ok(try("witness", settings, test_file(folder, "witness")));
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
    ck_assert_ok(
        try("icarl+bystander", few, test_file(folder, "run"))); /* herding shrinks classes */
    ck_assert_int_gt(told, 20);
    told = 0;
    ck_assert_ok(try("bank+bystander", few, test_file(folder, "run")));
    ck_assert_int_gt(told, 20);
    test_remove(test_file(folder, "run"));
    test_remove(test_file(folder, "run"));
    rmdir(folder);
}
END_TEST

START_TEST(strategies_of_the_tests_are_rebuilt_at_every_commit_to_the_same_bytes)
{
    folder = test_folder("kept-rows");
    test_register_uses();
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &bystander));
    static const char *const all[] = {"bank", "latent", "maker", "bank+bystander"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const test_setting rebuilt[] = {{"buffer_size", "40"},
                                        {"threads", "1"},
                                        {"commit_steps", "17"},
                                        {"rebuild", "true"},
                                        {NULL, NULL}};
        const char *one = test_file(folder, "one"), *other = test_file(folder, "other");
        ck_assert_ok(try(all[i], few, one));
        ck_assert_ok(try(all[i], rebuilt, other));
        test_same_run(one, other);
        test_remove(one);
        test_remove(other);
    }
    rmdir(folder);
}
END_TEST

/* --- rows of a strategy's own --- */

static int looked;

/* A made image comes back as the nearest bytes; in a buffer of floats, as it was. */
static mn_status check_made(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_shape image = now->image;
    const int64_t values = mn_shape_count(image);
    const mn_shape shape = MN_SHAPE(2, image.size[0], image.size[1], image.size[2]);
    const int32_t labels[2] = {1, MN_UNLABELLED};
    const int64_t slots[2] = {7, MN_NO_SLOT};
    mn_var *x = mn_scale(mn_noise(learner, tape, "made", shape), 2); /* also outside of [0, 1] */
    ck_assert_ok(
        mn_put(learner, x, labels, slots,
               MN_WITH({"two", mn_reshape(mn_input(tape, MN_SHAPE(4), (float[]){1, 2, 3, 4}, false),
                                          MN_SHAPE(2, 2))})));
    const mn_batch *all = mn_plain(learner, mn_draw(learner, "made", 50));
    bool found[2] = {false, false};
    for (int64_t i = 0; i < all->count; i++) {
        const int row = all->slots[i] == 7 ? 0 : all->slots[i] == 0 ? 1 : -1;
        if (row < 0)
            continue;
        found[row] = true;
        ck_assert_int_eq(all->labels[i], labels[row]);
        ck_assert_int_eq(all->indices[i], MN_NO_INDEX);
        ck_assert_int_eq(all->tasks[i], 0);
        for (int64_t k = 0; k < values; k++) {
            const float made = mn_host(x)[row * values + k], back = all->x[i * values + k];
            if (all->type == MN_ROW_F32)
                ck_assert(fabsf(back - made) < 1e-5F);
            else
                ck_assert(fabsf(back - fminf(fmaxf(made, 0), 1)) < 0.501F / 255);
        }
    }
    ck_assert(found[0] && found[1]);
    looked++;
    return MN_OK;
}

static mn_status made_open(mn_learner *learner)
{
    ck_assert_fails(mn_keep_rows(learner, MN_SHAPE(1, 14, 14)), MN_BAD_SHAPE,
                    "is the shape of images");
    ck_assert_fails(mn_keep_rows(learner, MN_SHAPE(1, 1, 1, 1, 2)), MN_BAD_SHAPE, "leave no axis");
    return mn_keep_column(learner, "two", 2);
}

static mn_status made_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    if (mn_step(learner) > 0)
        return MN_OK;
    MN_TRY(check_made(learner, tape, now));
    mn_var *x =
        mn_zeros(tape, MN_SHAPE(2, now->image.size[0], now->image.size[1], now->image.size[2]));
    mn_var *two = mn_zeros(tape, MN_SHAPE(2, 2));
    const int32_t labels[2] = {0, 0}, beyond[2] = {0, 99};
    ck_assert_fails(mn_put(learner, x, labels, (int64_t[]){3, 40}, MN_WITH({"two", two})),
                    MN_BAD_VALUE, "there is no slot 40 in a buffer of 40 rows");
    ck_assert_fails(mn_put(learner, x, labels, (int64_t[]){3, -2}, MN_WITH({"two", two})),
                    MN_BAD_VALUE, "no slot -2");
    ck_assert_fails(mn_put(learner, x, beyond, NULL, MN_WITH({"two", two})), MN_BAD_VALUE,
                    "label 99");
    ck_assert_fails(mn_put(learner, x, labels, NULL, MN_WITHOUT), MN_OUT_OF_ORDER,
                    "keeps a column 'two'");
    ck_assert_fails(
        mn_put(learner, x, labels, NULL, MN_WITH({"two", mn_zeros(tape, MN_SHAPE(3, 2))})),
        MN_BAD_SHAPE, "does not give a row to each of 2");
    ck_assert_fails(mn_put(learner, two, labels, NULL, MN_WITH({"two", two})), MN_BAD_SHAPE,
                    "the rows are (2,2), but the buffer keeps rows of (1,14,14)");
    const int64_t used = mn_buffer_used(mn_learner_buffer(learner));
    const int64_t room = mn_buffer_capacity(mn_learner_buffer(learner)) - used;
    mn_var *many = mn_zeros(
        tape, MN_SHAPE(room + 1, now->image.size[0], now->image.size[1], now->image.size[2]));
    static const int32_t none[64];
    ck_assert_fails(
        mn_put(learner, many, none, NULL, MN_WITH({"two", mn_zeros(tape, MN_SHAPE(room + 1, 2))})),
        MN_OUT_OF_ORDER, "of the buffer's 40 are free; make room");
    return MN_OK;
}

static const mn_strategy made = {
    MN_STRATEGY_HEADER,       .name = "made",
    .summary = "Makes rows.", .needs = MN_NEEDS_BUFFER | MN_FILLS_BUFFER,
    .open = made_open,        .loss = made_loss,
};

START_TEST(images_that_a_strategy_puts_come_back_as_the_buffer_keeps_them)
{
    folder = test_folder("kept-rows");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &made));
    const test_setting floats[] = {{"buffer_size", "40"},
                                   {"threads", "1"},
                                   {"augment", "false"},
                                   {"buffer_values", "f32"},
                                   {NULL, NULL}};
    const char *path = test_file(folder, "made");
    looked = 0;
    ck_assert_ok(try("made", few, path));
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM exemplar WHERE source = -1"), 2);
    ck_assert_ok(try("made", floats, path));
    ck_assert_int_eq(test_query(path, "SELECT min(length(image)) FROM exemplar"), 4 * 14 * 14);
    ck_assert_int_eq(looked, 2);
    test_remove(path);
    rmdir(folder);
}
END_TEST

static mn_status joins(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const mn_batch *old = mn_draw(learner, "old", 4);
    if (old->count > 0)
        (void)mn_join(learner, now, old);
    return witness_loss(learner, tape, now);
}

static mn_status open_rows(mn_learner *learner)
{
    return mn_keep_rows(learner, MN_SHAPE(5));
}

static mn_status put_rows(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_put(learner, mn_zeros(mn_tape_of(out->logits), MN_SHAPE(1, 5)), now->labels,
                  (int64_t[]){0}, MN_WITHOUT);
}

static mn_status remember_images(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

START_TEST(rows_that_are_no_images_are_kept_apart_from_images)
{
    folder = test_folder("kept-rows");
    static mn_strategy joiner, images, plain;
    joiner = (mn_strategy){MN_STRATEGY_HEADER,    .name = "joiner",
                           .summary = "Joins.",   .needs = MN_NEEDS_BUFFER | MN_FILLS_BUFFER,
                           .open = open_rows,     .loss = joins,
                           .after_step = put_rows};
    images = joiner;
    images.name = "images";
    images.loss = witness_loss;
    images.after_step = remember_images;
    plain = joiner;
    plain.name = "plain";
    plain.needs = MN_NEEDS_BUFFER;
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &joiner));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &images));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &plain));
    test_register_uses();
    const test_setting steps[] = {{"buffer_size", "40"}, {"buffer_values", "u4"}, {NULL, NULL}};
    const test_setting halves[] = {{"buffer_size", "40"}, {"buffer_values", "f16"}, {NULL, NULL}};
    ck_assert_fails(try("joiner", few, test_file(folder, "run")), MN_BAD_SHAPE,
                    "rows of (1,14,14) and of (5) cannot be joined");
    ck_assert_fails(try("images", few, test_file(folder, "run")), MN_BAD_SHAPE,
                    "images of (1,14,14) offered to a buffer of (5)");
    ck_assert_fails(try("plain", few, test_file(folder, "run")), MN_OUT_OF_ORDER,
                    "declare MN_NEEDS_BUFFER");
    ck_assert_fails(try("latent", steps, test_file(folder, "run")), MN_BAD_OPTION,
                    "choose f32 or f16");
    const char *path = test_file(folder, "halves");
    ck_assert_ok(try("latent", halves, path));
    ck_assert_int_eq(test_query(path, "SELECT max(length(image)) % 2 + min(source) FROM exemplar"),
                     -1);
    test_remove(path);
    rmdir(folder);
}
END_TEST

/* --- what is kept, in bytes --- */

static int64_t bytes_of(const char *path, const char *name)
{
    mn_results *results;
    mn_memory_part *parts;
    int64_t count, bytes = 0;
    ck_assert_ok(mn_results_open(path, &results));
    ck_assert_ok(mn_results_memory(results, &parts, &count));
    for (int64_t i = 0; i < count; i++)
        bytes += name == NULL || strcmp(parts[i].name, name) == 0 ? parts[i].bytes : 0;
    mn_memory_give(parts);
    mn_results_free(results);
    return bytes;
}

START_TEST(a_budget_counts_what_the_file_says_is_kept_and_a_byte_less_is_refused)
{
    static const char *const all[] = {"bank", "derpp+ewc", "lwf", "dgr"};
    folder = test_folder("kept-rows");
    test_register_uses();
    const char *path = test_file(folder, "run");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char budget[32];
        const test_setting settings[] = {
            {"buffer_size", "40"}, {"threads", "1"}, {"memory_budget", budget}, {NULL, NULL}};
        ck_assert_ok(try(all[i], few, path));
        const int64_t bytes = bytes_of(path, NULL);
        const bool buffer = bytes_of(path, "exemplars") > 0;
        ck_assert_int_eq(bytes_of(path, "exemplars"), buffer ? 40 * 196 : 0);
        ck_assert_int_eq(bytes_of(path, "labels"), buffer ? 40 : 0);
        snprintf(budget, sizeof budget, "%lld", (long long)bytes);
        ck_assert_ok(try(all[i], settings, path));
        snprintf(budget, sizeof budget, "%lld", (long long)bytes - 1);
        ck_assert_fails(try(all[i], settings, path), MN_BAD_OPTION, "memory_budget: the run would");
        ck_assert(!buffer || strstr(mn_error(), "exemplars 7840, labels 40") != NULL);
    }
    ck_assert_ok(try("bank", few, path));
    ck_assert_int_eq(bytes_of(path, "bank/rows"), 40 * 6 * 4);
    /* A row of a budget in bytes: image, label, and the row of logits beside its slot. */
    char exact[32];
    const test_setting bytes[] = {{"buffer_bytes", exact}, {"threads", "1"}, {NULL, NULL}};
    snprintf(exact, sizeof exact, "%d", 20 * (196 + 1 + 6 * 4));
    ck_assert_ok(try("bank", bytes, path));
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM exemplar"), 20);
    snprintf(exact, sizeof exact, "%d", 20 * (196 + 1 + 6 * 4) - 1);
    ck_assert_ok(try("bank", bytes, path));
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM exemplar"), 19);
    test_remove(path);
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
    ck_assert_fails(try("greedy", few, test_file(folder, "greedy")), MN_OUT_OF_ORDER,
                    "greedy: forget: the buffer is changed in 'forget'");
    ck_assert_fails(try("silent", few, test_file(folder, "silent")), MN_NOT_FOUND,
                    "no column 'none'");
    rmdir(folder);
}
END_TEST

MN_SUITE("kept rows", every_row_that_goes_is_told_once_before_the_service_returns,
         selection_tells_too_and_an_add_on_is_told_with_its_base,
         strategies_of_the_tests_are_rebuilt_at_every_commit_to_the_same_bytes,
         a_budget_counts_what_the_file_says_is_kept_and_a_byte_less_is_refused,
         images_that_a_strategy_puts_come_back_as_the_buffer_keeps_them,
         rows_that_are_no_images_are_kept_apart_from_images,
         a_change_of_the_buffer_or_a_failure_in_forget_ends_the_run_with_its_name)
