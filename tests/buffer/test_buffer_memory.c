/* A buffer with less memory than rows: whatever the limit, it answers like one that holds them all;
 * the row used longest ago goes first; and nothing is written or believed that should not be. */
#include "buffer/draw.h"
#include "buffer/save.h"
#include "buffer/storage.h"
#include "store/exemplars.h"
#include "store/runfile.h"
#include "tests/suite.h"

#include "buffer/rows.h"
#include "tests/buffer/buffer_rows.h"
#include "tests/scratch.h"

#include <string.h>

enum { CAPACITY = 20, CLASSES = 4, ROW = ROW_PIXELS + 4 * ROW_LOGITS + 12 /* its links */ };

static mn_runfile *file;

static void begin(void)
{
    scratch_new();
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(mn_runfile_begin(file));
}

static void end(void)
{
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}

/* As the runner does it: the next transaction begins at once. */
static void commit_and_go_on(mn_buffer *buffer)
{
    ck_assert_ok(mn_buffer_save(buffer, file));
    ck_assert_ok(mn_runfile_commit(file));
    mn_buffer_saved(buffer);
    ck_assert_ok(mn_runfile_begin(file));
}

static mn_buffer *limited(const char *policy, int64_t capacity, int64_t rows)
{
    const mn_policy *found = (const void *)mn_find(MN_KIND_POLICY, policy);
    ck_assert_msg(found != NULL, "%s", mn_error());
    const mn_buffer_spec spec = {.capacity = capacity,
                                 .image = MN_SHAPE(1, 2, 2),
                                 .classes = CLASSES,
                                 .policy = found,
                                 .key = mn_key_of(7, "buffer"),
                                 .memory = rows * ROW,
                                 .file = file};
    mn_buffer *buffer = NULL;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    ck_assert_ok(mn_buffer_add_column(buffer, "logits", ROW_LOGITS));
    ck_assert_int_eq(buffer->places, rows);
    ck_assert_int_eq(buffer->cache == NULL, rows == capacity);
    return buffer;
}

static mn_buffer *unlimited(const char *policy)
{
    return test_buffer((const void *)mn_find(MN_KIND_POLICY, policy), CAPACITY, CLASSES, 7);
}

/* --- the same, whatever the limit --- */

typedef enum upset { NEVER, AT_COMMITS } upset;

static void check_limit(const char *policy, int64_t rows, int64_t commit_every, upset rebuilt)
{
    begin();
    mn_buffer *calm = unlimited(policy), *small = limited(policy, CAPACITY, rows);
    for (int64_t round = 0; round < 24; round++) {
        test_offer(calm, round * 13, 13);
        test_offer(small, round * 13, 13);
        test_rewrite_logits(calm, round);
        test_rewrite_logits(small, round);
        if (round % 4 == 3) {
            const int32_t label = (int32_t)(round / 4 % CLASSES);
            ck_assert_ok(mn_buffer_shrink_label(calm, label, 2));
            ck_assert_ok(mn_buffer_shrink_label(small, label, 2));
        }
        if (round % 3 > 0) /* rows are not only read right after they were written */
            test_buffers_same(calm, small);
        if (round % commit_every != 0)
            continue;
        commit_and_go_on(small);
        if (rebuilt == NEVER)
            continue;
        mn_buffer_free(small);
        small = limited(policy, CAPACITY, rows);
        ck_assert_ok(mn_buffer_load(small, file));
    }
    commit_and_go_on(small);
    mn_buffer *loaded = unlimited(policy);
    ck_assert_ok(mn_buffer_load(loaded, file));
    test_buffers_same(calm, loaded);
    mn_buffer_free(calm);
    mn_buffer_free(small);
    mn_buffer_free(loaded);
    end();
}

START_TEST(any_limit_gives_the_buffer_that_has_none)
{
    static const char *const policies[] = {"reservoir", "balanced", "ring"};
    static const int64_t limits[] = {1, 2, 3, 5, 11, CAPACITY};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++)
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
            check_limit(policies[p], limits[i], i % 2 == 0 ? 5 : 1, NEVER);
}
END_TEST

START_TEST(a_limited_buffer_rebuilt_at_every_commit_goes_on_like_one_left_alone)
{
    for (int64_t rows = 1; rows <= 9; rows += 4) {
        check_limit("reservoir", rows, 1, AT_COMMITS);
        check_limit("ring", rows, 3, AT_COMMITS);
    }
}
END_TEST

/* --- who goes, and what is written --- */

static mn_status nothing_of_a_row(void *context, const mn_exemplar *exemplar)
{
    (void)context;
    (void)exemplar;
    return MN_OK;
}

static mn_status nothing_of_a_column(void *context, int64_t slot, const char *name,
                                     const float *values, int64_t width)
{
    (void)context;
    (void)slot;
    (void)name;
    (void)values;
    (void)width;
    return MN_OK;
}

static bool in_file(int64_t slot)
{
    const mn_exemplar_reader reader = {NULL, nothing_of_a_row, nothing_of_a_column};
    const mn_status status = mn_runfile_read_exemplar(file, slot, &reader);
    ck_assert(status == MN_OK || status == MN_NOT_FOUND);
    return status == MN_OK;
}

static mn_status touch(mn_buffer *buffer, int64_t slot)
{
    mn_batch_space space = {0};
    const mn_status status = mn_buffer_gather(buffer, &slot, 1, &space);
    mn_batch_space_free(&space);
    return status;
}

START_TEST(the_row_used_longest_ago_goes_first)
{
    begin();
    mn_buffer *buffer = limited("reservoir", CAPACITY, 3);
    test_offer(buffer, 0, 3);
    ck_assert_ok(touch(buffer, 0));
    ck_assert_ok(touch(buffer, 1));
    test_offer(buffer, 3, 1); /* slot 2 goes */
    ck_assert(!in_file(0) && !in_file(1) && in_file(2) && !in_file(3));
    ck_assert_ok(touch(buffer, 2)); /* slot 0 goes */
    ck_assert(in_file(0) && !in_file(1) && in_file(2) && !in_file(3));
    ck_assert_ok(mn_buffer_shrink_label(buffer, 1, 0)); /* slot 1 is free, and so is its place */
    test_offer(buffer, 5, 1);
    ck_assert(!in_file(1) && !in_file(3));
    mn_buffer_free(buffer);
    end();
}
END_TEST

START_TEST(a_row_that_has_not_changed_is_not_written_again)
{
    begin();
    mn_buffer *buffer = limited("reservoir", CAPACITY, 2);
    test_offer(buffer, 0, 4);
    ck_assert_ok(touch(buffer, 1));                    /* went into the transaction, and is back */
    ck_assert_ok(mn_runfile_delete_exemplar(file, 1)); /* would be there if it were written again */
    ck_assert_ok(touch(buffer, 2));
    ck_assert_ok(touch(buffer, 3));
    ck_assert(!in_file(1));
    mn_runfile_rollback(file);
    ck_assert_ok(mn_runfile_begin(file));
    mn_buffer_free(buffer);
    buffer = limited("reservoir", CAPACITY, 2);
    test_offer(buffer, 0, 4);
    commit_and_go_on(buffer);
    ck_assert_ok(touch(buffer, 0));
    ck_assert_ok(mn_runfile_delete_exemplar(file, 0));
    ck_assert_ok(touch(buffer, 1));
    ck_assert_ok(touch(buffer, 2));
    ck_assert(!in_file(0));
    ck_assert_fails(touch(buffer, 0), MN_CORRUPT, "exemplar 0 is not the one");
    ck_assert_ok(touch(buffer, 1)); /* the place is free again, the others are well */
    ck_assert_ok(touch(buffer, 3));
    mn_buffer_free(buffer);
    end();
}
END_TEST

START_TEST(a_changed_row_stays_when_no_transaction_is_open)
{
    begin();
    mn_buffer *buffer = limited("reservoir", CAPACITY, 1);
    test_offer(buffer, 0, 2);
    mn_runfile_rollback(file);
    ck_assert_fails(touch(buffer, 0), MN_OUT_OF_ORDER, "outside a transaction");
    ck_assert_ok(touch(buffer, 1));
    mn_buffer_free(buffer);
    end();
}
END_TEST

/* After a rollback the file holds who stood there before; that is noticed, not believed. */
START_TEST(rows_of_a_transaction_that_was_undone_are_not_believed)
{
    static test_rows rows;
    begin();
    mn_buffer *buffer = limited("reservoir", CAPACITY, 2);
    test_offer(buffer, 0, 4);
    commit_and_go_on(buffer);
    for (int64_t slot = 0; slot < 4; slot++)
        ck_assert_ok(mn_buffer_put(buffer, slot, test_rows_fill(&rows, 50 + slot, 1, 1), 0));
    mn_runfile_rollback(file);
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_fails(touch(buffer, 0), MN_CORRUPT, "exemplar 0 is not the one");
    ck_assert_fails(touch(buffer, 1), MN_CORRUPT, "exemplar 1 is not the one"); /* same label */
    ck_assert_ok(mn_buffer_load(buffer, file));
    ck_assert_ok(touch(buffer, 0));
    mn_buffer_free(buffer);
    end();
}
END_TEST

START_TEST(a_limited_buffer_has_one_file)
{
    begin();
    mn_buffer *buffer = limited("reservoir", CAPACITY, 2);
    test_offer(buffer, 0, 4);
    mn_runfile *other;
    char path[160];
    snprintf(path, sizeof path, "%s.other", scratch_path);
    ck_assert_ok(mn_runfile_create(path, &other));
    ck_assert_ok(mn_runfile_begin(other));
    ck_assert_fails(mn_buffer_save(buffer, other), MN_OUT_OF_ORDER, "two files");
    ck_assert_fails(mn_buffer_load(buffer, other), MN_OUT_OF_ORDER, "two files");
    ck_assert_ok(mn_runfile_close(other));
    mn_buffer_free(buffer);
    end();
}
END_TEST

START_TEST(the_limit_counts_columns_and_leaves_room_for_one_row)
{
    begin();
    const mn_policy *policy = (const void *)mn_find(MN_KIND_POLICY, "reservoir");
    mn_buffer_spec spec = {.capacity = 1000,
                           .image = MN_SHAPE(3, 32, 32),
                           .classes = CLASSES,
                           .policy = policy,
                           .memory = 100 * (3072 + 12),
                           .file = file};
    mn_buffer *buffer = NULL;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    ck_assert_int_eq(buffer->places, 100);
    ck_assert_ok(mn_buffer_add_column(buffer, "logits", 771)); /* as much again */
    ck_assert_int_eq(buffer->places, 50);
    mn_buffer_free(buffer);
    spec.memory = 1;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    ck_assert_int_eq(buffer->places, 1);
    mn_buffer_free(buffer);
    spec.memory = 1000 * 3072; /* enough for all: no cache, and so no links */
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    ck_assert_int_eq(buffer->places, 1000);
    ck_assert_ptr_null(buffer->cache);
    mn_buffer_free(buffer);
    spec.memory = -1;
    ck_assert_fails(mn_buffer_new(&spec, &buffer), MN_BAD_OPTION, "-1 bytes of memory");
    end();
}
END_TEST

MN_SUITE("buffer_memory", any_limit_gives_the_buffer_that_has_none,
         a_limited_buffer_rebuilt_at_every_commit_goes_on_like_one_left_alone,
         the_row_used_longest_ago_goes_first, a_row_that_has_not_changed_is_not_written_again,
         a_changed_row_stays_when_no_transaction_is_open,
         rows_of_a_transaction_that_was_undone_are_not_believed, a_limited_buffer_has_one_file,
         the_limit_counts_columns_and_leaves_room_for_one_row)
