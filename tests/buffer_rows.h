/* buffer_rows.h -- rows to offer to a buffer, in which everything follows from a row's number. */
#ifndef MN_TESTS_BUFFER_ROWS_H
#define MN_TESTS_BUFFER_ROWS_H

#include "buffers/storage.h"

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

#endif
