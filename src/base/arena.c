/* arena.c -- chunked while it grows, one block once it is warm.
 *
 * Under AddressSanitizer whatever is not handed out is poisoned, so that a use after the reset, or
 * past the end of what was asked for, is seen; and what is handed out is filled with NaNs, so that
 * arithmetic on what nobody wrote is seen, too. */
#include "base/arena.h"
#include "base/memory.h"

#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)   ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

enum { LEAST_CHUNK = 1 << 18, LEAST_SPARE = 1 << 12 }; /* smaller ones are not worth a search */

static const size_t most_bytes = SIZE_MAX >> 22; /* 4 TiB: no step needs more */

struct mn_arena_chunk {
    mn_arena_chunk *previous;
    size_t bytes, used;
    char *memory; /* follows the struct, aligned */
};

struct mn_arena_spare { /* lies in the memory itself */
    mn_arena_spare *next;
    size_t bytes;
};

static size_t aligned(size_t bytes)
{
    return (bytes + MN_ARENA_ALIGNMENT - 1) & ~(size_t)(MN_ARENA_ALIGNMENT - 1);
}

static mn_arena_chunk *chunk_new(mn_arena *arena, size_t bytes)
{
    const size_t header = aligned(sizeof(mn_arena_chunk));
    mn_arena_chunk *chunk = mn_memory_take_aligned(MN_ARENA_ALIGNMENT, header + bytes);
    if (chunk == NULL)
        return NULL;
    *chunk = (mn_arena_chunk){.bytes = bytes, .memory = (char *)chunk + header};
    ASAN_POISON_MEMORY_REGION(chunk->memory, bytes);
    arena->chunks_allocated++;
    return chunk;
}

static void chunk_free(mn_arena_chunk *chunk)
{
    if (chunk != NULL)
        ASAN_UNPOISON_MEMORY_REGION(chunk->memory, chunk->bytes);
    mn_memory_give(chunk);
}

static void *take_from_chunk(mn_arena *arena, size_t rounded);

static void *take_from_new_chunk(mn_arena *arena, size_t bytes)
{
    size_t size = arena->chunk != NULL ? 2 * arena->chunk->bytes : LEAST_CHUNK;
    if (size < bytes)
        size = bytes;
    mn_arena_chunk *chunk = chunk_new(arena, size);
    if (chunk == NULL && size > bytes)
        chunk = chunk_new(arena, bytes);
    if (chunk == NULL)
        return NULL;
    if (arena->chunk != NULL)
        arena->used_before += arena->chunk->used;
    chunk->previous = arena->chunk;
    arena->chunk = chunk;
    return take_from_chunk(arena, bytes);
}

static void *take_spare(mn_arena *arena, size_t rounded)
{
    for (mn_arena_spare **at = &arena->spares; *at != NULL; at = &(*at)->next)
        if ((*at)->bytes == rounded) {
            void *memory = *at;
            *at = (*at)->next;
            return memory;
        }
    return NULL;
}

static void *take_from_chunk(mn_arena *arena, size_t rounded)
{
    mn_arena_chunk *chunk = arena->chunk;
    if (chunk == NULL || chunk->bytes - chunk->used < rounded)
        return take_from_new_chunk(arena, rounded);
    void *memory = chunk->memory + chunk->used;
    chunk->used += rounded;
    return memory;
}

void *mn_arena_take(mn_arena *arena, size_t bytes)
{
    if (bytes > most_bytes)
        return NULL;
    const size_t rounded = bytes > 0 ? aligned(bytes) : MN_ARENA_ALIGNMENT;
    void *memory = rounded >= LEAST_SPARE ? take_spare(arena, rounded) : NULL;
    if (memory == NULL)
        memory = take_from_chunk(arena, rounded);
    if (memory == NULL)
        return NULL;
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#ifdef WITH_ASAN
    memset(memory, 0xff, bytes);
#endif
    return memory;
}

bool mn_arena_give(mn_arena *arena, void *memory, size_t bytes)
{
    const size_t rounded = aligned(bytes);
    if (memory == NULL || rounded < LEAST_SPARE)
        return false;
    mn_arena_spare *spare = memory;
    *spare = (mn_arena_spare){arena->spares, rounded};
    arena->spares = spare;
    ASAN_POISON_MEMORY_REGION(spare + 1, rounded - sizeof *spare);
    return true;
}

size_t mn_arena_high_water(const mn_arena *arena)
{
    const size_t now = arena->used_before + (arena->chunk != NULL ? arena->chunk->used : 0);
    return now > arena->high_water ? now : arena->high_water;
}

void mn_arena_reset(mn_arena *arena)
{
    arena->spares = NULL;
    if (arena->chunk == NULL)
        return;
    arena->high_water = mn_arena_high_water(arena);
    arena->used_before = 0;
    if (arena->chunk->previous != NULL) {
        const int64_t allocated = arena->chunks_allocated;
        const size_t high_water = arena->high_water;
        mn_arena_free(arena);
        arena->high_water = high_water;
        arena->chunks_allocated = allocated;
        arena->chunk = chunk_new(arena, high_water); /* NULL: the next take tries again */
        return;
    }
    arena->chunk->used = 0;
    ASAN_POISON_MEMORY_REGION(arena->chunk->memory, arena->chunk->bytes);
}

void mn_arena_free(mn_arena *arena)
{
    for (mn_arena_chunk *chunk = arena->chunk, *previous; chunk != NULL; chunk = previous) {
        previous = chunk->previous;
        chunk_free(chunk);
    }
    *arena = (mn_arena){0};
}
