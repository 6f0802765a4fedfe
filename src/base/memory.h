/* memory.h -- aligned memory, in huge pages where it is large. */
#ifndef MN_BASE_MEMORY_H
#define MN_BASE_MEMORY_H

#include <stddef.h>

/* Uninitialised; to be given to free().  NULL when memory ran out. */
void *mn_memory_take(size_t alignment, size_t bytes);

#endif
