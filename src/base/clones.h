/* clones.h -- our loops are compiled once per instruction set and chosen at start.
 *
 * The binary as a whole is built for the baseline CPU.  Off where the compiler lacks it (clang
 * 14) and under sanitizers, whose run-time is not up yet when the choice is made. */
#ifndef MN_TENSOR_CPU_CLONES_H
#define MN_TENSOR_CPU_CLONES_H

#define MN_CLONES

#if defined(__has_attribute) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) &&           \
    !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#if __has_attribute(target_clones)
#undef MN_CLONES
#define MN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#endif

#endif
