/* parts.h -- large arrays are cut between threads; elements that do not depend on each other come
 * out the same, however the array is cut. */
#ifndef MN_TENSOR_CPU_PARTS_H
#define MN_TENSOR_CPU_PARTS_H

#include "base/team.h"

#include <stdint.h>

/* MN_LARGE elements are worth waking the threads where each is read and written; those that go
 * through an exponential, or through sums of their row first, count MN_COSTLY times. */
enum { MN_PARTS = 16, MN_LARGE = 1 << 17, MN_COSTLY = 4 };

static inline int64_t mn_part_begin(int64_t n, int64_t part)
{
    return n * part / MN_PARTS / 16 * 16 + (part == MN_PARTS ? n % 16 : 0);
}

/* The statement for elements [at, at + count) of n, in parts where n is large. */
#define MN_IN_PARTS(n, statement) MN_IN_PARTS_OF(1, n, statement)
/* The same of elements that each count `cost` times. */
#define MN_IN_PARTS_OF(cost, n, statement)                                                         \
    do {                                                                                           \
        if ((cost) * (n) < MN_LARGE) {                                                             \
            const int64_t at = 0, count = (n);                                                     \
            statement;                                                                             \
            break;                                                                                 \
        }                                                                                          \
        MN_SHARED_LOOP(part, MN_PARTS, true, {                                                     \
            const int64_t at = mn_part_begin(n, part), count = mn_part_begin(n, part + 1) - at;    \
            statement;                                                                             \
        });                                                                                        \
    } while (0)

#endif
