/* cores.h -- the processor: its name, and how many threads can compute at once. */
#ifndef MN_BASE_CORES_H
#define MN_BASE_CORES_H

#include <stddef.h>

/* Physical cores that this process may use, at least 1: those of its affinity mask, and no more
 * than its control groups have time for. */
int mn_physical_cores(void);
/* The cores' worth of time that control groups leave to a process, a part counted as a whole;
 * INT_MAX: no limit.  `groups`: its file /proc/PID/cgroup; `root`: where the groups are mounted. */
int mn_cores_of_groups(const char *groups, const char *root);
/* "AMD EPYC 9454"; "unknown" where the system does not say. */
void mn_processor_name(char *name, size_t bytes);

#endif
