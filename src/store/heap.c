/* heap.c -- SQLite asks how large a piece is, so each has its size before it. */
#include "store/heap.h"
#include "base/memory.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdalign.h>
#include <stddef.h>

typedef struct piece {
    alignas(max_align_t) int bytes;
} piece;

static piece *before(void *memory)
{
    return memory != NULL ? (piece *)memory - 1 : NULL;
}

static void *resize(void *memory, int bytes)
{
    piece *made = mn_memory_resize(before(memory), 1, sizeof *made + (size_t)bytes);
    if (made == NULL)
        return NULL;
    made->bytes = bytes;
    return made + 1;
}

static void *take(int bytes)
{
    return resize(NULL, bytes);
}

static void give(void *memory)
{
    mn_memory_give(before(memory));
}

static int size_of(void *memory)
{
    return memory != NULL ? before(memory)->bytes : 0;
}

static int rounded_up(int bytes)
{
    return (bytes + 7) / 8 * 8;
}

static int begin(void *nothing)
{
    (void)nothing;
    return SQLITE_OK;
}

static void end(void *nothing)
{
    (void)nothing;
}

static void configure(void)
{
    static const sqlite3_mem_methods methods = {.xMalloc = take,
                                                .xFree = give,
                                                .xRealloc = resize,
                                                .xSize = size_of,
                                                .xRoundup = rounded_up,
                                                .xInit = begin,
                                                .xShutdown = end};
    if (mn_memory_is_hooked())
        (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void mn_heap_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
}
