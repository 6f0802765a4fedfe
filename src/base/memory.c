/* memory.c -- all memory of mneme, from the C library or from a host's hooks.
 *
 * A step of a network walks through hundreds of megabytes: with pages of 4 KB it spends some 3 % of
 * its time on looking up addresses.  Linux gives pages of 2 MB when asked. */
#include "base/memory.h"

#include <cjson/cJSON.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const size_t huge = (size_t)1 << 21;
static mn_memory_hooks hooks; /* NULL: the C library */
static atomic_bool taken;     /* a piece is out that hooks would not know */

bool mn_memory_is_hooked(void)
{
    return hooks.take != NULL;
}

static void *take_for_parser(size_t bytes)
{
    return mn_memory_take(bytes, 1);
}

mn_status mn_memory_use(const mn_memory_hooks *given)
{
    if (given->take == NULL || given->give == NULL)
        return mn_fail(MN_BAD_VALUE, "memory hooks: both functions are needed");
    if (atomic_load(&taken))
        return mn_fail(MN_OUT_OF_ORDER,
                       "memory hooks come too late: mneme has taken memory before; "
                       "set them before anything else");
    hooks = *given;
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = take_for_parser, .free_fn = mn_memory_give});
    return MN_OK;
}

/* Notes that memory is taken.  Only the first time writes: threads share the line. */
static void note(void)
{
    if (!atomic_load_explicit(&taken, memory_order_relaxed))
        atomic_store(&taken, true);
}

static bool product(size_t count, size_t size, size_t *bytes)
{
    if (__builtin_mul_overflow(count, size, bytes))
        return false;
    if (*bytes == 0)
        *bytes = 1;
    return true;
}

void *mn_memory_resize(void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (!product(count, size, &bytes))
        return NULL;
    note();
    return hooks.take != NULL ? hooks.take(memory, alignof(max_align_t), bytes)
                              : realloc(memory, bytes);
}

void *mn_memory_take(size_t count, size_t size)
{
    return mn_memory_resize(NULL, count, size);
}

void *mn_memory_take_zeroed(size_t count, size_t size)
{
    size_t bytes;
    if (hooks.take == NULL) { /* the C library knows pages that are zero already */
        note();
        return product(count, size, &bytes) ? calloc(1, bytes) : NULL;
    }
    void *memory = mn_memory_take(count, size);
    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

void *mn_memory_take_aligned(size_t alignment, size_t bytes)
{
    if (bytes > SIZE_MAX - huge)
        return NULL;
    bytes = bytes > 0 ? bytes : 1;
    const bool large = bytes >= 2 * huge;
    const size_t unit = large ? huge : alignment;
    const size_t whole = (bytes + unit - 1) / unit * unit;
    note();
    void *memory = hooks.take != NULL ? hooks.take(NULL, unit, whole) : aligned_alloc(unit, whole);
#ifdef MADV_HUGEPAGE
    if (large && memory != NULL)
        (void)madvise(memory, whole, MADV_HUGEPAGE); /* only a wish */
#endif
    return memory;
}

void mn_memory_give(void *memory)
{
    if (memory != NULL && hooks.give != NULL)
        hooks.give(memory);
    else
        free(memory);
}
