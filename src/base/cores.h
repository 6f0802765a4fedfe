/* cores.h -- how many threads can compute at once. */
#ifndef MN_BASE_CORES_H
#define MN_BASE_CORES_H

/* Physical cores that this process may use, at least 1. */
int mn_physical_cores(void);

#endif
