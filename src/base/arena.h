/* arena.h -- memory for things that die together, handed out by moving a pointer.
 *
 * It grows by chunks; mn_arena_reset() merges them into one of the largest size seen, so that from
 * the second round on nothing is allocated and equal requests get equal addresses.
 */
#ifndef MN_BASE_ARENA_H
#define MN_BASE_ARENA_H

#include <mneme/status.h>
#include <stddef.h>
#include <stdint.h>

enum { MN_ARENA_ALIGNMENT = 64 }; /* a cache line, and the widest vector */

typedef struct mn_arena_chunk mn_arena_chunk;

/* All zero is an empty arena. */
typedef struct mn_arena {
    mn_arena_chunk *chunk;    /* the one handed out from; earlier ones hang behind it */
    size_t used_before;       /* bytes used in the earlier ones */
    size_t high_water;        /* the largest total of any round */
    int64_t chunks_allocated; /* ever: a test sees that it stops growing */
} mn_arena;

/* `bytes` of uninitialised memory, aligned; NULL when memory ran out. */
void *mn_arena_take(mn_arena *arena, size_t bytes);
void mn_arena_reset(mn_arena *arena); /* everything handed out dies */
void mn_arena_free(mn_arena *arena);  /* leaves an empty arena */
size_t mn_arena_high_water(const mn_arena *arena);

#endif
