/* memory.h -- what the inside of mneme needs beside <mneme/memory.h>. */
#ifndef MN_BASE_MEMORY_H
#define MN_BASE_MEMORY_H

#include <mneme/memory.h>
#include <stdbool.h>

/* Uninitialised memory at a multiple of `alignment`, in huge pages where it is large; for
 * mn_memory_give().  NULL when memory ran out. */
void *mn_memory_take_aligned(size_t alignment, size_t bytes);

/* A host has set hooks: libraries that can take theirs from a function get mneme's. */
bool mn_memory_is_hooked(void);

#endif
