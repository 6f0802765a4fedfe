/* buffer_rows.h -- rows to offer to a buffer, in which everything follows from a row's number. */
#ifndef MN_TESTS_BUFFER_ROWS_H
#define MN_TESTS_BUFFER_ROWS_H

#include "buffer/draw.h"
#include "buffer/save.h"
#include "buffer/storage.h"
#include "store/runfile.h"

#include <string.h>

enum { ROWS_AT_MOST = 64, ROW_PIXELS = 4, ROW_LOGITS = 3 };

typedef struct test_rows {
    mn_batch batch;
    int32_t labels[ROWS_AT_MOST], tasks[ROWS_AT_MOST];
    int64_t indices[ROWS_AT_MOST], slots[ROWS_AT_MOST];
    uint8_t pixels[ROWS_AT_MOST * ROW_PIXELS];
    float logits[ROWS_AT_MOST * ROW_LOGITS];
} test_rows;

static inline uint8_t row_pixel(int64_t id, int64_t i)
{
    return (uint8_t)(id * 7 + i);
}

static inline float row_logit(int64_t id, int64_t i)
{
    return (float)id + 0.25f * (float)i;
}

/* Rows first..first + count - 1, all of `label`; change labels afterwards where others are wanted.
 */
static inline const mn_batch *test_rows_fill(test_rows *rows, int64_t first, int64_t count,
                                             int32_t label)
{
    for (int64_t row = 0; row < count; row++) {
        const int64_t id = first + row;
        rows->labels[row] = label;
        rows->tasks[row] = label / 2;
        rows->indices[row] = id;
        rows->slots[row] = -1;
        for (int64_t i = 0; i < ROW_PIXELS; i++)
            rows->pixels[row * ROW_PIXELS + i] = row_pixel(id, i);
        for (int64_t i = 0; i < ROW_LOGITS; i++)
            rows->logits[row * ROW_LOGITS + i] = row_logit(id, i);
    }
    rows->batch = (mn_batch){.count = count,
                             .stream_rows = count,
                             .image = MN_SHAPE(1, 2, 2),
                             .pixels = rows->pixels,
                             .labels = rows->labels,
                             .tasks = rows->tasks,
                             .indices = rows->indices,
                             .slots = rows->slots,
                             .columns = 1,
                             .column = {{"logits", ROW_LOGITS, rows->logits}}};
    return &rows->batch;
}

/* An empty buffer of such rows. */
static inline mn_buffer *test_buffer(const mn_policy *policy, int64_t capacity, int64_t classes,
                                     uint64_t seed)
{
    const mn_buffer_spec spec = {.capacity = capacity,
                                 .image = MN_SHAPE(1, 2, 2),
                                 .classes = classes,
                                 .policy = policy,
                                 .key = mn_key_of(seed, "buffer")};
    mn_buffer *buffer = NULL;
    ck_assert_ok(mn_buffer_new(&spec, &buffer));
    ck_assert_ok(mn_buffer_add_column(buffer, "logits", ROW_LOGITS));
    return buffer;
}

/* Offers rows first..first + count - 1, labelled id % classes. */
static inline void test_offer(mn_buffer *buffer, int64_t first, int64_t count)
{
    static test_rows rows;
    (void)test_rows_fill(&rows, first, count, 0);
    for (int64_t row = 0; row < count; row++)
        rows.labels[row] = (int32_t)((first + row) % mn_buffer_classes(buffer));
    ck_assert_ok(mn_buffer_offer(buffer, &rows.batch));
}

/* That two buffers hold the same, draw the same and place the same from here on. */
static inline void test_buffers_same(const mn_buffer *a, const mn_buffer *b)
{
    enum { MOST = 64 };
    int64_t slots[2][MOST];
    mn_batch_space space[2];
    memset(space, 0, sizeof space);
    ck_assert_int_eq(mn_buffer_seen(a), mn_buffer_seen(b));
    const int64_t used = mn_buffer_draw(a, mn_key_of(9, "same"), MOST, slots[0]);
    ck_assert_int_eq(mn_buffer_draw(b, mn_key_of(9, "same"), MOST, slots[1]), used);
    ck_assert_mem_eq(slots[0], slots[1], (size_t)used * sizeof slots[0][0]);
    ck_assert_ok(mn_buffer_gather(a, slots[0], used, &space[0]));
    ck_assert_ok(mn_buffer_gather(b, slots[1], used, &space[1]));
    const size_t n = (size_t)used;
    ck_assert_mem_eq(space[0].labels, space[1].labels, n * sizeof(int32_t));
    ck_assert_mem_eq(space[0].tasks, space[1].tasks, n * sizeof(int32_t));
    ck_assert_mem_eq(space[0].indices, space[1].indices, n * sizeof(int64_t));
    ck_assert_mem_eq(space[0].pixels, space[1].pixels, n * ROW_PIXELS);
    ck_assert_mem_eq(space[0].batch.column[0].values, space[1].batch.column[0].values,
                     n * ROW_LOGITS * sizeof(float));
    for (int32_t label = -1; label < mn_buffer_classes(a); label++)
        ck_assert_int_eq(mn_buffer_count_label(a, label), mn_buffer_count_label(b, label));
    mn_batch_space_free(&space[0]);
    mn_batch_space_free(&space[1]);
}

/* Of three rows, drawn by the number of the round. */
static inline void test_rewrite_logits(mn_buffer *buffer, int64_t round)
{
    int64_t slots[3];
    const float values[3 * ROW_LOGITS] = {(float)round, -1, 2, 3, -4, 5, 6, 7, -8};
    const mn_key key = mn_key_at(mn_key_of(2, "rewrite"), (uint64_t)round);
    const int64_t n = mn_buffer_draw(buffer, key, 3, slots);
    ck_assert_ok(mn_buffer_update_column(buffer, slots, n, "logits", values));
}

static inline void test_commit(mn_buffer *buffer, mn_runfile *file)
{
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_buffer_save(buffer, file));
    ck_assert_ok(mn_runfile_commit(file));
    mn_buffer_saved(buffer);
}

#endif
