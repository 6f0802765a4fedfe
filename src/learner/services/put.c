/* put.c -- services by which a strategy writes rows of its own making into the buffer. */
#include "base/hook.h"
#include "buffer/draw.h"
#include "buffer/storage.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/lost.h"

#include <stdio.h>
#include <string.h>

mn_status mn_keep_rows(mn_learner *learner, mn_shape shape)
{
    const mn_shape image = mn_dataset_image(mn_stream_dataset(learner->stream));
    const mn_strategy *strategy = learner->member[learner->current].strategy;
    char text[64];
    if (learner->buffer == NULL || (strategy->needs & MN_FILLS_BUFFER) == 0)
        return mn_fail(MN_OUT_OF_ORDER,
                       "keep_rows: %s does not fill the buffer itself; declare "
                       "MN_NEEDS_BUFFER and MN_FILLS_BUFFER",
                       strategy->name);
    if (mn_shape_equal(shape, image))
        return mn_fail(MN_BAD_SHAPE,
                       "keep_rows: %s is the shape of images; put those without it, and set "
                       "buffer_values to f32 where bytes are not enough",
                       mn_shape_text(shape, text));
    if (shape.rank == MN_MAX_RANK)
        return mn_fail(MN_BAD_SHAPE, "keep_rows: rows of %s leave no axis for a batch",
                       mn_shape_text(shape, text));
    return mn_buffer_make_rows(learner->buffer, shape);
}

static mn_status check_shape(const mn_learner *learner, mn_shape found)
{
    const mn_shape row = mn_buffer_row_shape(learner->buffer);
    char a[64], b[64];
    bool equal = found.rank == row.rank + 1;
    for (int i = 0; i < row.rank && equal; i++)
        equal = found.size[i + 1] == row.size[i];
    return equal ? MN_OK
                 : mn_fail(MN_BAD_SHAPE, "put: the rows are %s, but the buffer keeps rows of %s",
                           mn_shape_text(found, a), mn_shape_text(row, b));
}

/* Where each row goes is settled before the first is written. */
static mn_status check_slots(const mn_learner *learner, const int64_t *slots, int64_t count)
{
    const int64_t capacity = mn_buffer_capacity(learner->buffer);
    const int64_t free = capacity - mn_buffer_used(learner->buffer);
    int64_t wanted = slots == NULL ? count : 0;
    for (int64_t i = 0; slots != NULL && i < count; i++) {
        if (slots[i] < MN_NO_SLOT || slots[i] >= capacity)
            return mn_fail(MN_BAD_VALUE, "put: there is no slot %lld in a buffer of %lld rows",
                           (long long)slots[i], (long long)capacity);
        wanted += slots[i] == MN_NO_SLOT;
    }
    return wanted <= free
               ? MN_OK
               : mn_fail(
                     MN_OUT_OF_ORDER,
                     "put: %lld rows without a slot, but %lld of the buffer's %lld are free; make "
                     "room with mn_shrink_class(), or name the slots",
                     (long long)wanted, (long long)free, (long long)capacity);
}

static mn_status add_column(mn_batch *batch, const char *name, mn_var *value)
{
    char text[64];
    const mn_shape shape = mn_shape_of(value);
    const float *values;
    const mn_status status = mn_values(value, &values);
    if (status != MN_OK)
        return mn_fail_in(status, "column '%s'", name);
    if (shape.rank != 2 || shape.size[0] != batch->count || batch->columns == MN_MAX_COLUMNS)
        return mn_fail(MN_BAD_SHAPE, "column '%s': %s does not give a row to each of %lld", name,
                       mn_shape_text(shape, text), (long long)batch->count);
    mn_batch_column *column = &batch->column[batch->columns++];
    *column = (mn_batch_column){.width = shape.size[1], .values = values};
    snprintf(column->name, sizeof column->name, "%s", name);
    return MN_OK;
}

/* What the other strategies say of a column that they keep; NULL: nothing. */
static mn_var *said_by_others(mn_learner *learner, const mn_batch *rows, const char *name)
{
    const int maker = learner->current;
    mn_var *value = NULL;
    for (int i = 0; i < learner->members && value == NULL; i++) {
        const mn_strategy *strategy = learner->member[i].strategy;
        if (i == maker || strategy->column == NULL)
            continue;
        learner->current = i;
        const mn_hook_place outer = mn_hook_enter(strategy->name, "column");
        value = strategy->column(learner, learner->tape, rows, name);
        (void)mn_hook_leave(outer, MN_OK);
    }
    learner->current = maker;
    return value;
}

static mn_status add_columns(mn_learner *learner, mn_batch_space *space,
                             const mn_column_value *columns, int n)
{
    mn_batch *batch = &space->batch;
    const char *name;
    for (int i = 0; i < n; i++)
        MN_TRY(add_column(batch, columns[i].name, columns[i].value));
    for (int i = 0; (name = mn_buffer_column_name(learner->buffer, i)) != NULL; i++) {
        if (mn_batch_find_column(batch, name) != NULL || learner->members == 1)
            continue;
        MN_TRY(mn_batch_space_transform(space, &learner->plain, mn_key_of(0, "plain"), NULL));
        mn_var *value = said_by_others(learner, batch, name);
        if (value != NULL)
            MN_TRY(add_column(batch, name, value));
    }
    return mn_learner_check(learner);
}

static mn_status make_batch(mn_learner *learner, mn_var *rows, const int32_t *labels,
                            mn_batch_space **made)
{
    const mn_shape row = mn_buffer_row_shape(learner->buffer);
    const mn_row_type type = mn_buffer_row_type(learner->buffer);
    const int64_t count = mn_rows_of(rows), values = mn_shape_count(row);
    const float *x;
    mn_status status = mn_values(rows, &x);
    if (status != MN_OK)
        return mn_fail_in(status, "put");
    MN_TRY(check_shape(learner, mn_shape_of(rows)));
    MN_TRY(mn_learner_space(learner, made));
    mn_batch_space *space = *made;
    MN_TRY(mn_batch_space_prepare(space, row, type, count));
    for (int64_t i = 0; i < count; i++) {
        uint8_t *to = space->pixels + mn_row_bytes(type, i * values);
        if (type == MN_ROW_X)
            memcpy(to, x + i * values, mn_row_bytes(type, values));
        else
            mn_transform_invert(&learner->plain, row, x + i * values, type, to);
        space->labels[i] = labels[i];
        space->tasks[i] = mn_learner_task_of(learner, labels[i]);
    }
    return MN_OK;
}

static mn_status put(mn_learner *learner, const mn_batch *batch, const int64_t *slots)
{
    for (int64_t i = 0; i < batch->count; i++) {
        const int64_t named = slots != NULL ? slots[i] : MN_NO_SLOT;
        const int64_t slot = named != MN_NO_SLOT ? named : mn_buffer_free_slot(learner->buffer);
        MN_TRY(mn_buffer_put(learner->buffer, slot, batch, i));
    }
    return mn_learner_tell_lost(learner);
}

mn_status mn_put(mn_learner *learner, mn_var *rows, const int32_t *labels, const int64_t *slots,
                 const mn_column_value *columns, int n)
{
    mn_batch_space *space;
    if (learner->buffer == NULL)
        return mn_fail(MN_OUT_OF_ORDER, "there is no buffer; declare MN_NEEDS_BUFFER");
    MN_TRY(mn_learner_may_change_buffer(learner));
    MN_TRY(make_batch(learner, rows, labels, &space));
    MN_TRY(check_slots(learner, slots, space->batch.count));
    MN_TRY(add_columns(learner, space, columns, n));
    MN_TRY(mn_buffer_check_rows(learner->buffer, &space->batch));
    return put(learner, &space->batch, slots);
}
