/* arena.h -- memory for things that die together, handed out by moving a pointer.
 *
 * It grows by chunks; mn_arena_reset() merges them into one of the largest size seen, so that from
 * the second round on nothing is allocated and equal requests get equal addresses.
 */
#ifndef MN_BASE_ARENA_H
#define MN_BASE_ARENA_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MN_ARENA_ALIGNMENT = 64 }; /* a cache line, and the widest vector */

typedef struct mn_arena_chunk mn_arena_chunk;
typedef struct mn_arena_spare mn_arena_spare;

/* All zero is an empty arena. */
typedef struct mn_arena {
    mn_arena_chunk *chunk;    /* the one handed out from; earlier ones hang behind it */
    mn_arena_spare *spares;   /* given back, latest first: that is still in the cache */
    size_t used_before;       /* bytes used in the earlier ones */
    size_t high_water;        /* the largest total of any round */
    int64_t chunks_allocated; /* ever: a test sees that it stops growing */
} mn_arena;

/* `bytes` of uninitialised memory, aligned; NULL when memory ran out. */
void *mn_arena_take(mn_arena *arena, size_t bytes);
/* Hands back what was taken with that size and is needed no more: the next of the same size gets
 * it, instead of new memory.  False: it is too small to be worth it and stays the caller's. */
bool mn_arena_give(mn_arena *arena, void *memory, size_t bytes);
void mn_arena_reset(mn_arena *arena); /* everything handed out dies */
void mn_arena_free(mn_arena *arena);  /* leaves an empty arena */
size_t mn_arena_high_water(const mn_arena *arena);

#endif
