/* batches.c -- the batches of a phase: from the stream, the buffer, both, or nothing.
 *
 * Any batch of any epoch can be asked for at any time, because orders are looked up from keys: a
 * phase that is resumed in its middle does not walk there.  The same holds for what is held out.
 *
 * A strategy that has no use for unlabelled images trains on the labelled ones alone, for as many
 * steps as one that has: they come again within an epoch, each time augmented anew. */
#include "run/batches.h"
#include "buffer/draw.h"
#include "data/stream/stream.h"
#include "learner/mixture.h"
#include "store/records.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <string.h>

/* --- opening --- */

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for a phase");
}

static int64_t batches_of(int64_t count, int64_t batch)
{
    return (count + batch - 1) / batch;
}

/* The images of the stream that a phase walks: the labelled ones, or the pool if the base uses
 * unlabelled images. */
static mn_part part_of(const mn_learner *learner, mn_source source)
{
    if (source == MN_FROM_VALIDATION)
        return MN_PART_VALIDATION;
    const bool unlabelled = (learner->member[0].strategy->needs & MN_USES_UNLABELLED) != 0;
    return unlabelled ? MN_PART_POOL : MN_PART_LABELLED;
}

static mn_status open_loader(mn_learner *learner, mn_batches *made)
{
    const int64_t task = learner->cursor.task;
    const int64_t first = made->kind == MN_FROM_SEEN ? 0 : task;
    return mn_loader_new(learner->stream, part_of(learner, made->kind), first, task, made->batch,
                         made->as_stored ? &learner->plain : learner->transform, &made->loader);
}

/* Gives an epoch as many steps as `images` would need: where there are fewer items, they come
 * again. `once`: in a phase that trains nothing they do not. */
static mn_status spread(mn_batches *made, int64_t images, bool once)
{
    const int64_t rows = made->count < made->batch ? made->count : made->batch;
    const bool again = images > made->count && !once;
    made->steps = batches_of(again ? images : made->count, made->batch);
    made->length = again ? made->steps * rows : made->count;
    const int64_t most = made->steps > 0 ? made->length / made->steps + 1 : 1;
    made->order = mn_memory_take((size_t)(made->length + 1), sizeof *made->order);
    made->split = mn_memory_take((size_t)most, sizeof *made->split);
    return made->order != NULL && made->split != NULL ? MN_OK : no_memory();
}

static mn_status open_buffer(const mn_learner *learner, mn_batches *made)
{
    made->count = learner->buffer != NULL ? mn_buffer_used(learner->buffer) : 0;
    return spread(made, made->count, true);
}

/* Images that a base with a use for unlabelled ones would walk in place of the loader's. */
static int64_t pool_of(const mn_learner *learner, const mn_batches *made)
{
    const int64_t task = learner->cursor.task;
    int64_t images = 0;
    for (int64_t t = made->kind == MN_FROM_SEEN ? 0 : task; t <= task; t++)
        images += mn_stream_view_of(learner->stream, MN_PART_POOL, t).count;
    return images;
}

static mn_status open_stream(mn_learner *learner, mn_batches *made, const mn_phase *phase)
{
    MN_TRY(open_loader(learner, made));
    const int64_t images = mn_loader_images(made->loader), pool = pool_of(learner, made);
    if (pool <= images || phase->visit != NULL) {
        made->steps = mn_loader_batches(made->loader);
        if (phase->steps != NULL && images >= made->batch)
            made->steps = images / made->batch; /* full ones alone */
        return MN_OK;
    }
    made->count = images;
    made->items = mn_memory_take((size_t)images, sizeof *made->items);
    if (made->items == NULL)
        return no_memory();
    for (int64_t i = 0; i < images; i++)
        made->items[i] = i;
    return spread(made, pool, false);
}

static mn_status open_mixture(mn_learner *learner, mn_batches *made, bool once)
{
    const bool held_out = made->kind == MN_FROM_HELD_OUT;
    int64_t images;
    MN_TRY(mn_mixture_items(learner, part_of(learner, made->kind), held_out, &made->items,
                            &made->count, &images));
    const int64_t unlabelled = pool_of(learner, made) - images;
    return spread(made, made->count + (unlabelled > 0 && !held_out ? unlabelled : 0), once);
}

mn_status mn_batches_open(mn_learner *learner, const mn_phase *phase, mn_batches *made)
{
    *made = (mn_batches){.kind = phase->source,
                         .as_stored = phase->visit != NULL && !phase->as_trained,
                         .batch = phase->batch != NULL ? phase->batch(learner)
                                                       : learner->settings->batch};
    if (made->batch < 1)
        return mn_fail(MN_BAD_VALUE, "a batch of %lld rows; expected at least 1",
                       (long long)made->batch);
    switch (phase->source) {
    case MN_FROM_STREAM:
    case MN_FROM_SEEN: return open_stream(learner, made, phase);
    case MN_FROM_BUFFER: return open_buffer(learner, made);
    case MN_FROM_NOTHING: made->steps = 1; return MN_OK;
    case MN_FROM_BOTH:
    case MN_FROM_HELD_OUT:
        MN_TRY(open_loader(learner, made));
        return open_mixture(learner, made, phase->visit != NULL);
    case MN_FROM_VALIDATION:
        if (learner->cursor.length == 0)
            return MN_OK; /* skipped by who may do without */
        MN_TRY(mn_check_validation(learner));
        MN_TRY(open_loader(learner, made));
        made->steps = mn_loader_batches(made->loader);
        return MN_OK;
    }
    return MN_OK;
}

void mn_batches_close(mn_batches *batches)
{
    mn_loader_free(batches->loader);
    mn_memory_give(batches->items);
    mn_memory_give(batches->order);
    mn_memory_give(batches->split);
}

/* --- an epoch --- */

static mn_key epoch_key(const mn_learner *learner, const char *purpose, int64_t epoch)
{
    const mn_cursor *cursor = &learner->cursor;
    return mn_epoch_key(learner->settings->seed, purpose, cursor->task, cursor->phase, epoch);
}

/* Round after round of all items, each in an order of its own; the last may break off. */
static mn_status order_items(mn_batches *from, const mn_key *key)
{
    int64_t *round = mn_memory_take((size_t)(from->count + 1), sizeof *round);
    if (round == NULL)
        return no_memory();
    for (int64_t i = 0; i < from->count; i++)
        round[i] = i;
    for (int64_t i = 0; i < from->length; i++) {
        const int64_t number = i / from->count, at = i % from->count;
        if (at == 0 && key != NULL)
            mn_random_permutation(number == 0 ? *key : mn_key_at(*key, (uint64_t)number),
                                  from->count, round);
        from->order[i] = from->items[round[at]];
    }
    mn_memory_give(round);
    return MN_OK;
}

mn_status mn_batches_begin_epoch(mn_learner *learner, mn_batches *from, int64_t epoch)
{
    const mn_key key = epoch_key(learner, "stream.shuffle", epoch);
    /* Past data have no order to keep. */
    const bool in_order = from->kind != MN_FROM_SEEN && !mn_stream_has_boundaries(learner->stream);
    const bool as_stored = from->as_stored || in_order || !learner->settings->shuffle;
    if (from->loader != NULL)
        mn_loader_augment(from->loader, epoch_key(learner, "stream.augment", epoch));
    if (from->items != NULL)
        return order_items(from, as_stored ? NULL : &key);
    if (from->loader != NULL)
        return mn_loader_shuffle(from->loader, as_stored ? NULL : &key);
    if (from->kind == MN_FROM_BUFFER)
        (void)mn_buffer_draw(learner->buffer, key, from->count, from->order);
    return MN_OK;
}

/* --- a batch --- */

static mn_status buffer_rows(mn_learner *learner, const mn_batches *from, const int64_t *slots,
                             int64_t count, mn_key key, const mn_batch **batch)
{
    mn_batch_space *space;
    MN_TRY(mn_learner_space(learner, &space));
    MN_TRY(mn_buffer_gather(learner->buffer, slots, count, space));
    MN_TRY(mn_batch_space_transform(space, from->as_stored ? &learner->plain : learner->transform,
                                    key, space->slots));
    *batch = &space->batch;
    return MN_OK;
}

/* The stream's rows first, then the buffer's. */
static mn_status mixed_rows(mn_learner *learner, mn_batches *from, const int64_t *items,
                            int64_t count, mn_key key, const mn_batch **batch)
{
    int64_t *split = from->split, places = 0, slots = 0;
    for (int64_t i = 0; i < count; i++)
        if (items[i] >= 0)
            split[places++] = items[i];
    for (int64_t i = 0; i < count; i++)
        if (items[i] < 0)
            split[places + slots++] = -1 - items[i];
    const mn_batch *stream = NULL, *buffer = NULL;
    if (places > 0)
        MN_TRY(mn_loader_rows(from->loader, split, places, &stream));
    if (slots > 0)
        MN_TRY(buffer_rows(learner, from, split + places, slots, key, &buffer));
    *batch = buffer == NULL ? stream : stream == NULL ? buffer : mn_join(learner, stream, buffer);
    return MN_OK;
}

static mn_status no_rows(mn_learner *learner, const mn_batch **batch)
{
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    mn_batch_space *space;
    MN_TRY(mn_learner_space(learner, &space));
    *batch = &space->batch;
    return mn_batch_space_prepare(space, mn_dataset_image(data), mn_learner_row_type(learner), 0);
}

mn_status mn_batches_get(mn_learner *learner, mn_batches *from, int64_t epoch, int64_t i,
                         const mn_batch **batch)
{
    /* Spread evenly: no batch is a remainder of one row, which would have no variance. */
    const int64_t first = i * from->length / from->steps;
    const int64_t count = (i + 1) * from->length / from->steps - first;
    mn_key key = epoch_key(learner, "stream.augment", epoch);
    if (from->length > from->count) { /* what comes again is augmented anew */
        key = mn_key_at(key, (uint64_t)i);
        mn_loader_augment(from->loader, key);
    }
    if (from->items != NULL)
        MN_TRY(mixed_rows(learner, from, from->order + first, count, key, batch));
    else if (from->loader != NULL)
        MN_TRY(mn_loader_batch(from->loader, i, batch));
    else if (from->kind == MN_FROM_BUFFER)
        MN_TRY(buffer_rows(learner, from, from->order + first, count, key, batch));
    else
        return no_rows(learner, batch);
    return mn_learner_check(learner);
}
