/* draw.c -- services that draw rows from the buffer.
 *
 * They return a batch instead of a status: a failure stays in the learner, and the batch is empty.
 */
#include "buffer/draw.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/services/random.h"

#include <mneme/memory.h>

static int64_t *slots_for(mn_learner *learner, int64_t count)
{
    if (count > learner->slots_capacity) {
        int64_t *larger = mn_memory_resize(learner->slots, (size_t)count, sizeof *larger);
        if (larger == NULL) {
            mn_learner_remember_failure(learner, mn_fail(MN_NO_MEMORY, "out of memory for a draw"));
            return NULL;
        }
        learner->slots = larger;
        learner->slots_capacity = count;
    }
    return learner->slots;
}

static mn_status fill(mn_learner *learner, const int64_t *slots, int64_t count, mn_key key,
                      mn_batch_space **space)
{
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    const mn_shape image = mn_dataset_image(data);
    MN_TRY(mn_learner_space(learner, space));
    MN_TRY(learner->buffer != NULL
               ? mn_buffer_gather(learner->buffer, slots, count, *space)
               : mn_batch_space_prepare(*space, image, mn_learner_row_type(learner), 0));
    return mn_batch_space_transform(*space, learner->transform, key, NULL);
}

static const mn_batch *gather(mn_learner *learner, const int64_t *slots, int64_t count, mn_key key)
{
    mn_batch_space *space = NULL;
    const mn_status status = fill(learner, slots, count, key, &space);
    return mn_learner_batch(learner, status, space);
}

const mn_batch *mn_draw(mn_learner *learner, const char *name, int64_t wanted)
{
    const mn_key key = mn_learner_draw_key(learner, "draw", name, 0);
    int64_t *slots = slots_for(learner, wanted > 0 ? wanted : 1);
    int64_t count = 0;
    if (slots != NULL && learner->buffer != NULL)
        count = mn_buffer_draw(learner->buffer, key, wanted, slots);
    return gather(learner, slots, count, mn_key_at(key, 1));
}

const mn_batch *mn_draw_of_task(mn_learner *learner, const char *name, int64_t task, int64_t wanted)
{
    const mn_key key =
        mn_key_at(mn_learner_draw_key(learner, "draw-of-task", name, task + 1), (uint64_t)task);
    int64_t *slots = slots_for(learner, wanted > 0 ? wanted : 1);
    int64_t count = 0;
    if (slots != NULL && learner->buffer != NULL)
        count = mn_buffer_draw_of_task(learner->buffer, key, (int32_t)task, wanted, slots);
    return gather(learner, slots, count, mn_key_at(key, 1));
}

const mn_batch *mn_draw_per_class(mn_learner *learner, const char *name, int64_t wanted)
{
    const mn_key key = mn_learner_draw_key(learner, "draw-per-class", name, 0);
    int64_t *slots = slots_for(learner, wanted * mn_stream_classes(learner->stream) + 1);
    int64_t count = 0;
    if (slots != NULL && learner->buffer != NULL)
        count = mn_buffer_draw_per_class(learner->buffer, key, wanted, slots);
    return gather(learner, slots, count, mn_key_at(key, 1));
}

/* --- all of them --- */

static mn_status visit_slots(mn_learner *learner, const int64_t *slots, int64_t count,
                             mn_status (*visit)(mn_learner *learner, mn_tape *tape,
                                                const mn_batch *rows))
{
    mn_batch_space *space;
    mn_learner_begin_step(learner);
    MN_TRY(mn_learner_space(learner, &space));
    MN_TRY(mn_buffer_gather(learner->buffer, slots, count, space));
    MN_TRY(mn_batch_space_transform(space, &learner->plain, mn_key_of(0, "plain"), NULL));
    MN_TRY(visit(learner, learner->tape, &space->batch));
    return mn_learner_check(learner);
}

mn_status mn_visit_buffer(mn_learner *learner,
                          mn_status (*visit)(mn_learner *learner, mn_tape *tape,
                                             const mn_batch *rows))
{
    const mn_buffer *buffer = learner->buffer;
    const int64_t most = learner->settings->eval_batch;
    int64_t *slots = slots_for(learner, most), count = 0;
    if (slots == NULL)
        return MN_NO_MEMORY;
    for (int64_t slot = 0; buffer != NULL && slot < mn_buffer_capacity(buffer); slot++) {
        if (mn_buffer_label(buffer, slot) != MN_UNLABELLED)
            slots[count++] = slot;
        if (count < most)
            continue;
        MN_TRY(visit_slots(learner, slots, count, visit));
        count = 0;
    }
    return count > 0 ? visit_slots(learner, slots, count, visit) : MN_OK;
}

mn_var *mn_column(mn_tape *tape, const mn_batch *batch, const char *name)
{
    const mn_batch_column *column = mn_batch_find_column(batch, name);
    if (column == NULL)
        return mn_tape_refuse(
            tape, "column",
            mn_fail(MN_NOT_FOUND, "the batch has no column '%s'; declare it with mn_keep_column()",
                    name));
    return mn_input(tape, MN_SHAPE(batch->count, column->width), column->values, false);
}
