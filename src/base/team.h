/* team.h -- the threads that compute. */
#ifndef MN_BASE_TEAM_H
#define MN_BASE_TEAM_H

#include <mneme/status.h>
#include <stdint.h>

/* From here on this thread's kernels compute with so many threads, which are started now.
 * MN_NO_MEMORY: the system does not start so many. */
mn_status mn_team_begin(int threads);

/* The statements for each i in [0, count), by all threads where they are worth waking.  OpenMP's
 * own `if` would make a team of one and ask the system to wake nobody, which takes longer than the
 * loops of a small network. */
/* clang-format off */
#define MN_SHARED_LOOP(i, count, worth, ...)                                                       \
    do {                                                                                           \
        if (!(worth)) {                                                                            \
            for (int64_t i = 0; i < (count); i++)                                                  \
                __VA_ARGS__;                                                                       \
            break;                                                                                 \
        }                                                                                          \
        _Pragma("omp parallel for schedule(static)")                                               \
        for (int64_t i = 0; i < (count); i++)                                                      \
            __VA_ARGS__;                                                                           \
    } while (0)
/* clang-format on */

#endif
