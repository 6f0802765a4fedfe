/* labelled.c -- services that draw labelled images of the current task, or their places, alone or
 * with what the buffer has of earlier ones.
 *
 * Past images are counted by the task they came in, so that in streams where every task has all
 * classes the buffer's copy of a present image is not drawn beside the image. */
#include "autograd/memory.h"
#include "buffer/draw.h"
#include "buffer/storage.h"
#include "data/stream/row.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/services/random.h"

#include <mneme/memory.h>
#include <mneme/stream.h>

static mn_stream_view labelled_now(const mn_learner *learner)
{
    return mn_stream_view_of(learner->stream, MN_PART_LABELLED, learner->cursor.task);
}

/* Copies images of a part of the current task into the first rows of `space`, un-augmented;
 * it has `count` + `more` rows. */
static mn_status take_stream(mn_learner *learner, mn_part part, const int64_t *places,
                             int64_t count, int64_t more, mn_row_type type, mn_batch_space *space)
{
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    const int64_t task = learner->cursor.task;
    MN_TRY(mn_batch_space_prepare(space, mn_dataset_image(data), type, count + more));
    if (count == 0)
        return MN_OK;
    mn_loader *loader;
    MN_TRY(mn_loader_new(learner->stream, part, task, task, 1, &learner->plain, &loader));
    const mn_batch *rows;
    const mn_status status = mn_loader_rows(loader, places, count, &rows);
    if (status == MN_OK)
        mn_batch_space_copy(space, 0, rows);
    space->batch.stream_rows = count;
    mn_loader_free(loader);
    return status;
}

static mn_status draw_stream(mn_learner *learner, mn_part part, mn_key key, int64_t wanted,
                             mn_batch_space **space)
{
    const int64_t task = learner->cursor.task;
    const int64_t all = mn_stream_view_of(learner->stream, part, task).count;
    const int64_t count = wanted < all ? wanted : all;
    MN_TRY(mn_learner_space(learner, space));
    int64_t *places = mn_memory_take((size_t)(all + 1), sizeof *places);
    if (places == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a draw");
    mn_random_permutation(key, all, places);
    const mn_status status =
        take_stream(learner, part, places, count, 0, mn_learner_row_type(learner), *space);
    mn_memory_give(places);
    return status;
}

/* Places, among the current task's labelled images, of those whose label is this one, or (`others`)
 * is another: (their count) of places, which has room for all. */
static int64_t places_of_class(const mn_learner *learner, int64_t label, bool others,
                               int64_t *places)
{
    const mn_stream_view view = labelled_now(learner);
    const int32_t *labels = mn_stream_labels(learner->stream, MN_PART_LABELLED);
    int64_t count = 0;
    for (int64_t i = 0; i < view.count; i++)
        if ((labels[view.indices[i]] == label) != others)
            places[count++] = i;
    return count;
}

const mn_batch *mn_draw_stream(mn_learner *learner, const char *name, int64_t wanted)
{
    mn_batch_space *space = NULL;
    const mn_key key = mn_learner_key(learner, "draw-stream", name);
    const mn_status status = draw_stream(learner, MN_PART_LABELLED, key, wanted, &space);
    return mn_learner_batch(learner, status, space);
}

const mn_batch *mn_draw_images(mn_learner *learner, const char *name, int64_t wanted)
{
    mn_batch_space *space = NULL;
    const mn_key key = mn_learner_key(learner, "draw-images", name);
    const mn_status status = draw_stream(learner, MN_PART_TRAIN, key, wanted, &space);
    return mn_learner_batch(learner, status, space);
}

static mn_status draw_stream_of_class(mn_learner *learner, mn_key key, int64_t label,
                                      int64_t wanted, mn_batch_space **space)
{
    const int64_t all = labelled_now(learner).count;
    MN_TRY(mn_learner_space(learner, space));
    int64_t *places = mn_memory_take((size_t)(2 * all + 1), sizeof *places);
    if (places == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a draw");
    int64_t *chosen = places + all;
    const int64_t candidates = places_of_class(learner, label, false, places);
    const int64_t most = wanted > 0 ? wanted : 0, count = most < candidates ? most : candidates;
    mn_random_subset(key, candidates, count, chosen);
    for (int64_t i = 0; i < count; i++)
        chosen[i] = places[chosen[i]];
    const mn_status status = take_stream(learner, MN_PART_LABELLED, chosen, count, 0,
                                         mn_learner_row_type(learner), *space);
    mn_memory_give(places);
    return status;
}

const mn_batch *mn_draw_stream_of_class(mn_learner *learner, const char *name, int64_t label,
                                        int64_t wanted)
{
    mn_batch_space *space = NULL;
    const mn_key key = mn_key_at(
        mn_learner_draw_key(learner, "draw-stream-of-class", name, label + 1), (uint64_t)label);
    const mn_status status = draw_stream_of_class(learner, key, label, wanted, &space);
    return mn_learner_batch(learner, status, space);
}

/* --- negatives --- */

/* `wanted` of candidates[count], whole rounds first; as places in the data set. */
static void draw_negatives(const mn_learner *learner, mn_key key, const int64_t *candidates,
                           int64_t count, int64_t wanted, int64_t *drawn)
{
    const int64_t *indices = labelled_now(learner).indices;
    for (uint64_t round = 0; wanted > 0; round++) {
        const int64_t some = wanted < count ? wanted : count;
        mn_random_subset(mn_key_at(key, round), count, some, drawn);
        for (int64_t i = 0; i < some; i++)
            drawn[i] = indices[candidates[drawn[i]]];
        wanted -= some;
        drawn += some;
    }
}

static mn_status draw_other_classes(const mn_learner *learner, mn_key key, const mn_batch *batch,
                                    int64_t wanted, int64_t *drawn)
{
    int64_t *candidates =
        mn_memory_take((size_t)labelled_now(learner).count + 1, sizeof *candidates);
    if (candidates == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a draw");
    mn_status status = MN_OK;
    for (int64_t row = 0; row < batch->count && status == MN_OK; row++) {
        const int32_t label = batch->labels[row]; /* nobody's, where it is none */
        const int64_t count = places_of_class(learner, label, true, candidates);
        if (count == 0)
            status = mn_fail(MN_BAD_VALUE,
                             "task %lld has no labelled image of another class than %d to draw",
                             (long long)learner->cursor.task + 1, (int)label);
        else
            draw_negatives(learner, mn_key_at(key, (uint64_t)row), candidates, count, wanted,
                           drawn + row * wanted);
    }
    mn_memory_give(candidates);
    return status;
}

const int64_t *mn_draw_other_classes(mn_learner *learner, const char *name, const mn_batch *batch,
                                     int64_t wanted)
{
    const mn_key key = mn_learner_key(learner, "draw-other-classes", name);
    const int64_t each = wanted > 0 ? wanted : 0;
    int64_t *drawn = mn_tape_take(learner->tape, (size_t)(batch->count * each + 1) * sizeof *drawn);
    if (drawn == NULL)
        return NULL; /* the tape has failed with it */
    const mn_status status = draw_other_classes(learner, key, batch, each, drawn);
    mn_learner_remember_failure(learner, status);
    return status == MN_OK ? drawn : NULL;
}

/* --- of every class --- */

/* Rows to choose from and rows chosen: places of the stream's labelled images, or -1 - slot. */
typedef struct choice {
    int64_t *from, candidates;
    int64_t *stream, *buffer; /* chosen: places, and slots */
    int64_t stream_rows, buffer_rows;
} choice;

static void collect(const mn_learner *learner, int32_t label, choice *c)
{
    const mn_buffer *buffer = learner->buffer;
    c->candidates = places_of_class(learner, label, false, c->from);
    const int64_t kept = buffer != NULL ? mn_buffer_count_label(buffer, label) : 0;
    for (int64_t i = 0; i < kept; i++) {
        const int64_t slot = mn_buffer_slot_of_label(buffer, label, i);
        if (mn_buffer_task(buffer, slot) < learner->cursor.task)
            c->from[c->candidates++] = -1 - slot;
    }
}

/* Whole rounds first, so that no row comes twice more often than another. */
static void choose(choice *c, mn_key key, int64_t wanted, int64_t *chosen)
{
    for (uint64_t round = 0; wanted > 0 && c->candidates > 0; round++) {
        const int64_t some = wanted < c->candidates ? wanted : c->candidates;
        mn_random_subset(mn_key_at(key, round), c->candidates, some, chosen);
        for (int64_t i = 0; i < some; i++) {
            const int64_t one = c->from[chosen[i]];
            if (one >= 0)
                c->stream[c->stream_rows++] = one;
            else
                c->buffer[c->buffer_rows++] = -1 - one;
        }
        wanted -= some;
    }
}

static mn_status take(mn_learner *learner, const choice *c, mn_batch_space *space)
{
    mn_row_type type = mn_learner_row_type(learner);
    const mn_shape image = mn_dataset_image(mn_stream_dataset(learner->stream));
    if (c->buffer_rows > 0 && !mn_shape_equal(image, mn_buffer_row_shape(learner->buffer)))
        return mn_fail(MN_UNSUPPORTED,
                       "images of the stream cannot be drawn together with the rows of the buffer, "
                       "which are none");
    if (c->buffer_rows > 0)
        type = mn_row_type_wider(type, mn_buffer_row_type(learner->buffer));
    MN_TRY(take_stream(learner, MN_PART_LABELLED, c->stream, c->stream_rows, c->buffer_rows, type,
                       space));
    if (c->buffer_rows == 0)
        return MN_OK;
    mn_batch_space *old;
    MN_TRY(mn_learner_space(learner, &old));
    MN_TRY(mn_buffer_gather(learner->buffer, c->buffer, c->buffer_rows, old));
    mn_batch_space_copy(space, c->stream_rows, &old->batch);
    return MN_OK;
}

/* memory: (candidates + 3 x most) numbers. */
static mn_status draw_per_class(mn_learner *learner, mn_key key, int64_t wanted, int64_t most,
                                int64_t *memory, mn_batch_space *space)
{
    choice c = {.stream = memory, .buffer = memory + most, .from = memory + 3 * most};
    int64_t *scratch = memory + 2 * most;
    for (int32_t label = 0; label < mn_stream_classes(learner->stream); label++) {
        collect(learner, label, &c);
        choose(&c, mn_key_at(key, (uint64_t)label), wanted, scratch);
    }
    MN_TRY(take(learner, &c, space));
    return mn_batch_space_transform(space, learner->transform, mn_key_at(key, UINT64_MAX), NULL);
}

static mn_status draw_labelled(mn_learner *learner, mn_key key, int64_t wanted,
                               mn_batch_space **space)
{
    const int64_t used = learner->buffer != NULL ? mn_buffer_used(learner->buffer) : 0;
    const int64_t most = (wanted > 0 ? wanted : 0) * mn_stream_classes(learner->stream) + 1;
    MN_TRY(mn_learner_space(learner, space));
    int64_t *memory =
        mn_memory_take((size_t)(3 * most + labelled_now(learner).count + used), sizeof *memory);
    if (memory == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a draw");
    const mn_status status = draw_per_class(learner, key, wanted, most, memory, *space);
    mn_memory_give(memory);
    return status;
}

const mn_batch *mn_draw_labelled_per_class(mn_learner *learner, const char *name, int64_t wanted)
{
    mn_batch_space *space = NULL;
    const mn_key key = mn_learner_draw_key(learner, "draw-labelled", name, 0);
    const mn_status status = draw_labelled(learner, key, wanted, &space);
    return mn_learner_batch(learner, status, space);
}

mn_status mn_check_labelled(mn_learner *learner, int64_t wanted)
{
    const int32_t *labels = mn_stream_labels(learner->stream, MN_PART_LABELLED);
    for (int64_t task = 0; task < mn_stream_tasks(learner->stream); task++) {
        const mn_stream_view view = mn_stream_view_of(learner->stream, MN_PART_LABELLED, task);
        const mn_task_info info = mn_stream_task(learner->stream, task);
        for (int64_t label = info.first_class; label < info.first_class + info.classes; label++) {
            int64_t count = 0;
            for (int64_t i = 0; i < view.count; i++)
                count += labels[view.indices[i]] == label;
            if (count < wanted && mn_stream_task_has(learner->stream, task, label))
                return mn_fail(MN_BAD_OPTION,
                               "%lld labelled images of each class in a batch, but class '%s' has "
                               "%lld; ask for fewer, or label more",
                               (long long)wanted, mn_stream_class_name(learner->stream, label),
                               (long long)count);
        }
    }
    return MN_OK;
}
