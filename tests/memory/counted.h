/* counted.h -- memory of which a piece can be refused, and of which is known how much is out.  It
 * is mneme's, its JSON's and its SQLite's from the beginning of the process. */
#ifndef MN_TESTS_COUNTED_H
#define MN_TESTS_COUNTED_H

#include <mneme/memory.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static long asked, refused_at; /* the piece that is refused, counted from 1; 0: none */
static bool all_refused;       /* every piece is */
static long out;               /* pieces that are taken and not given */

typedef struct piece {
    alignas(max_align_t) void *block;
    size_t bytes;
} piece;

static void give(void *memory)
{
    out--;
    free(((piece *)memory - 1)->block);
}

static void *take(void *earlier, size_t alignment, size_t bytes)
{
    if (++asked == refused_at || all_refused)
        return NULL;
    const size_t front = (sizeof(piece) + alignment - 1) / alignment * alignment;
    char *block = aligned_alloc(alignment, (front + bytes + alignment - 1) / alignment * alignment);
    piece *made = (piece *)(void *)(block + front) - 1;
    *made = (piece){block, bytes};
    memset(made + 1, 0xA5, bytes);
    out++;
    if (earlier != NULL) {
        const size_t had = ((piece *)earlier - 1)->bytes;
        memcpy(made + 1, earlier, had < bytes ? had : bytes);
        give(earlier);
    }
    return made + 1;
}

__attribute__((constructor)) static void hook(void)
{
    static const mn_memory_hooks hooks = {take, give};
    if (mn_memory_use(&hooks) != MN_OK)
        abort();
}

#endif
