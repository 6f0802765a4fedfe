/* lanes.h -- sums and maxima side by side: element i goes to lane i mod MN_LANES, and the lanes are
 * put together in their order.  The vector units are busy and the order depends on the count alone.
 */
#ifndef MN_TENSOR_CPU_LANES_H
#define MN_TENSOR_CPU_LANES_H

#include <stdint.h>

enum { MN_LANES = 16 };

static inline double mn_sum_of_lanes(const double lane[MN_LANES])
{
    double sum = 0;
    for (int j = 0; j < MN_LANES; j++)
        sum += lane[j];
    return sum;
}

/* The statement for each element i of n, whose lane is j. */
/* clang-format off */
#define MN_IN_LANES(n, statement)                                                                  \
    do {                                                                                           \
        int64_t begun = 0;                                                                         \
        for (; begun + MN_LANES <= (n); begun += MN_LANES)                                         \
            for (int64_t j = 0; j < MN_LANES; j++) {                                               \
                const int64_t i = begun + j;                                                       \
                statement;                                                                         \
            }                                                                                      \
        for (int64_t j = 0; begun + j < (n); j++) {                                                \
            const int64_t i = begun + j;                                                           \
            statement;                                                                             \
        }                                                                                          \
    } while (0)
/* clang-format on */

#endif
