/* memory.c -- a step of a network walks through hundreds of megabytes: with pages of 4 KB it spends
 * some 3 % of its time on looking up addresses.  Linux gives pages of 2 MB when asked. */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static const size_t huge = (size_t)1 << 21;

void *mn_memory_take(size_t alignment, size_t bytes)
{
    if (bytes > SIZE_MAX - huge)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= 2 * huge) {
        void *memory = aligned_alloc(huge, (bytes + huge - 1) / huge * huge);
        if (memory != NULL)
            (void)madvise(memory, bytes / huge * huge, MADV_HUGEPAGE); /* only a wish */
        return memory;
    }
#endif
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}
