/* remember.c -- services that declare, fill and rewrite what the buffer holds. */
#include "buffer/storage.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/lost.h"
#include "learner/scores.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

mn_status mn_keep_column(mn_learner *learner, const char *name, int64_t width)
{
    if (learner->buffer == NULL)
        return mn_fail(MN_OUT_OF_ORDER,
                       "column '%s': the strategy has no buffer; declare MN_NEEDS_BUFFER", name);
    return mn_buffer_add_column(learner->buffer, name,
                                width > 0 ? width : mn_stream_classes(learner->stream));
}

void mn_require_rows(mn_learner *learner, int64_t rows, const char *of)
{
    if (rows <= learner->least_rows)
        return;
    learner->least_rows = rows;
    snprintf(learner->least_reason, sizeof learner->least_reason,
             "%s needs room for an exemplar of each %s, %lld", mn_learner_current_name(learner), of,
             (long long)rows);
}

/* Offers rows whose columns are set, with the score that the policy wants to see. */
static mn_status offer_scored(mn_learner *learner, mn_batch *offered)
{
    if (!mn_buffer_wants_score(mn_buffer_policy_of(learner->buffer)))
        return mn_buffer_offer(learner->buffer, offered);
    if (offered->columns == MN_MAX_COLUMNS)
        return mn_fail(MN_UNSUPPORTED, "%d columns leave no room for the policy's score",
                       offered->columns);
    const int64_t rows = offered->stream_rows;
    float *scores = mn_memory_take((size_t)rows, sizeof *scores);
    if (scores == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for scores");
    mn_batch_column *column = &offered->column[offered->columns++];
    *column = (mn_batch_column){MN_SCORE_COLUMN, 1, scores};
    mn_status status = mn_learner_scores(learner, offered, scores);
    if (status == MN_OK)
        status = mn_buffer_offer(learner->buffer, offered);
    mn_memory_give(scores);
    return status;
}

static mn_status offer(mn_learner *learner, mn_batch *offered)
{
    MN_TRY(mn_learner_may_change_buffer(learner));
    MN_TRY(offer_scored(learner, offered));
    return mn_learner_tell_lost(learner);
}

static mn_status values_of_column(const char *name, mn_var *value, const float **values)
{
    const mn_status status = mn_values(value, values);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "column '%s'", name);
}

/* Whether another strategy of the run writes the buffer, past what is offered. */
static bool filled_by_another(const mn_learner *learner)
{
    for (int i = 0; i < learner->members; i++)
        if (i != learner->current && (learner->member[i].strategy->needs & MN_FILLS_BUFFER) != 0)
            return true;
    return false;
}

mn_status mn_remember(mn_learner *learner, const mn_batch *batch, const mn_column_value *columns,
                      int n)
{
    if (learner->buffer == NULL)
        return mn_fail(MN_OUT_OF_ORDER, "there is no buffer; declare MN_NEEDS_BUFFER");
    if (filled_by_another(learner))
        return MN_OK;
    mn_batch offered = *batch;
    offered.columns = 0;
    for (int i = 0; i < n; i++) {
        const mn_shape shape = mn_shape_of(columns[i].value);
        char text[64];
        if (shape.rank != 2 || shape.size[0] < batch->stream_rows || n > MN_MAX_COLUMNS)
            return mn_fail(
                MN_BAD_SHAPE, "column '%s': %s does not give a row to each of %lld images",
                columns[i].name, mn_shape_text(shape, text), (long long)batch->stream_rows);
        mn_batch_column *column = &offered.column[offered.columns++];
        snprintf(column->name, sizeof column->name, "%s", columns[i].name);
        column->width = shape.size[1];
        MN_TRY(values_of_column(columns[i].name, columns[i].value, &column->values));
    }
    return offer(learner, &offered);
}

mn_status mn_shrink_class(mn_learner *learner, int32_t label, int64_t keep)
{
    if (learner->buffer == NULL)
        return MN_OK;
    MN_TRY(mn_learner_may_change_buffer(learner));
    MN_TRY(mn_buffer_shrink_label(learner->buffer, label, keep));
    return mn_learner_tell_lost(learner);
}

mn_status mn_update_column(mn_learner *learner, const mn_batch *batch, const char *name,
                           mn_var *value)
{
    const mn_batch_column *column = mn_batch_find_column(batch, name);
    const mn_shape shape = mn_shape_of(value);
    if (batch->count == 0)
        return MN_OK;
    if (column == NULL || learner->buffer == NULL)
        return mn_fail(MN_NOT_FOUND, "column '%s': the batch was drawn without it", name);
    if (shape.rank != 2 || shape.size[0] != batch->count || shape.size[1] != column->width)
        return mn_fail(MN_BAD_SHAPE, "column '%s': expected (%lld,%lld)", name,
                       (long long)batch->count, (long long)column->width);
    const float *values;
    MN_TRY(values_of_column(name, value, &values));
    return mn_buffer_update_column(learner->buffer, batch->slots, batch->count, name, values);
}
