/* The buffer's storage: what is offered comes back, draws are fair, a loaded buffer goes on as if
 * nothing had happened, and every misuse is refused with a line that helps. */
#include "buffer/draw.h"
#include "buffer/save.h"
#include "buffer/size.h"
#include "buffer/storage.h"
#include "store/exemplars.h"
#include "store/records.h"
#include "store/runfile.h"
#include "tests/suite.h"

#include "tests/buffer/buffer_rows.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A sanitizer would end the process where malloc is asked for too much; here it must give NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static const mn_policy *policy_named(const char *name)
{
    const mn_policy *policy = (const mn_policy *)mn_find(MN_KIND_POLICY, name);
    ck_assert_msg(policy != NULL, "%s", mn_error());
    return policy;
}

/* Puts each image into the slot of its own number; those past the end are let go. */
static int64_t place_in_order(const mn_buffer *buffer, const void *options,
                              const mn_candidate *candidate, mn_key key)
{
    (void)options;
    (void)key;
    return candidate->seen < mn_buffer_capacity(buffer) ? candidate->seen : -1;
}
static const mn_policy in_order = {MN_POLICY_HEADER, .name = "in-order", .place = place_in_order};

/* That a gathered row is what row `id` was when it was offered. */
static void check_row(const mn_batch_space *space, int64_t i, int64_t id)
{
    ck_assert_int_eq(space->indices[i], id);
    for (int64_t p = 0; p < ROW_PIXELS; p++)
        ck_assert_int_eq(space->pixels[i * ROW_PIXELS + p], row_pixel(id, p));
    for (int64_t c = 0; c < ROW_LOGITS; c++)
        ck_assert(space->batch.column[0].values[i * ROW_LOGITS + c] == row_logit(id, c));
}

START_TEST(a_row_comes_back_as_it_was_offered)
{
    mn_buffer *buffer = test_buffer(&in_order, 8, 3, 1);
    test_offer(buffer, 100, 5);
    ck_assert_int_eq(mn_buffer_used(buffer), 5);
    ck_assert_int_eq(mn_buffer_seen(buffer), 5);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 0), 1);
    ck_assert_int_eq(mn_buffer_count_label(buffer, 1), 2);
    ck_assert_int_eq(mn_buffer_slot_of_label(buffer, 1, 1), 3);
    ck_assert_int_eq(mn_buffer_slot_of_label(buffer, 1, 2), -1);
    ck_assert_int_eq(mn_buffer_free_slot(buffer), 5);
    ck_assert_int_eq(mn_buffer_row_bytes(buffer), ROW_PIXELS + 4 * ROW_LOGITS);
    const int64_t slots[] = {4, 0, 4};
    mn_batch_space space = {0};
    ck_assert_ok(mn_buffer_gather(buffer, slots, 3, &space));
    ck_assert_int_eq(space.batch.count, 3);
    ck_assert_int_eq(space.batch.stream_rows, 0);
    for (int64_t i = 0; i < 3; i++) {
        check_row(&space, i, 100 + slots[i]);
        ck_assert_int_eq(space.slots[i], slots[i]);
        ck_assert_int_eq(space.labels[i], (100 + slots[i]) % 3);
        ck_assert_int_eq(space.tasks[i], 0);
    }
    mn_batch_space_free(&space);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(only_the_streams_rows_are_offered)
{
    static test_rows rows;
    mn_buffer *buffer = test_buffer(&in_order, 8, 3, 1);
    (void)test_rows_fill(&rows, 0, 6, 1);
    rows.batch.stream_rows = 2;
    ck_assert_ok(mn_buffer_offer(buffer, &rows.batch));
    ck_assert_int_eq(mn_buffer_used(buffer), 2);
    ck_assert_int_eq(mn_buffer_seen(buffer), 2);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(a_draw_is_distinct_fair_and_looked_up)
{
    enum { CAPACITY = 40, WANTED = 20, DRAWS = 4000 };
    mn_buffer *buffer = test_buffer(&in_order, CAPACITY, 4, 1);
    int64_t slots[CAPACITY], again[CAPACITY], count[CAPACITY] = {0};
    ck_assert_int_eq(mn_buffer_draw(buffer, mn_key_of(0, "draw"), WANTED, slots), 0);
    test_offer(buffer, 0, CAPACITY);
    for (uint64_t i = 0; i < DRAWS; i++) {
        bool drawn[CAPACITY] = {false};
        ck_assert_int_eq(mn_buffer_draw(buffer, mn_key_of(i, "draw"), WANTED, slots), WANTED);
        for (int j = 0; j < WANTED; j++) {
            ck_assert(!drawn[slots[j]]);
            drawn[slots[j]] = true;
            count[slots[j]]++;
        }
    }
    for (int slot = 0; slot < CAPACITY; slot++) /* 2000 +- 5 standard deviations */
        ck_assert_int_lt(llabs(count[slot] - DRAWS * WANTED / CAPACITY), 160);
    (void)mn_buffer_draw(buffer, mn_key_of(DRAWS - 1, "draw"), WANTED, again);
    ck_assert_mem_eq(slots, again, WANTED * sizeof *slots);
    ck_assert_int_eq(mn_buffer_draw(buffer, mn_key_of(0, "draw"), 1000, again), CAPACITY);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(draws_step_over_free_slots)
{
    mn_buffer *buffer = test_buffer(&in_order, 30, 3, 1);
    test_offer(buffer, 0, 30);
    ck_assert_ok(mn_buffer_shrink_label(buffer, 1, 0)); /* slots 1, 4, 7, ... */
    int64_t slots[30];
    bool drawn[30] = {false};
    ck_assert_int_eq(mn_buffer_draw(buffer, mn_key_of(0, "draw"), 30, slots), 20);
    for (int i = 0; i < 20; i++)
        drawn[slots[i]] = true;
    for (int slot = 0; slot < 30; slot++)
        ck_assert_int_eq(drawn[slot], slot % 3 != 1);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(rows_of_one_task_are_drawn_fairly)
{
    enum { CAPACITY = 30, WANTED = 4, DRAWS = 6000 };
    static test_rows rows;
    mn_buffer *buffer = test_buffer(&in_order, CAPACITY, 4, 1);
    for (int i = 0; i < CAPACITY; i++) { /* task 1: every third slot */
        (void)test_rows_fill(&rows, i, 1, 0);
        rows.tasks[0] = i % 3;
        ck_assert_ok(mn_buffer_offer(buffer, &rows.batch));
    }
    int64_t slots[CAPACITY], count[CAPACITY] = {0};
    ck_assert_int_eq(mn_buffer_draw_of_task(buffer, mn_key_of(0, "draw"), 3, 5, slots), 0);
    ck_assert_int_eq(mn_buffer_draw_of_task(buffer, mn_key_of(0, "draw"), 1, 0, slots), 0);
    ck_assert_int_eq(mn_buffer_draw_of_task(buffer, mn_key_of(0, "draw"), 1, 99, slots), 10);
    for (uint64_t i = 0; i < DRAWS; i++) {
        const mn_key key = mn_key_of(i, "draw");
        ck_assert_int_eq(mn_buffer_draw_of_task(buffer, key, 1, WANTED, slots), WANTED);
        for (int j = 0; j < WANTED; j++) {
            ck_assert_int_eq(slots[j] % 3, 1);
            ck_assert(j == 0 || slots[j] > slots[j - 1]);
            count[slots[j]]++;
        }
    }
    for (int slot = 1; slot < CAPACITY; slot += 3) /* 2400 +- 5 standard deviations */
        ck_assert_int_lt(llabs(count[slot] - DRAWS * WANTED / 10), 190);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(every_class_gives_as_many)
{
    static test_rows rows;
    mn_buffer *buffer = test_buffer(&in_order, 20, 5, 1);
    const int32_t labels[] = {3, 0, -1, 0, 3, 0, 0, 0, 3};
    (void)test_rows_fill(&rows, 0, 9, 0);
    memcpy(rows.labels, labels, sizeof labels);
    ck_assert_ok(mn_buffer_offer(buffer, &rows.batch));
    ck_assert_int_eq(mn_buffer_count_label(buffer, -1), 1);
    int64_t slots[5 * 7];
    ck_assert_int_eq(mn_buffer_draw_per_class(buffer, mn_key_of(0, "draw"), 7, slots), 14);
    int64_t count[20] = {0};
    for (int i = 0; i < 14; i++) {
        ck_assert_int_eq(mn_buffer_label(buffer, slots[i]), i < 7 ? 0 : 3);
        count[slots[i]]++;
    }
    for (int slot = 0; slot < 9; slot++) { /* 7 of 5 rows: once or twice; 7 of 3: twice or thrice */
        const int64_t least = labels[slot] == 0 ? 1 : labels[slot] == 3 ? 2 : 0;
        ck_assert_int_ge(count[slot], least);
        ck_assert_int_le(count[slot], least == 0 ? 0 : least + 1);
    }
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(a_column_is_rewritten_alone)
{
    mn_buffer *buffer = test_buffer(&in_order, 6, 2, 1);
    test_offer(buffer, 0, 6);
    const int64_t slots[] = {5, 2};
    const float values[] = {1, 2, 3, 4, 5, 6};
    ck_assert_ok(mn_buffer_update_column(buffer, slots, 2, "logits", values));
    const int64_t all[] = {0, 1, 2, 3, 4, 5};
    mn_batch_space space = {0};
    ck_assert_ok(mn_buffer_gather(buffer, all, 6, &space));
    const float *logits = space.batch.column[0].values;
    ck_assert_mem_eq(logits + 5 * ROW_LOGITS, values, ROW_LOGITS * sizeof *values);
    ck_assert_mem_eq(logits + 2 * ROW_LOGITS, values + ROW_LOGITS, ROW_LOGITS * sizeof *values);
    check_row(&space, 0, 0);
    check_row(&space, 1, 1);
    check_row(&space, 3, 3);
    mn_batch_space_free(&space);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(shrinking_keeps_the_earliest_and_frees_the_lowest_slots)
{
    static test_rows rows;
    mn_buffer *buffer = test_buffer(policy_named("herding"), 6, 2, 1);
    /* Class 0 comes into slots 4, 1, 3 in this order, class 1 into 0. */
    const int64_t into[] = {4, 0, 1, 3};
    for (int64_t i = 0; i < 4; i++) {
        (void)test_rows_fill(&rows, i, 1, i == 1);
        ck_assert_ok(mn_buffer_put(buffer, into[i], &rows.batch, 0));
        ck_assert_ok(mn_buffer_offer(buffer, &rows.batch)); /* time goes on */
    }
    ck_assert_ok(mn_buffer_shrink_label(buffer, 0, 2));
    ck_assert_int_eq(mn_buffer_used(buffer), 3);
    ck_assert_int_eq(mn_buffer_slot_of_label(buffer, 0, 0), 1);
    ck_assert_int_eq(mn_buffer_slot_of_label(buffer, 0, 1), 4);
    ck_assert_int_eq(mn_buffer_free_slot(buffer), 2);
    ck_assert_int_eq(mn_buffer_label(buffer, 3), -1);
    ck_assert_ok(mn_buffer_shrink_label(buffer, 0, 2)); /* nothing more to do */
    ck_assert_int_eq(mn_buffer_used(buffer), 3);
    ck_assert_fails(mn_buffer_shrink_label(buffer, 0, -1), MN_BAD_VALUE, "class 0");
    ck_assert_ok(mn_buffer_shrink_task(buffer, 0, 1)); /* all three are of task 0 */
    ck_assert_int_eq(mn_buffer_used(buffer), 1);
    ck_assert_int_eq(mn_buffer_label(buffer, 4), 0);
    ck_assert_ok(mn_buffer_shrink_task(buffer, 1, 0));
    ck_assert_int_eq(mn_buffer_used(buffer), 1);
    ck_assert_fails(mn_buffer_shrink_task(buffer, 0, -1), MN_BAD_VALUE, "task 0");
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(a_buffer_of_one_and_a_full_one)
{
    mn_buffer *one = test_buffer(policy_named("reservoir"), 1, 2, 1);
    test_offer(one, 0, 50);
    ck_assert_int_eq(mn_buffer_used(one), 1);
    ck_assert_int_eq(mn_buffer_free_slot(one), -1);
    ck_assert_int_eq(mn_buffer_count_label(one, 0) + mn_buffer_count_label(one, 1), 1);
    int64_t slot = -1;
    ck_assert_int_eq(mn_buffer_draw(one, mn_key_of(0, "draw"), 10, &slot), 1);
    ck_assert_int_eq(slot, 0);
    mn_buffer_free(one);
    mn_buffer_free(NULL);
}
END_TEST

START_TEST(misuse_is_refused_with_a_line_that_helps)
{
    static test_rows rows;
    mn_buffer *buffer = test_buffer(&in_order, 4, 3, 1);
    ck_assert_fails(mn_buffer_add_column(buffer, "logits", 9), MN_BAD_SHAPE, "3 wide already");
    ck_assert_fails(mn_buffer_add_column(buffer, "wide", 0), MN_BAD_SHAPE, "width 0");
    ck_assert_fails(mn_buffer_add_column(buffer, "", 1), MN_BAD_OPTION, "1 to 31");
    (void)test_rows_fill(&rows, 0, 2, 0);
    rows.labels[1] = 3;
    ck_assert_fails(mn_buffer_offer(buffer, &rows.batch), MN_BAD_VALUE, "label 3");
    ck_assert_int_eq(mn_buffer_seen(buffer), 0); /* the first row did not get in either */
    (void)test_rows_fill(&rows, 0, 2, 0);
    rows.batch.columns = 0;
    ck_assert_fails(mn_buffer_offer(buffer, &rows.batch), MN_OUT_OF_ORDER, "'logits'");
    rows.batch.columns = 1;
    rows.batch.column[0].width = 2;
    ck_assert_fails(mn_buffer_offer(buffer, &rows.batch), MN_BAD_SHAPE, "'logits' is 3 wide");
    (void)test_rows_fill(&rows, 0, 2, 0);
    rows.batch.image = MN_SHAPE(1, 4, 1);
    ck_assert_fails(mn_buffer_offer(buffer, &rows.batch), MN_BAD_SHAPE, "(1,4,1)");
    test_offer(buffer, 0, 2);
    ck_assert_ok(mn_buffer_add_column(buffer, "logits", ROW_LOGITS));
    ck_assert_fails(mn_buffer_add_column(buffer, "late", 1), MN_OUT_OF_ORDER, "'late'");
    const int64_t slots[] = {0, 2, 4};
    const float values[ROW_LOGITS] = {0};
    mn_batch_space space = {0};
    ck_assert_fails(mn_buffer_gather(buffer, slots, 2, &space), MN_BAD_VALUE, "slot 2");
    ck_assert_fails(mn_buffer_gather(buffer, slots + 2, 1, &space), MN_BAD_VALUE, "slot 4");
    ck_assert_fails(mn_buffer_update_column(buffer, slots, 1, "logit", values), MN_NOT_FOUND,
                    "'logit'");
    ck_assert_fails(mn_buffer_update_column(buffer, slots + 1, 1, "logits", values), MN_BAD_VALUE,
                    "slot 2");
    (void)test_rows_fill(&rows, 0, 2, 0);
    ck_assert_fails(mn_buffer_put(buffer, 4, &rows.batch, 0), MN_BAD_VALUE, "slot 4");
    ck_assert_fails(mn_buffer_put(buffer, 0, &rows.batch, 2), MN_BAD_VALUE, "row 2");
    mn_batch_space_free(&space);
    mn_buffer_free(buffer);
}
END_TEST

START_TEST(a_buffer_that_cannot_be_is_not_made)
{
    mn_buffer_spec spec = {
        .capacity = 0, .image = MN_SHAPE(1, 2, 2), .classes = 2, .policy = &in_order};
    mn_buffer *buffer = NULL;
    ck_assert_fails(mn_buffer_new(&spec, &buffer), MN_BAD_OPTION, "--buffer-size");
    spec.capacity = INT64_MAX;
    ck_assert_fails(mn_buffer_new(&spec, &buffer), MN_NO_MEMORY, "smaller --buffer-size");
    ck_assert_ptr_null(buffer);
    spec.capacity = 2;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    ck_assert_fails(mn_buffer_add_column(buffer, "vast", INT64_MAX / 2), MN_NO_MEMORY, "2 rows");
    char name[] = "a";
    for (int c = 0; c < MN_MAX_COLUMNS; c++, name[0]++)
        ck_assert_ok(mn_buffer_add_column(buffer, name, 1));
    ck_assert_fails(mn_buffer_add_column(buffer, name, 1), MN_UNSUPPORTED, "8 already");
    mn_buffer_free(buffer);
}
END_TEST

static int64_t place_beyond(const mn_buffer *buffer, const void *options,
                            const mn_candidate *candidate, mn_key key)
{
    (void)options;
    (void)key;
    return mn_buffer_capacity(buffer) + candidate->seen;
}

START_TEST(a_policy_that_chooses_no_slot_of_the_buffer_is_named)
{
    static test_rows rows;
    const mn_policy beyond = {MN_POLICY_HEADER, .name = "beyond", .place = place_beyond};
    mn_buffer *buffer = test_buffer(&beyond, 4, 1, 1);
    ck_assert_fails(mn_buffer_offer(buffer, test_rows_fill(&rows, 0, 1, 0)), MN_BAD_VALUE,
                    "'beyond' chose slot 4 of 4");
    mn_buffer_free(buffer);
}
END_TEST

/* --- in the run file --- */

static char path[] = "buffer-XXXXXX";

static mn_runfile *new_file(void)
{
    mn_runfile *file = NULL;
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    const int handle = mkstemp(path);
    ck_assert_int_ge(handle, 0);
    close(handle);
    unlink(path);
    ck_assert_ok(mn_runfile_create(path, &file));
    return file;
}

static void close_and_remove(mn_runfile *file)
{
    ck_assert_ok(mn_runfile_close(file));
    unlink(path);
}

/* One buffer is never disturbed; the other is saved, thrown away and loaded at every commit. */
static void rebuild_at_every_commit(const char *policy)
{
    mn_runfile *file = new_file();
    mn_buffer *calm = test_buffer(policy_named(policy), 20, 4, 7);
    mn_buffer *rebuilt = test_buffer(policy_named(policy), 20, 4, 7);
    for (int64_t round = 0; round < 12; round++) {
        test_offer(calm, round * 13, 13);
        test_offer(rebuilt, round * 13, 13);
        test_rewrite_logits(calm, round);
        test_rewrite_logits(rebuilt, round);
        if (round % 4 == 3) {
            ck_assert_ok(mn_buffer_shrink_label(calm, (int32_t)(round / 4), 2));
            ck_assert_ok(mn_buffer_shrink_label(rebuilt, (int32_t)(round / 4), 2));
        }
        test_commit(rebuilt, file);
        mn_buffer_free(rebuilt);
        rebuilt = test_buffer(policy_named(policy), 20, 4, 7);
        ck_assert_ok(mn_buffer_load(rebuilt, file));
        test_buffers_same(calm, rebuilt);
    }
    mn_buffer_free(calm);
    mn_buffer_free(rebuilt);
    close_and_remove(file);
}

START_TEST(a_loaded_buffer_goes_on_like_the_one_that_was_saved)
{
    rebuild_at_every_commit("balanced");
    rebuild_at_every_commit("ring");
}
END_TEST

START_TEST(saving_writes_all_that_changed_and_a_rollback_forgets_nothing)
{
    mn_runfile *file = new_file();
    mn_buffer *buffer = test_buffer(policy_named("reservoir"), 20, 4, 7);
    mn_buffer *loaded = test_buffer(policy_named("reservoir"), 20, 4, 7);
    for (int64_t round = 0; round < 10; round++) {
        test_offer(buffer, round * 11, 11);
        test_rewrite_logits(buffer, round);
        ck_assert_ok(mn_runfile_begin(file)); /* an attempt that comes to nothing */
        ck_assert_ok(mn_buffer_save(buffer, file));
        mn_runfile_rollback(file);
        ck_assert_ok(mn_runfile_begin(file)); /* changes between writing and committing */
        ck_assert_ok(mn_buffer_save(buffer, file));
        ck_assert_ok(mn_runfile_commit(file));
        test_rewrite_logits(buffer, round + 100);
        mn_buffer_saved(buffer);
        test_commit(buffer, file);
        ck_assert_ok(mn_buffer_load(loaded, file));
        test_buffers_same(buffer, loaded);
    }
    mn_buffer_free(buffer);
    mn_buffer_free(loaded);
    close_and_remove(file);
}
END_TEST

START_TEST(an_unchanged_buffer_writes_no_rows)
{
    mn_runfile *file = new_file();
    mn_buffer *buffer = test_buffer(&in_order, 4, 2, 7);
    test_offer(buffer, 0, 4);
    test_commit(buffer, file);
    ck_assert_ok(mn_runfile_begin(file));
    for (int64_t slot = 0; slot < 4; slot++)
        ck_assert_ok(mn_runfile_delete_exemplar(file, slot));
    ck_assert_ok(mn_runfile_commit(file));
    test_commit(buffer, file); /* knows of nothing to write, so the rows stay away */
    ck_assert_ok(mn_buffer_load(buffer, file));
    ck_assert_int_eq(mn_buffer_used(buffer), 0);
    ck_assert_int_eq(mn_buffer_seen(buffer), 4);
    mn_buffer_free(buffer);
    close_and_remove(file);
}
END_TEST

START_TEST(unlabelled_rows_are_kept_as_such)
{
    static test_rows rows;
    mn_runfile *file = new_file();
    mn_buffer *buffer = test_buffer(&in_order, 4, 2, 7);
    (void)test_rows_fill(&rows, 0, 3, -1);
    rows.labels[1] = 1;
    rows.tasks[0] = 5;
    ck_assert_ok(mn_buffer_offer(buffer, &rows.batch));
    test_commit(buffer, file);
    mn_buffer *loaded = test_buffer(&in_order, 4, 2, 7);
    ck_assert_ok(mn_buffer_load(loaded, file));
    test_buffers_same(buffer, loaded);
    ck_assert_int_eq(mn_buffer_count_label(loaded, -1), 2);
    mn_buffer_free(buffer);
    mn_buffer_free(loaded);
    close_and_remove(file);
}
END_TEST

START_TEST(rows_that_do_not_fit_the_run_are_refused_as_damage)
{
    mn_runfile *file = new_file();
    mn_buffer *buffer = test_buffer(&in_order, 8, 4, 7);
    test_offer(buffer, 0, 8);
    test_commit(buffer, file);
    mn_buffer *small = test_buffer(&in_order, 5, 4, 7);
    ck_assert_fails(mn_buffer_load(small, file), MN_CORRUPT, "slot 5 of a buffer of 5 rows");
    ck_assert_int_eq(mn_buffer_used(small), 0); /* no half of a buffer */
    mn_buffer_free(small);
    mn_buffer *more = test_buffer(&in_order, 8, 4, 7);
    ck_assert_ok(mn_buffer_add_column(more, "features", 2));
    ck_assert_fails(mn_buffer_load(more, file), MN_CORRUPT, "no column 'features'");
    mn_buffer_free(more);
    const mn_buffer_spec spec = {
        .capacity = 8, .image = MN_SHAPE(1, 2, 2), .classes = 4, .policy = &in_order};
    mn_buffer *fewer = NULL;
    ck_assert_ok(mn_buffer_new(&spec, &fewer));
    ck_assert_fails(mn_buffer_load(fewer, file), MN_CORRUPT, "column 'logits'");
    mn_buffer_free(fewer);
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_put_int(file, "buffer/seen", 9));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_fails(mn_buffer_load(buffer, file), MN_CORRUPT, "9 images offered");
    mn_buffer_free(buffer);
    close_and_remove(file);
}
END_TEST

START_TEST(a_file_without_a_buffer_loads_as_an_empty_one)
{
    mn_runfile *file = new_file();
    mn_buffer *buffer = test_buffer(&in_order, 8, 4, 7);
    test_offer(buffer, 0, 3);
    ck_assert_ok(mn_buffer_load(buffer, file));
    ck_assert_int_eq(mn_buffer_used(buffer), 0);
    ck_assert_int_eq(mn_buffer_seen(buffer), 0);
    mn_buffer_free(buffer);
    close_and_remove(file);
}
END_TEST

MN_SUITE("buffer", a_row_comes_back_as_it_was_offered, only_the_streams_rows_are_offered,
         a_draw_is_distinct_fair_and_looked_up, draws_step_over_free_slots,
         rows_of_one_task_are_drawn_fairly, every_class_gives_as_many, a_column_is_rewritten_alone,
         shrinking_keeps_the_earliest_and_frees_the_lowest_slots, a_buffer_of_one_and_a_full_one,
         misuse_is_refused_with_a_line_that_helps, a_buffer_that_cannot_be_is_not_made,
         a_policy_that_chooses_no_slot_of_the_buffer_is_named,
         a_loaded_buffer_goes_on_like_the_one_that_was_saved,
         saving_writes_all_that_changed_and_a_rollback_forgets_nothing,
         an_unchanged_buffer_writes_no_rows, unlabelled_rows_are_kept_as_such,
         rows_that_do_not_fit_the_run_are_refused_as_damage,
         a_file_without_a_buffer_loads_as_an_empty_one)
