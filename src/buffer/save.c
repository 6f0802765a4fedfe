/* save.c -- the buffer in the run file, and back.
 *
 * A change is marked twice: not in the file, and written by a transaction still open.  Only a
 * commit turns the second into the file's truth; after a rollback the next save writes all again.
 */
#include "buffer/save.h"
#include "buffer/cache.h"
#include "buffer/rows.h"
#include "buffer/storage.h"
#include "buffer/write.h"
#include "store/exemplars.h"
#include "store/records.h"
#include "store/runfile.h"

#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 48 };

/* "buffer/seen/7": images of class 7 offered so far; -1 counts the unlabelled ones. */
static const char *seen_key(int64_t label, char key[KEY_BYTES])
{
    snprintf(key, KEY_BYTES, "buffer/seen/%lld", (long long)label);
    return key;
}

static mn_status save_counters(const mn_buffer *buffer, mn_runfile *file)
{
    char key[KEY_BYTES];
    MN_TRY(mn_runfile_put_int(file, "buffer/seen", buffer->seen));
    for (int64_t label = MN_UNLABELLED; label < buffer->spec.classes; label++)
        if (buffer->class_seen[label + 1] > 0)
            MN_TRY(mn_runfile_put_int(file, seen_key(label, key), buffer->class_seen[label + 1]));
    return MN_OK;
}

static mn_status check_file(const mn_buffer *buffer, const mn_runfile *file)
{
    return buffer->cache == NULL || file == buffer->spec.file
               ? MN_OK
               : mn_fail(MN_OUT_OF_ORDER, "a buffer in two files: part of its rows are in another");
}

mn_status mn_buffer_save(mn_buffer *buffer, mn_runfile *file)
{
    MN_TRY(check_file(buffer, file));
    MN_TRY(save_counters(buffer, file));
    for (int64_t slot = 0; slot < buffer->spec.capacity; slot++) {
        int bits = buffer->changed[slot];
        if (buffer->cache != NULL) /* a row that had to go was written then */
            bits &= ~buffer->written[slot];
        if (bits == 0)
            continue;
        MN_TRY(mn_buffer_write_row(buffer, slot, mn_row_cache_place(buffer, slot), bits, file));
        buffer->written[slot] = (uint16_t)(buffer->written[slot] | bits);
    }
    return MN_OK;
}

void mn_buffer_saved(mn_buffer *buffer)
{
    for (int64_t slot = 0; slot < buffer->spec.capacity; slot++) {
        buffer->changed[slot] = (uint16_t)(buffer->changed[slot] & ~buffer->written[slot]);
        buffer->written[slot] = 0;
    }
}

/* --- reading --- */

typedef struct reading {
    mn_buffer *buffer;
    const char *path;
} reading;

static mn_status read_row(void *context, const mn_exemplar *exemplar)
{
    const reading *in = context;
    mn_buffer *buffer = in->buffer;
    const int64_t slot = exemplar->slot;
    if (slot < 0 || slot >= buffer->spec.capacity)
        return mn_fail(MN_CORRUPT, "%s: exemplar in slot %lld of a buffer of %lld rows", in->path,
                       (long long)slot, (long long)buffer->spec.capacity);
    if (exemplar->image_bytes != buffer->codec.payload)
        return mn_fail(MN_CORRUPT, "%s: exemplar %lld has an image of %zu bytes, not %zu", in->path,
                       (long long)slot, exemplar->image_bytes, buffer->codec.payload);
    const int32_t label = exemplar->labelled ? exemplar->label : MN_UNLABELLED;
    if (label < MN_UNLABELLED || label >= buffer->spec.classes || exemplar->seen < 0)
        return mn_fail(MN_CORRUPT, "%s: exemplar %lld has label %d, seen %lld", in->path,
                       (long long)slot, (int)exemplar->label, (long long)exemplar->seen);
    MN_TRY(mn_buffer_take_slot(buffer, slot, label));
    buffer->tasks[slot] = exemplar->task;
    buffer->seen_at[slot] = exemplar->seen;
    buffer->sources[slot] = exemplar->source;
    const int64_t place = mn_row_cache_load(buffer, slot);
    if (place >= 0)
        memcpy(buffer->payloads + (size_t)place * buffer->codec.payload, exemplar->image,
               buffer->codec.payload);
    buffer->changed[slot] = (uint16_t)((1 << buffer->columns) - 1); /* columns still to come */
    return MN_OK;
}

static mn_status read_column(void *context, int64_t slot, const char *name, const float *values,
                             int64_t width)
{
    const reading *in = context;
    mn_buffer *buffer = in->buffer;
    const int c = mn_buffer_find_column(buffer, name);
    if (c < 0 || slot < 0 || slot >= buffer->spec.capacity || buffer->seen_at[slot] < 0 ||
        buffer->column[c].width != width)
        return mn_fail(MN_CORRUPT,
                       "%s: exemplar %lld has a column '%s' of %lld, which this run "
                       "does not keep",
                       in->path, (long long)slot, name, (long long)width);
    const int64_t place = mn_row_cache_place(buffer, slot);
    if (place >= 0 || buffer->column[c].by_slot)
        memcpy(mn_buffer_values(&buffer->column[c], slot, place), values,
               (size_t)width * sizeof *values);
    buffer->changed[slot] = (uint16_t)(buffer->changed[slot] & ~(1 << c));
    return MN_OK;
}

/* A run that never offered an image has no counters; that is 0. */
static mn_status load_counter(mn_runfile *file, const char *name, int64_t *value)
{
    const mn_status status = mn_runfile_get_int(file, name, value);
    if (status == MN_NOT_FOUND)
        *value = 0;
    else if (status != MN_OK)
        return status;
    if (*value < 0)
        return mn_fail(MN_CORRUPT, "%s: %s is %lld", mn_runfile_path(file), name,
                       (long long)*value);
    return MN_OK;
}

static mn_status load_counters(mn_buffer *buffer, mn_runfile *file)
{
    char key[KEY_BYTES];
    int64_t sum = 0;
    MN_TRY(load_counter(file, "buffer/seen", &buffer->seen));
    for (int64_t label = MN_UNLABELLED; label < buffer->spec.classes; label++) {
        MN_TRY(load_counter(file, seen_key(label, key), &buffer->class_seen[label + 1]));
        sum += buffer->class_seen[label + 1];
    }
    if (sum != buffer->seen)
        return mn_fail(MN_CORRUPT, "%s: %lld images offered to the buffer, but %lld by class",
                       mn_runfile_path(file), (long long)buffer->seen, (long long)sum);
    return MN_OK;
}

static mn_status load(mn_buffer *buffer, mn_runfile *file)
{
    reading in = {buffer, mn_runfile_path(file)};
    const mn_exemplar_reader reader = {&in, read_row, read_column};
    MN_TRY(load_counters(buffer, file));
    MN_TRY(mn_runfile_read_exemplars(file, &reader));
    for (int64_t i = 0; i < buffer->occupied.count; i++)
        for (int c = 0; c < buffer->columns; c++)
            if ((buffer->changed[buffer->occupied.slot[i]] & 1 << c) != 0)
                return mn_fail(MN_CORRUPT, "%s: exemplar %lld has no column '%s'", in.path,
                               (long long)buffer->occupied.slot[i], buffer->column[c].name);
    return MN_OK;
}

mn_status mn_buffer_load(mn_buffer *buffer, mn_runfile *file)
{
    MN_TRY(check_file(buffer, file));
    mn_buffer_clear(buffer);
    const mn_status status = load(buffer, file);
    if (status != MN_OK)
        mn_buffer_clear(buffer); /* no half of a buffer */
    return status;
}
