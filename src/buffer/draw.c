/* draw.c -- choosing rows of the buffer, and handing them out.
 *
 * A draw chooses places in the ascending list of occupied slots, so it does not matter whether
 * there are free slots in between. */
#include "buffer/draw.h"
#include "buffer/cache.h"
#include "buffer/rows.h"

#include <string.h>

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* `wanted` distinct members of `from`, written to slots. */
static void draw_from(const mn_slots *from, mn_key key, int64_t wanted, int64_t *slots)
{
    mn_random_subset(key, from->count, wanted, slots);
    for (int64_t i = 0; i < wanted; i++)
        slots[i] = from->slot[slots[i]];
}

int64_t mn_buffer_draw(const mn_buffer *buffer, mn_key key, int64_t wanted, int64_t *slots)
{
    const int64_t drawn = least_of(wanted, buffer->occupied.count);
    if (drawn < 1)
        return 0;
    draw_from(&buffer->occupied, key, drawn, slots);
    return drawn;
}

static int64_t count_of_task(const mn_buffer *buffer, int32_t task)
{
    int64_t count = 0;
    for (int64_t i = 0; i < buffer->occupied.count; i++)
        count += buffer->tasks[buffer->occupied.slot[i]] == task;
    return count;
}

/* One pass in order of slot: each is taken with what is wanted over what is left, which makes all
 * subsets alike (Knuth's selection sampling). */
int64_t mn_buffer_draw_of_task(const mn_buffer *buffer, mn_key key, int32_t task, int64_t wanted,
                               int64_t *slots)
{
    int64_t left = count_of_task(buffer, task), drawn = 0;
    wanted = least_of(wanted, left);
    for (int64_t i = 0; drawn < wanted; i++) {
        const int64_t slot = buffer->occupied.slot[i];
        if (buffer->tasks[slot] != task)
            continue;
        if (mn_random_below(key, (uint64_t)i, left--) < wanted - drawn)
            slots[drawn++] = slot;
    }
    return drawn;
}

int64_t mn_buffer_draw_per_class(const mn_buffer *buffer, mn_key key, int64_t wanted,
                                 int64_t *slots)
{
    int64_t drawn = 0;
    for (int64_t label = 0; label < buffer->spec.classes; label++) {
        const mn_slots *mates = &buffer->by_label[label + 1];
        const mn_key label_key = mn_key_at(key, (uint64_t)label);
        if (mates->count == 0)
            continue;
        /* Whole rounds first, so that no row comes twice more often than another. */
        int64_t left = wanted;
        for (uint64_t round = 0; left > 0; round++) {
            const int64_t some = least_of(left, mates->count);
            draw_from(mates, mn_key_at(label_key, round), some, slots + drawn);
            drawn += some;
            left -= some;
        }
    }
    return drawn;
}

/* Image and columns of a slot into row i of a batch. */
static mn_status copy_out(const mn_buffer *buffer, int64_t slot, int64_t i, uint8_t *pixels,
                          float *const *values)
{
    const mn_codec *codec = &buffer->codec;
    int64_t place;
    MN_TRY(mn_buffer_place(buffer, slot, true, &place));
    MN_TRY(
        mn_codec_decode(codec, buffer->payloads + (size_t)place * codec->payload,
                        pixels + mn_row_bytes(codec->gives, i * mn_shape_count(codec->spec.row))));
    for (int c = 0; c < buffer->columns; c++) {
        const int64_t width = buffer->column[c].width;
        memcpy(values[c] + i * width, mn_buffer_values(&buffer->column[c], slot, place),
               (size_t)width * sizeof(float));
    }
    return MN_OK;
}

mn_row_type mn_buffer_row_type(const mn_buffer *buffer)
{
    return buffer->codec.gives;
}

mn_status mn_buffer_gather(const mn_buffer *buffer, const int64_t *slots, int64_t count,
                           mn_batch_space *space)
{
    float *values[MN_MAX_COLUMNS];
    for (int64_t i = 0; i < count; i++)
        MN_TRY(mn_buffer_check_slot(buffer, slots[i]));
    MN_TRY(mn_batch_space_prepare(space, buffer->spec.image, buffer->codec.gives, count));
    for (int c = 0; c < buffer->columns; c++)
        MN_TRY(mn_batch_space_column(space, buffer->column[c].name, buffer->column[c].width,
                                     &values[c]));
    for (int64_t i = 0; i < count; i++) {
        const int64_t slot = slots[i];
        space->slots[i] = slot;
        space->labels[i] = buffer->labels[slot];
        space->tasks[i] = buffer->tasks[slot];
        space->indices[i] = buffer->sources[slot];
        MN_TRY(copy_out(buffer, slot, i, space->pixels, values));
    }
    return MN_OK;
}
