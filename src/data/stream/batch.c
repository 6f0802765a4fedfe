/* batch.c -- the memory behind a batch.  Nothing is kept when it grows, so growing is free and
 * malloc; once every size was seen, a step allocates nothing. */
#include "data/stream/batch.h"
#include "base/memory.h"
#include "data/stream/row.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* of float arrays: a cache line, and an AVX-512 register */

static float *new_floats(int64_t count)
{
    return mn_memory_take_aligned(ALIGNMENT, (size_t)count * sizeof(float));
}

static void free_rows(mn_batch_space *space)
{
    mn_memory_give(space->x);
    mn_memory_give(space->pixels);
    mn_memory_give(space->labels);
    mn_memory_give(space->tasks);
    mn_memory_give(space->indices);
    mn_memory_give(space->slots);
    space->x = NULL;
    space->pixels = NULL;
    space->labels = space->tasks = NULL;
    space->indices = space->slots = NULL;
    space->capacity = space->values = 0;
}

static bool allocate(mn_batch_space *space, int64_t pixels, mn_row_type type, int64_t rows)
{
    if (rows > PTRDIFF_MAX / (int64_t)sizeof(int64_t) / pixels)
        return false;
    const size_t n = (size_t)rows;
    space->x = new_floats(rows * pixels);
    space->pixels = mn_memory_take_aligned(ALIGNMENT, n * mn_row_bytes(type, pixels));
    space->labels = mn_memory_take(n, sizeof *space->labels);
    space->tasks = mn_memory_take(n, sizeof *space->tasks);
    space->indices = mn_memory_take(n, sizeof *space->indices);
    space->slots = mn_memory_take(n, sizeof *space->slots);
    return space->x != NULL && space->pixels != NULL && space->labels != NULL &&
           space->tasks != NULL && space->indices != NULL && space->slots != NULL;
}

static mn_status grow(mn_batch_space *space, int64_t pixels, mn_row_type type, int64_t rows)
{
    free_rows(space);
    if (!allocate(space, pixels, type, rows)) {
        free_rows(space);
        return mn_fail(MN_NO_MEMORY, "out of memory for a batch of %lld images", (long long)rows);
    }
    space->capacity = rows;
    space->values = pixels;
    space->type = type;
    return MN_OK;
}

mn_status mn_batch_space_prepare(mn_batch_space *space, mn_shape image, mn_row_type type,
                                 int64_t rows)
{
    const int64_t pixels = mn_shape_count(image);
    space->batch = (mn_batch){.count = 0}; /* what it was may be gone after a failure */
    if (rows < 0 || pixels < 1)
        return mn_fail(MN_BAD_SHAPE, "a batch of %lld images of %lld values", (long long)rows,
                       (long long)pixels);
    if (space->values != pixels || space->type != type || space->capacity < rows)
        MN_TRY(grow(space, pixels, type, rows > 0 ? rows : 1));
    space->batch = (mn_batch){
        .count = rows,
        .image = image,
        .x = space->x,
        .pixels = space->pixels,
        .labels = space->labels,
        .tasks = space->tasks,
        .indices = space->indices,
        .slots = space->slots,
        .type = type,
    };
    for (int64_t i = 0; i < rows; i++)
        space->indices[i] = MN_NO_INDEX, space->slots[i] = MN_NO_SLOT;
    return MN_OK;
}

const mn_batch_column *mn_batch_find_column(const mn_batch *batch, const char *name)
{
    for (int i = 0; i < batch->columns; i++)
        if (strcmp(batch->column[i].name, name) == 0)
            return &batch->column[i];
    return NULL;
}

mn_status mn_batch_space_column(mn_batch_space *space, const char *name, int64_t width,
                                float **values)
{
    mn_batch *batch = &space->batch;
    if (strlen(name) >= MN_COLUMN_NAME)
        return mn_fail(MN_BAD_VALUE, "column name '%s' is longer than %d bytes", name,
                       MN_COLUMN_NAME - 1);
    if (width < 1)
        return mn_fail(MN_BAD_SHAPE, "column '%s' of width %lld", name, (long long)width);
    if (mn_batch_find_column(batch, name) != NULL)
        return mn_fail(MN_BAD_VALUE, "column '%s' is already in the batch", name);
    if (batch->columns == MN_MAX_COLUMNS)
        return mn_fail(MN_UNSUPPORTED, "column '%s': a batch has at most %d columns", name,
                       MN_MAX_COLUMNS);
    const int at = batch->columns;
    const int64_t wanted = (batch->count > 0 ? batch->count : 1) * width;
    if (space->column_capacity[at] < wanted) {
        mn_memory_give(space->column[at]);
        space->column[at] = new_floats(wanted);
        space->column_capacity[at] = space->column[at] != NULL ? wanted : 0;
        if (space->column[at] == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for column '%s'", name);
    }
    batch->column[at] = (mn_batch_column){.width = width, .values = space->column[at]};
    snprintf(batch->column[at].name, MN_COLUMN_NAME, "%s", name);
    batch->columns++;
    *values = space->column[at];
    return MN_OK;
}

mn_status mn_batch_space_transform(mn_batch_space *space, const mn_transform *transform, mn_key key,
                                   const int64_t *ids)
{
    return mn_transform_apply(transform, space->batch.image, space->batch.count, space->type,
                              space->pixels, key, ids, space->x);
}

const float *mn_batch_values(const mn_batch *batch)
{
    return batch->type != MN_ROW_U8 ? (const float *)(const void *)batch->pixels : NULL;
}

void mn_batch_space_copy_row(mn_batch_space *space, int64_t at, const mn_batch *from, int64_t row)
{
    const int64_t values = mn_shape_count(from->image);
    mn_row_convert(from->type, from->pixels + mn_row_bytes(from->type, row * values), values,
                   space->type, space->pixels + mn_row_bytes(space->type, at * values));
    space->labels[at] = from->labels[row];
    space->tasks[at] = from->tasks[row];
    space->indices[at] = from->indices[row];
    space->slots[at] = from->slots[row];
}

void mn_batch_space_copy(mn_batch_space *space, int64_t at, const mn_batch *from)
{
    const int64_t values = mn_shape_count(from->image);
    if (from->count == 0) /* it may lack arrays */
        return;
    for (int64_t row = 0; row < from->count; row++)
        mn_batch_space_copy_row(space, at + row, from, row);
    memcpy(space->x + at * values, from->x, (size_t)(from->count * values) * sizeof *space->x);
}

void mn_batch_space_free(mn_batch_space *space)
{
    free_rows(space);
    for (int i = 0; i < MN_MAX_COLUMNS; i++)
        mn_memory_give(space->column[i]);
    *space = (mn_batch_space){.capacity = 0};
}

mn_batch mn_batch_row(const mn_batch *batch, int64_t i)
{
    const int64_t pixels = mn_shape_count(batch->image);
    return (mn_batch){.count = 1,
                      .stream_rows = i < batch->stream_rows,
                      .image = batch->image,
                      .x = batch->x + i * pixels,
                      .pixels = batch->pixels + mn_row_bytes(batch->type, i * pixels),
                      .labels = batch->labels + i,
                      .tasks = batch->tasks + i,
                      .indices = batch->indices + i,
                      .slots = batch->slots + i,
                      .type = batch->type};
}
