/* cores.h -- the processor: its name, and how many threads can compute at once. */
#ifndef MN_BASE_CORES_H
#define MN_BASE_CORES_H

#include <stddef.h>

/* Physical cores that this process may use, at least 1. */
int mn_physical_cores(void);
/* "AMD EPYC 9454"; "unknown" where the system does not say. */
void mn_processor_name(char *name, size_t bytes);

#endif
