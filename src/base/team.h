/* team.h -- the threads that compute. */
#ifndef MN_BASE_TEAM_H
#define MN_BASE_TEAM_H

#include <mneme/status.h>

/* From here on this thread's kernels compute with so many threads, which are started now.
 * MN_NO_MEMORY: the system does not start so many. */
mn_status mn_team_begin(int threads);

#endif
