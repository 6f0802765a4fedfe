/* storage.c -- the rows of a rehearsal buffer and what a policy may do with them.
 *
 * Labels, tasks, pixels and columns are separate arrays, so that a policy's decisions never touch
 * an image.  Slots are numbered 0..capacity-1 and everything is answered in order of slot, so that
 * what a buffer does next follows from its rows and counters alone: one that was loaded from a
 * file goes on exactly like the one that was saved. */
#include "buffer/storage.h"
#include "base/hook.h"
#include "buffer/cache.h"
#include "buffer/rows.h"
#include "buffer/size.h"
#include "data/stream/batch.h"

#include <mneme/memory.h>
#include <stdlib.h>
#include <string.h>

/* --- making one --- */

static mn_status check_spec(const mn_buffer_spec *spec)
{
    if (spec->capacity < 1)
        return mn_fail(MN_BAD_OPTION, "a buffer of %lld rows; it needs at least 1 (--buffer-size)",
                       (long long)spec->capacity);
    if (spec->policy == NULL)
        return mn_fail(MN_BAD_OPTION, "a buffer needs a policy; reservoir is the usual one");
    if (spec->classes < 1 || spec->classes > MN_MAX_CLASSES)
        return mn_fail(MN_BAD_OPTION, "a buffer for %lld classes; 1 to %d are possible",
                       (long long)spec->classes, MN_MAX_CLASSES);
    if (spec->memory < 0)
        return mn_fail(MN_BAD_OPTION, "a buffer with %lld bytes of memory",
                       (long long)spec->memory);
    return MN_OK;
}

static mn_status take_memory(mn_buffer *buffer)
{
    const size_t capacity = (size_t)buffer->spec.capacity;
    const size_t classes = (size_t)buffer->spec.classes + 1;
    buffer->class_seen = mn_memory_take_zeroed(classes, sizeof *buffer->class_seen);
    buffer->by_label = mn_memory_take_zeroed(classes, sizeof *buffer->by_label);
    buffer->labels = mn_memory_take_zeroed(capacity, sizeof *buffer->labels);
    buffer->tasks = mn_memory_take_zeroed(capacity, sizeof *buffer->tasks);
    buffer->seen_at = mn_memory_take_zeroed(capacity, sizeof *buffer->seen_at);
    buffer->sources = mn_memory_take_zeroed(capacity, sizeof *buffer->sources);
    buffer->changed = mn_memory_take_zeroed(capacity, sizeof *buffer->changed);
    buffer->written = mn_memory_take_zeroed(capacity, sizeof *buffer->written);
    const bool all = buffer->class_seen && buffer->by_label && buffer->labels && buffer->tasks &&
                     buffer->seen_at && buffer->sources && buffer->changed && buffer->written;
    if (!all || mn_slots_reserve(&buffer->occupied, buffer->spec.capacity) != MN_OK)
        return mn_buffer_no_room(buffer);
    return mn_buffer_take_places(buffer);
}

static mn_status make_codec(mn_buffer *buffer)
{
    const mn_buffer_spec *spec = &buffer->spec;
    const mn_codec_spec of = {.row = spec->image,
                              .type = spec->type,
                              .offset = spec->offset,
                              .scale = spec->scale,
                              .values = spec->values,
                              .encoding = spec->encoding};
    mn_codec_free(&buffer->codec);
    return mn_codec_new(&of, &buffer->codec);
}

mn_status mn_buffer_new(const mn_buffer_spec *spec, mn_buffer **buffer)
{
    *buffer = NULL;
    MN_TRY(check_spec(spec));
    mn_buffer *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for a buffer");
    made->spec = *spec;
    made->score = -1;
    mn_status status = make_codec(made);
    if (status == MN_OK)
        status = take_memory(made);
    if (status != MN_OK) {
        mn_buffer_free(made);
        return status;
    }
    mn_buffer_clear(made);
    if (mn_buffer_wants_score(spec->policy)) {
        const mn_status kept = mn_buffer_add_column(made, MN_SCORE_COLUMN, 1);
        if (kept != MN_OK) {
            mn_buffer_free(made);
            return kept;
        }
    }
    *buffer = made;
    return MN_OK;
}

mn_status mn_buffer_make_rows(mn_buffer *buffer, mn_shape shape)
{
    if (buffer->spec.encoding.kind != MN_ENCODE_RAW)
        return mn_fail(MN_BAD_OPTION,
                       "codec: is for images, and the strategy keeps rows of its own "
                       "making; leave it raw");
    buffer->spec.image = shape;
    buffer->spec.type = MN_ROW_X;
    buffer->spec.offset = buffer->spec.scale = NULL;
    MN_TRY(make_codec(buffer));
    return mn_buffer_take_places(buffer);
}

const char *mn_buffer_column_name(const mn_buffer *buffer, int i)
{
    return i < buffer->columns ? buffer->column[i].name : NULL;
}

mn_shape mn_buffer_row_shape(const mn_buffer *buffer)
{
    return buffer->spec.image;
}

void mn_buffer_free(mn_buffer *buffer)
{
    if (buffer == NULL)
        return;
    if (buffer->by_label != NULL)
        for (int64_t i = 0; i <= buffer->spec.classes; i++)
            mn_slots_free(&buffer->by_label[i]);
    mn_slots_free(&buffer->occupied);
    mn_slots_free(&buffer->lost);
    mn_buffer_free_places(buffer);
    mn_codec_free(&buffer->codec);
    mn_memory_give(buffer->class_seen);
    mn_memory_give(buffer->by_label);
    mn_memory_give(buffer->labels);
    mn_memory_give(buffer->tasks);
    mn_memory_give(buffer->seen_at);
    mn_memory_give(buffer->sources);
    mn_memory_give(buffer->changed);
    mn_memory_give(buffer->written);
    mn_memory_give(buffer);
}

void mn_buffer_clear(mn_buffer *buffer)
{
    const int64_t capacity = buffer->spec.capacity;
    buffer->seen = 0;
    buffer->occupied.count = buffer->lost.count = 0;
    for (int64_t i = 0; i <= buffer->spec.classes; i++) {
        buffer->class_seen[i] = 0;
        buffer->by_label[i].count = 0;
    }
    for (int64_t slot = 0; slot < capacity; slot++) {
        buffer->labels[slot] = MN_UNLABELLED;
        buffer->seen_at[slot] = -1;
    }
    memset(buffer->changed, 0, (size_t)capacity * sizeof *buffer->changed);
    memset(buffer->written, 0, (size_t)capacity * sizeof *buffer->written);
    mn_row_cache_clear(buffer);
}

bool mn_buffer_wants_score(const mn_policy *policy)
{
    return (policy->wants & (MN_WANTS_LOSSES | MN_WANTS_SIMILARITY)) != 0;
}

mn_status mn_buffer_add_column(mn_buffer *buffer, const char *name, int64_t width)
{
    const int known = mn_buffer_find_column(buffer, name);
    if (known >= 0 && buffer->column[known].width == width)
        return MN_OK;
    if (known >= 0)
        return mn_fail(MN_BAD_SHAPE, "buffer column '%s' is %lld wide already, now %lld is asked",
                       name, (long long)buffer->column[known].width, (long long)width);
    if (width < 1)
        return mn_fail(MN_BAD_SHAPE, "buffer column '%s' of width %lld; at least 1 is needed", name,
                       (long long)width);
    if (strlen(name) >= MN_COLUMN_NAME || name[0] == '\0')
        return mn_fail(MN_BAD_OPTION, "'%s' cannot name a buffer column: 1 to %d characters", name,
                       MN_COLUMN_NAME - 1);
    if (buffer->columns == MN_MAX_COLUMNS)
        return mn_fail(MN_UNSUPPORTED,
                       "buffer column '%s': there are %d already, the most possible", name,
                       MN_MAX_COLUMNS);
    if (buffer->seen > 0 || buffer->occupied.count > 0)
        return mn_fail(MN_OUT_OF_ORDER,
                       "buffer column '%s' is declared after the first image was offered; declare "
                       "it in open",
                       name);
    if (width > PTRDIFF_MAX / (int64_t)sizeof(float) / buffer->spec.capacity)
        return mn_buffer_no_room(buffer);
    mn_kept_column *column = &buffer->column[buffer->columns++];
    const bool is_score =
        mn_buffer_wants_score(buffer->spec.policy) && strcmp(name, MN_SCORE_COLUMN) == 0;
    *column = (mn_kept_column){.width = width, .by_slot = is_score};
    memcpy(column->name, name, strlen(name) + 1);
    const mn_status status = mn_buffer_take_places(buffer); /* wider rows: perhaps fewer of them */
    if (status != MN_OK)
        buffer->columns--;
    else if (is_score)
        buffer->score = buffer->columns - 1;
    return status;
}

/* --- what is in it --- */

const mn_policy *mn_buffer_policy_of(const mn_buffer *buffer)
{
    return buffer->spec.policy;
}

const mn_codec *mn_buffer_codec(const mn_buffer *buffer)
{
    return &buffer->codec;
}

int64_t mn_buffer_capacity(const mn_buffer *buffer)
{
    return buffer->spec.capacity;
}

int64_t mn_buffer_used(const mn_buffer *buffer)
{
    return buffer->occupied.count;
}

int64_t mn_buffer_classes(const mn_buffer *buffer)
{
    return buffer->spec.classes;
}

int64_t mn_buffer_seen(const mn_buffer *buffer)
{
    return buffer->seen;
}

static bool is_label(const mn_buffer *buffer, int32_t label)
{
    return label >= MN_UNLABELLED && label < buffer->spec.classes;
}

int64_t mn_buffer_count_label(const mn_buffer *buffer, int32_t label)
{
    return is_label(buffer, label) ? buffer->by_label[label + 1].count : 0;
}

int64_t mn_buffer_free_slot(const mn_buffer *buffer)
{
    return buffer->occupied.count < buffer->spec.capacity
               ? mn_slots_lowest_absent(&buffer->occupied)
               : MN_NO_SLOT;
}

int64_t mn_buffer_slot_of_label(const mn_buffer *buffer, int32_t label, int64_t i)
{
    if (!is_label(buffer, label) || i < 0 || i >= buffer->by_label[label + 1].count)
        return MN_NO_SLOT;
    return buffer->by_label[label + 1].slot[i];
}

int32_t mn_buffer_label(const mn_buffer *buffer, int64_t slot)
{
    return slot >= 0 && slot < buffer->spec.capacity ? buffer->labels[slot] : MN_UNLABELLED;
}

double mn_buffer_score(const mn_buffer *buffer, int64_t slot)
{
    const bool known = buffer->score >= 0 && slot >= 0 && slot < buffer->spec.capacity;
    return known ? (double)buffer->column[buffer->score].values[slot] : 0;
}

int32_t mn_buffer_task(const mn_buffer *buffer, int64_t slot)
{
    return slot >= 0 && slot < buffer->spec.capacity ? buffer->tasks[slot] : MN_NO_TASK;
}

/* --- changing it --- */

mn_status mn_buffer_watch(mn_buffer *buffer)
{
    MN_TRY(mn_slots_reserve(&buffer->lost, buffer->spec.capacity));
    buffer->watched = true;
    return MN_OK;
}

int64_t mn_buffer_take_lost(mn_buffer *buffer, int64_t *slots)
{
    const int64_t count = buffer->lost.count;
    if (count > 0)
        memcpy(slots, buffer->lost.slot, (size_t)count * sizeof *slots);
    buffer->lost.count = 0;
    return count;
}

static void lose(mn_buffer *buffer, int64_t slot)
{
    if (buffer->watched && !mn_slots_has(&buffer->lost, slot))
        mn_slots_add(&buffer->lost, slot);
}

static void touch(mn_buffer *buffer, int64_t slot, int bits)
{
    buffer->changed[slot] = (uint16_t)(buffer->changed[slot] | bits);
    buffer->written[slot] = (uint16_t)(buffer->written[slot] & ~bits);
}

mn_status mn_buffer_take_slot(mn_buffer *buffer, int64_t slot, int32_t label)
{
    const bool occupied = buffer->seen_at[slot] >= 0;
    mn_slots *mates = &buffer->by_label[label + 1];
    if (occupied && buffer->labels[slot] == label)
        return MN_OK;
    MN_TRY(mn_slots_reserve(mates, mates->count + 1));
    if (occupied)
        mn_slots_remove(&buffer->by_label[buffer->labels[slot] + 1], slot);
    else
        mn_slots_add(&buffer->occupied, slot);
    mn_slots_add(mates, slot);
    buffer->labels[slot] = label;
    return MN_OK;
}

static void release_slot(mn_buffer *buffer, int64_t slot)
{
    lose(buffer, slot);
    mn_slots_remove(&buffer->by_label[buffer->labels[slot] + 1], slot);
    mn_slots_remove(&buffer->occupied, slot);
    buffer->labels[slot] = MN_UNLABELLED;
    buffer->seen_at[slot] = -1;
    mn_row_cache_forget(buffer, slot);
    touch(buffer, slot, MN_ALL_CHANGED);
}

/* Where the declared columns stand in a batch that is checked to fit. */
typedef struct offered {
    const mn_batch *rows;
    const float *column[MN_MAX_COLUMNS]; /* by the buffer's order of columns */
} offered;

static mn_status check_label(const mn_buffer *buffer, int32_t label)
{
    if (is_label(buffer, label))
        return MN_OK;
    return mn_fail(MN_BAD_VALUE, "label %d offered to a buffer of classes 0 to %lld", (int)label,
                   (long long)buffer->spec.classes - 1);
}

static mn_status look_at(const mn_buffer *buffer, const mn_batch *rows, offered *found)
{
    char got[64], wanted[64];
    *found = (offered){.rows = rows};
    if (!mn_shape_equal(rows->image, buffer->spec.image))
        return mn_fail(MN_BAD_SHAPE, "images of %s offered to a buffer of %s",
                       mn_shape_text(rows->image, got), mn_shape_text(buffer->spec.image, wanted));
    for (int c = 0; c < buffer->columns; c++) {
        const mn_kept_column *kept = &buffer->column[c];
        const mn_batch_column *given = mn_batch_find_column(rows, kept->name);
        if (given == NULL)
            return mn_fail(MN_OUT_OF_ORDER,
                           "the buffer keeps a column '%s', and the rows offered have none",
                           kept->name);
        if (given->width != kept->width)
            return mn_fail(MN_BAD_SHAPE, "buffer column '%s' is %lld wide, the rows offer %lld",
                           kept->name, (long long)kept->width, (long long)given->width);
        found->column[c] = given->values;
    }
    return MN_OK;
}

static mn_status copy_row(mn_buffer *buffer, int64_t slot, const offered *from, int64_t row)
{
    const mn_batch *rows = from->rows;
    const size_t row_bytes = mn_row_bytes(rows->type, mn_shape_count(rows->image));
    int64_t place;
    if (buffer->seen_at[slot] >= 0)
        lose(buffer, slot);
    MN_TRY(mn_buffer_take_slot(buffer, slot, rows->labels[row]));
    MN_TRY(mn_buffer_place(buffer, slot, false, &place));
    buffer->tasks[slot] = rows->tasks[row];
    buffer->seen_at[slot] = buffer->seen;
    buffer->sources[slot] = rows->indices[row];
    MN_TRY(mn_codec_encode(&buffer->codec, rows->type, rows->pixels + (size_t)row * row_bytes,
                           buffer->payloads + (size_t)place * buffer->codec.payload));
    for (int c = 0; c < buffer->columns; c++) {
        const int64_t width = buffer->column[c].width;
        memcpy(mn_buffer_values(&buffer->column[c], slot, place), from->column[c] + row * width,
               (size_t)width * sizeof(float));
    }
    touch(buffer, slot, MN_ALL_CHANGED);
    return MN_OK;
}

/* Counting comes after the policy's decision and the row's copy: both go by the images before. */
static mn_status offer_row(mn_buffer *buffer, const offered *from, int64_t row)
{
    const mn_policy *policy = buffer->spec.policy;
    const int32_t label = from->rows->labels[row];
    if (policy->place != NULL) {
        const mn_candidate candidate = {
            .label = label,
            .task = from->rows->tasks[row],
            .seen = buffer->seen,
            .class_seen = buffer->class_seen[label + 1],
            .score = buffer->score < 0 ? 0 : (double)from->column[buffer->score][row]};
        const mn_key key = mn_key_at(buffer->spec.key, (uint64_t)buffer->seen);
        const mn_hook_place before = mn_hook_enter(policy->name, "place");
        const int64_t slot = policy->place(buffer, buffer->spec.options, &candidate, key);
        (void)mn_hook_leave(before, MN_OK);
        if (slot >= buffer->spec.capacity || slot < MN_NO_SLOT)
            return mn_fail(MN_BAD_VALUE, "buffer policy '%s' chose slot %lld of %lld", policy->name,
                           (long long)slot, (long long)buffer->spec.capacity);
        if (slot >= 0)
            MN_TRY(copy_row(buffer, slot, from, row));
    }
    buffer->seen++;
    buffer->class_seen[label + 1]++;
    return MN_OK;
}

mn_status mn_buffer_offer(mn_buffer *buffer, const mn_batch *rows)
{
    offered from;
    if (rows->stream_rows == 0)
        return MN_OK;
    if (buffer->spec.policy->place != NULL)
        MN_TRY(look_at(buffer, rows, &from));
    else
        from.rows = rows; /* the rows will come to select */
    for (int64_t row = 0; row < rows->stream_rows; row++)
        MN_TRY(check_label(buffer, rows->labels[row]));
    for (int64_t row = 0; row < rows->stream_rows; row++)
        MN_TRY(offer_row(buffer, &from, row));
    return MN_OK;
}

mn_status mn_buffer_select(mn_buffer *buffer, const mn_selection *task)
{
    const mn_policy *policy = buffer->spec.policy;
    if (policy->select == NULL)
        return MN_OK;
    if (task->first_class < 0 || task->classes < 1 ||
        task->first_class > buffer->spec.classes - task->classes)
        return mn_fail(MN_BAD_VALUE, "a task of %lld classes from %lld on, of %lld in the stream",
                       (long long)task->classes, (long long)task->first_class,
                       (long long)buffer->spec.classes);
    if ((policy->wants & MN_WANTS_FEATURES) != 0 && task->rows->count > 0 &&
        (task->features == NULL || task->width < 1))
        return mn_fail(MN_OUT_OF_ORDER, "buffer policy '%s' selects by features and got none",
                       policy->name);
    /* Apart from every candidate's key: those are counted up from 0. */
    const mn_key selections = mn_key_at(buffer->spec.key, UINT64_MAX);
    const int32_t which = task->rows->count > 0 ? task->rows->tasks[0] : 0;
    const mn_hook_place before = mn_hook_enter(policy->name, "select");
    return mn_hook_leave(before, policy->select(buffer, buffer->spec.options, task,
                                                mn_key_at(selections, (uint64_t)which)));
}

mn_status mn_buffer_check_rows(const mn_buffer *buffer, const mn_batch *rows)
{
    offered from;
    MN_TRY(look_at(buffer, rows, &from));
    for (int64_t row = 0; row < rows->count; row++)
        MN_TRY(check_label(buffer, rows->labels[row]));
    return MN_OK;
}

mn_status mn_buffer_put(mn_buffer *buffer, int64_t slot, const mn_batch *rows, int64_t row)
{
    offered from;
    if (slot < 0 || slot >= buffer->spec.capacity)
        return mn_fail(MN_BAD_VALUE, "slot %lld of a buffer of %lld rows", (long long)slot,
                       (long long)buffer->spec.capacity);
    if (row < 0 || row >= rows->count)
        return mn_fail(MN_BAD_VALUE, "row %lld of a batch of %lld", (long long)row,
                       (long long)rows->count);
    MN_TRY(look_at(buffer, rows, &from));
    MN_TRY(check_label(buffer, rows->labels[row]));
    return copy_row(buffer, slot, &from, row);
}

typedef struct dated_slot {
    int64_t seen_at, slot;
} dated_slot;

static int by_date(const void *a, const void *b)
{
    const dated_slot *x = a, *y = b;
    if (x->seen_at != y->seen_at)
        return x->seen_at < y->seen_at ? -1 : 1;
    return x->slot < y->slot ? -1 : 1;
}

/* Frees all but the `keep` earliest of the slots in `from`; of those of one task, unless `task` is
 * below 0. */
static mn_status shrink(mn_buffer *buffer, const mn_slots *from, int32_t task, int64_t keep)
{
    if (from->count <= keep)
        return MN_OK;
    dated_slot *dated = mn_memory_take_zeroed((size_t)from->count, sizeof *dated);
    if (dated == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory to sort %lld rows by age", (long long)from->count);
    int64_t count = 0;
    for (int64_t i = 0; i < from->count; i++) {
        const int64_t slot = from->slot[i];
        if (task < 0 || buffer->tasks[slot] == task)
            dated[count++] = (dated_slot){buffer->seen_at[slot], slot};
    }
    qsort(dated, (size_t)count, sizeof *dated, by_date);
    for (int64_t i = keep; i < count; i++)
        release_slot(buffer, dated[i].slot);
    mn_memory_give(dated);
    return MN_OK;
}

mn_status mn_buffer_shrink_label(mn_buffer *buffer, int32_t label, int64_t keep)
{
    if (keep < 0)
        return mn_fail(MN_BAD_VALUE, "%lld rows of class %d cannot be kept", (long long)keep,
                       (int)label);
    return is_label(buffer, label) ? shrink(buffer, &buffer->by_label[label + 1], -1, keep) : MN_OK;
}

mn_status mn_buffer_shrink_task(mn_buffer *buffer, int32_t task, int64_t keep)
{
    if (keep < 0)
        return mn_fail(MN_BAD_VALUE, "%lld rows of task %d cannot be kept", (long long)keep,
                       (int)task);
    return task >= 0 ? shrink(buffer, &buffer->occupied, task, keep) : MN_OK;
}

mn_status mn_buffer_update_column(mn_buffer *buffer, const int64_t *slots, int64_t count,
                                  const char *name, const float *values)
{
    const int c = mn_buffer_find_column(buffer, name);
    if (c < 0)
        return mn_fail(MN_NOT_FOUND, "the buffer keeps no column '%s'; declare it in open", name);
    for (int64_t i = 0; i < count; i++)
        MN_TRY(mn_buffer_check_slot(buffer, slots[i]));
    const int64_t width = buffer->column[c].width;
    for (int64_t i = 0; i < count; i++) {
        int64_t place;
        MN_TRY(mn_buffer_place(buffer, slots[i], true, &place));
        memcpy(mn_buffer_values(&buffer->column[c], slots[i], place), values + i * width,
               (size_t)width * sizeof *values);
        touch(buffer, slots[i], 1 << c);
    }
    return MN_OK;
}
