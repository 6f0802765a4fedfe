/* rows.c -- services that make a batch, or marks for it, from another batch. */
#include "autograd/memory.h"
#include "data/stream/row.h"
#include "data/stream/stream.h"
#include "learner/learner.h"

#include <mneme/ops.h>
#include <mneme/stream.h>
#include <string.h>

static mn_status plain(mn_learner *learner, const mn_batch *batch, mn_batch_space **space)
{
    MN_TRY(mn_learner_space(learner, space));
    MN_TRY(mn_batch_space_prepare(*space, batch->image, batch->type, batch->count));
    mn_batch_space_copy(*space, 0, batch);
    (*space)->batch.stream_rows = batch->stream_rows;
    return mn_batch_space_transform(*space, &learner->plain, mn_key_of(0, "plain"), NULL);
}

const mn_batch *mn_plain(mn_learner *learner, const mn_batch *batch)
{
    mn_batch_space *space = NULL;
    const mn_status status = plain(learner, batch, &space);
    return mn_learner_batch(learner, status, space);
}

static mn_status join(mn_learner *learner, const mn_batch *a, const mn_batch *b,
                      mn_batch_space **space)
{
    char one[64], other[64];
    if (a->count > 0 && b->count > 0 && !mn_shape_equal(a->image, b->image))
        return mn_fail(MN_BAD_SHAPE, "rows of %s and of %s cannot be joined",
                       mn_shape_text(a->image, one), mn_shape_text(b->image, other));
    MN_TRY(mn_learner_space(learner, space));
    MN_TRY(mn_batch_space_prepare(*space, a->count > 0 ? a->image : b->image,
                                  a->count == 0   ? b->type
                                  : b->count == 0 ? a->type
                                                  : mn_row_type_wider(a->type, b->type),
                                  a->count + b->count));
    mn_batch_space_copy(*space, 0, a);
    mn_batch_space_copy(*space, a->count, b);
    (*space)->batch.stream_rows = a->stream_rows;
    return MN_OK;
}

const mn_batch *mn_join(mn_learner *learner, const mn_batch *a, const mn_batch *b)
{
    mn_batch_space *space = NULL;
    const mn_status status = join(learner, a, b, &space);
    return mn_learner_batch(learner, status, space);
}

static mn_status copy_columns(mn_batch_space *to, const mn_batch *from, const int64_t *places)
{
    for (int c = 0; c < from->columns; c++) {
        const mn_batch_column *column = &from->column[c];
        const int64_t width = column->width;
        float *values;
        MN_TRY(mn_batch_space_column(to, column->name, width, &values));
        for (int64_t i = 0; i < to->batch.count; i++)
            memcpy(values + i * width, column->values + places[i] * width,
                   (size_t)width * sizeof *values);
    }
    return MN_OK;
}

static mn_status copy_places(mn_batch_space *to, const mn_batch *from, const int64_t *places,
                             int64_t count)
{
    if (from->count == 0) { /* it may lack an image's shape */
        to->batch = *from;
        return MN_OK;
    }
    const int64_t pixels = mn_shape_count(from->image);
    MN_TRY(mn_batch_space_prepare(to, from->image, from->type, count));
    for (int64_t i = 0; i < count; i++) {
        mn_batch_space_copy_row(to, i, from, places[i]);
        memcpy(to->x + i * pixels, from->x + places[i] * pixels, (size_t)pixels * sizeof *to->x);
        to->batch.stream_rows += places[i] < from->stream_rows;
    }
    return copy_columns(to, from, places);
}

static mn_status subset(mn_learner *learner, const mn_batch *batch, mn_row_wanted *wanted,
                        void *context, int64_t **places, mn_batch_space **space)
{
    int64_t count = 0;
    MN_TRY(mn_learner_space(learner, space));
    *places = mn_tape_take(learner->tape, (size_t)(batch->count + 1) * sizeof **places);
    if (*places == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a choice of rows");
    for (int64_t row = 0; row < batch->count; row++)
        if (wanted(batch, row, context))
            (*places)[count++] = row;
    return copy_places(*space, batch, *places, count);
}

const mn_batch *mn_subset(mn_learner *learner, const mn_batch *batch, mn_row_wanted *wanted,
                          void *context, const int64_t **places)
{
    mn_batch_space *space = NULL;
    int64_t *chosen = NULL;
    const mn_status status = subset(learner, batch, wanted, context, &chosen, &space);
    if (places != NULL)
        *places = chosen;
    return mn_learner_batch(learner, status, space);
}

mn_var *mn_own_head(mn_learner *learner, const mn_batch *batch, mn_var *logits)
{
    const mn_shape shape = mn_shape_of(logits);
    if (mn_tape_status(learner->tape) != MN_OK)
        return logits;
    if (shape.rank != 2 || shape.size[0] != batch->count)
        return mn_tape_refuse(learner->tape, "own_head",
                              mn_fail(MN_BAD_SHAPE, "the logits are not those of the batch"));
    float *taken = mn_tape_take(learner->tape, (size_t)mn_shape_count(shape) * sizeof *taken + 1);
    if (taken == NULL)
        return logits;
    for (int64_t row = 0; row < batch->count; row++) {
        const mn_task_info task = mn_stream_task(learner->stream, batch->tasks[row]);
        for (int64_t i = 0; i < shape.size[1]; i++)
            taken[row * shape.size[1] + i] =
                i >= task.first_class && i < task.first_class + task.classes ? 0 : -1e9f;
    }
    return mn_add(logits, mn_input(learner->tape, shape, taken, false));
}
