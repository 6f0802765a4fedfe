/* random.h -- random numbers that are looked up, not drawn.
 *
 * A number is a pure function of a key and a counter (Philox4x32-10; Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011).  A key says what the number is for, so adding a
 * logger or an add-on moves nobody else's numbers, rows can be done in any order on any number of
 * threads, and a resumed run needs no generator state.
 */
#ifndef MNEME_RANDOM_H
#define MNEME_RANDOM_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_key {
    uint64_t word[2];
} mn_key;

/* The root key of one purpose: mn_key_of(seed, "stream.shuffle"). */
MN_API mn_key mn_key_of(uint64_t seed, const char *purpose);

/* The key of one part of a purpose: mn_key_at(mn_key_at(key, task), epoch). */
MN_API mn_key mn_key_at(mn_key key, uint64_t index);

/* 128 random bits. */
MN_API void mn_random_bits(mn_key key, uint64_t counter, uint32_t bits[4]);

/* Uniform on [0, 1), 53 bits. */
MN_API double mn_random_uniform(mn_key key, uint64_t counter);

/* Standard normal (Box-Muller on one block). */
MN_API double mn_random_normal(mn_key key, uint64_t counter);

/* Beta(a, b) by rejection (Johnk 1964), in few tries where a + b is small; a and b above 0. */
MN_API double mn_random_beta(mn_key key, double a, double b);

/* Uniform on {0, ..., bound - 1}, without modulo bias; bound >= 1. */
MN_API int64_t mn_random_below(mn_key key, uint64_t counter, int64_t bound);

/* Writes a uniformly drawn permutation of 0..count-1 to order[count] (Fisher-Yates). */
MN_API void mn_random_permutation(mn_key key, int64_t count, int64_t *order);

/* Writes `wanted` distinct members of {0, ..., count - 1}, uniform over subsets and over their
 * order, to chosen[wanted]; wanted <= count.  Takes no memory. */
MN_API void mn_random_subset(mn_key key, int64_t count, int64_t wanted, int64_t *chosen);

#ifdef __cplusplus
}
#endif
#endif
