/* cache.c -- images and columns of the rows used latest, where not all fit in memory.
 *
 * Rows leave in the order of their last use.  One that changed since the last commit is written
 * into the transaction that the run has open: it lands with that commit, or is undone with
 * everything else since the last one, exactly as if it had stayed in memory until then. */
#include "buffer/cache.h"
#include "buffer/size.h"
#include "buffer/write.h"
#include "store/exemplars.h"
#include "store/runfile.h"

#include <mneme/memory.h>
#include <string.h>

enum { NONE = -1 };

/* Places are linked from the one used latest to the one used longest ago; free ones, in `older`. */
struct mn_row_cache {
    int32_t *place_of;              /* (capacity) by slot; NONE: only in the file */
    int32_t *slot_in;               /* (places) */
    int32_t *older, *newer;         /* (places) */
    int32_t latest, oldest, vacant; /* places; NONE: there is none */
};

/* Memory that a row takes beyond its own bytes. */
static const size_t place_bytes = 3 * sizeof(int32_t);

/* --- memory ----------------------------------------------------------------------------------- */

/* Rows that fit in the memory given; the capacity where all do. */
static int64_t affordable(const mn_buffer *buffer)
{
    const mn_buffer_spec *spec = &buffer->spec;
    const int64_t row = mn_buffer_row_bytes(buffer);
    if (spec->memory == 0 || spec->file == NULL || spec->memory / row >= spec->capacity)
        return spec->capacity;
    const int64_t places = spec->memory / (row + (int64_t)place_bytes);
    return places > 0 ? places : 1;
}

static void free_cache(mn_row_cache *cache)
{
    if (cache == NULL)
        return;
    mn_memory_give(cache->place_of);
    mn_memory_give(cache->slot_in);
    mn_memory_give(cache->older);
    mn_memory_give(cache->newer);
    mn_memory_give(cache);
}

static mn_row_cache *new_cache(size_t capacity, size_t places)
{
    mn_row_cache *cache = mn_memory_take_zeroed(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    cache->place_of = mn_memory_take_zeroed(capacity, sizeof *cache->place_of);
    cache->slot_in = mn_memory_take_zeroed(places, sizeof *cache->slot_in);
    cache->older = mn_memory_take_zeroed(places, sizeof *cache->older);
    cache->newer = mn_memory_take_zeroed(places, sizeof *cache->newer);
    if (cache->place_of != NULL && cache->slot_in != NULL && cache->older != NULL &&
        cache->newer != NULL)
        return cache;
    free_cache(cache);
    return NULL;
}

void mn_buffer_free_places(mn_buffer *buffer)
{
    for (int c = 0; c < buffer->columns; c++) {
        mn_memory_give(buffer->column[c].values);
        buffer->column[c].values = NULL;
    }
    mn_memory_give(buffer->payloads);
    buffer->payloads = NULL;
    free_cache(buffer->cache);
    buffer->cache = NULL;
}

mn_status mn_buffer_take_places(mn_buffer *buffer)
{
    mn_buffer_free_places(buffer);
    buffer->places = affordable(buffer);
    const size_t places = (size_t)buffer->places, capacity = (size_t)buffer->spec.capacity;
    buffer->payloads = mn_memory_take_zeroed(places, buffer->codec.payload);
    bool all = buffer->payloads != NULL;
    for (int c = 0; c < buffer->columns; c++) {
        mn_kept_column *column = &buffer->column[c];
        column->values = mn_memory_take_zeroed(column->by_slot ? capacity : places,
                                               (size_t)column->width * sizeof *column->values);
        all = all && column->values != NULL;
    }
    if (places < capacity) {
        buffer->cache = capacity <= INT32_MAX ? new_cache(capacity, places) : NULL;
        all = all && buffer->cache != NULL;
    }
    if (!all)
        return mn_buffer_no_room(buffer);
    mn_row_cache_clear(buffer);
    return MN_OK;
}

/* --- the order of use ------------------------------------------------------------------------- */

static void unlink_place(mn_row_cache *cache, int32_t place)
{
    const int32_t older = cache->older[place], newer = cache->newer[place];
    *(newer == NONE ? &cache->latest : &cache->older[newer]) = older;
    *(older == NONE ? &cache->oldest : &cache->newer[older]) = newer;
}

static void link_latest(mn_row_cache *cache, int32_t place)
{
    cache->older[place] = cache->latest;
    cache->newer[place] = NONE;
    *(cache->latest == NONE ? &cache->oldest : &cache->newer[cache->latest]) = place;
    cache->latest = place;
}

static int32_t take_vacant(mn_row_cache *cache, int64_t slot)
{
    const int32_t place = cache->vacant;
    cache->vacant = cache->older[place];
    cache->slot_in[place] = (int32_t)slot;
    cache->place_of[slot] = place;
    link_latest(cache, place);
    return place;
}

static void vacate(mn_row_cache *cache, int32_t place)
{
    unlink_place(cache, place);
    cache->place_of[cache->slot_in[place]] = NONE;
    cache->older[place] = cache->vacant;
    cache->vacant = place;
}

void mn_row_cache_clear(const mn_buffer *buffer)
{
    mn_row_cache *cache = buffer->cache;
    if (cache == NULL)
        return;
    for (int64_t slot = 0; slot < buffer->spec.capacity; slot++)
        cache->place_of[slot] = NONE;
    cache->latest = cache->oldest = cache->vacant = NONE;
    for (int64_t place = buffer->places - 1; place >= 0; place--) {
        cache->older[place] = cache->vacant;
        cache->vacant = (int32_t)place;
    }
}

void mn_row_cache_forget(const mn_buffer *buffer, int64_t slot)
{
    if (buffer->cache != NULL && buffer->cache->place_of[slot] != NONE)
        vacate(buffer->cache, buffer->cache->place_of[slot]);
}

int64_t mn_row_cache_place(const mn_buffer *buffer, int64_t slot)
{
    return buffer->cache == NULL ? slot : buffer->cache->place_of[slot];
}

int64_t mn_row_cache_load(const mn_buffer *buffer, int64_t slot)
{
    if (buffer->cache == NULL)
        return slot;
    return buffer->cache->vacant == NONE ? NONE : take_vacant(buffer->cache, slot);
}

/* --- to the file and back --------------------------------------------------------------------- */

/* The row used longest ago makes room. */
static mn_status evict(const mn_buffer *buffer)
{
    mn_row_cache *cache = buffer->cache;
    const int32_t place = cache->oldest;
    const int64_t slot = cache->slot_in[place];
    const int bits = buffer->changed[slot] & ~buffer->written[slot];
    if (bits != 0 && !mn_runfile_in_transaction(buffer->spec.file))
        return mn_fail(MN_OUT_OF_ORDER, "a row of the buffer must go to %s outside a transaction",
                       mn_runfile_path(buffer->spec.file));
    if (bits != 0)
        MN_TRY(mn_buffer_write_row(buffer, slot, place, bits, buffer->spec.file));
    buffer->written[slot] = (uint16_t)(buffer->written[slot] | bits);
    vacate(cache, place);
    return MN_OK;
}

typedef struct fetching {
    const mn_buffer *buffer;
    int64_t slot, place;
    int columns; /* bits of those found */
} fetching;

static mn_status another(const fetching *in)
{
    return mn_fail(MN_CORRUPT, "%s: exemplar %lld is not the one that this run has put there",
                   mn_runfile_path(in->buffer->spec.file), (long long)in->slot);
}

static mn_status fetch_row(void *context, const mn_exemplar *exemplar)
{
    const fetching *in = context;
    const mn_buffer *buffer = in->buffer;
    if (exemplar->seen != buffer->seen_at[in->slot] ||
        exemplar->label != buffer->labels[in->slot] ||
        exemplar->image_bytes != buffer->codec.payload)
        return another(in);
    memcpy(buffer->payloads + (size_t)in->place * buffer->codec.payload, exemplar->image,
           buffer->codec.payload);
    return MN_OK;
}

static mn_status fetch_column(void *context, int64_t slot, const char *name, const float *values,
                              int64_t width)
{
    (void)slot;
    fetching *in = context;
    const int c = mn_buffer_find_column(in->buffer, name);
    if (c < 0 || in->buffer->column[c].width != width)
        return another(in);
    if (!in->buffer->column[c].by_slot) /* which is newer in memory */
        memcpy(in->buffer->column[c].values + in->place * width, values,
               (size_t)width * sizeof *values);
    in->columns |= 1 << c;
    return MN_OK;
}

static mn_status fetch(const mn_buffer *buffer, int64_t slot, int64_t place)
{
    fetching in = {buffer, slot, place, 0};
    const mn_exemplar_reader reader = {&in, fetch_row, fetch_column};
    const mn_status status = mn_runfile_read_exemplar(buffer->spec.file, slot, &reader);
    if (status == MN_NOT_FOUND)
        return another(&in);
    return status == MN_OK && in.columns != (1 << buffer->columns) - 1 ? another(&in) : status;
}

mn_status mn_row_cache_find(const mn_buffer *buffer, int64_t slot, bool read, int64_t *place)
{
    mn_row_cache *cache = buffer->cache;
    const int32_t known = cache->place_of[slot];
    if (known != NONE) {
        unlink_place(cache, known);
        link_latest(cache, known);
        *place = known;
        return MN_OK;
    }
    if (cache->vacant == NONE)
        MN_TRY(evict(buffer));
    *place = take_vacant(cache, slot);
    if (!read)
        return MN_OK;
    const mn_status status = fetch(buffer, slot, *place);
    if (status != MN_OK)
        vacate(cache, (int32_t)*place);
    return status;
}
