/* bfloat16.c -- conversions, by the processor's own instructions where it has them. */
#include "tensor/cpu/bfloat16.h"
#include "base/clones.h"
#include "base/reserve.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"
#include "tensor/tensor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <oneapi/dnnl/dnnl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* Asked once: oneDNN's answer takes longer than a thousand conversions. */
static bool is_native(void)
{
    static atomic_int known; /* 0: not yet, 1: no, 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == 0) {
        (void)mn_reserve_hold(); /* whoever computes asks, too, and says so */
        const unsigned wanted = dnnl_cpu_isa_avx512_core_bf16;
        answer = ((unsigned)dnnl_get_effective_cpu_isa() & wanted) == wanted ? 2 : 1;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}

static inline float widened(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

static inline uint16_t narrowed(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
    const bool nan = (bits & 0x7fffffff) > 0x7f800000;
    return (uint16_t)((nan ? bits | 0x400000 : rounded) >> 16);
}

#if defined(__x86_64__)
/* One instruction in place of ten for narrowing, and whole vectors: compilers take half of one. */
#define NATIVE __attribute__((target("avx512f,avx512bf16")))
NATIVE static void widen_vectors(int64_t n, const uint16_t *x, float *y)
{
    for (int64_t i = 0; i < n; i += 16) {
        const __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        const __m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16);
        _mm512_storeu_ps(y + i, _mm512_castsi512_ps(wide));
    }
}

NATIVE static void narrow_vectors(int64_t n, const float *x, uint16_t *y)
{
    for (int64_t i = 0; i < n; i += 16) {
        const __m256bh narrow = _mm512_cvtneps_pbh(_mm512_loadu_ps(x + i));
        memcpy(y + i, &narrow, sizeof narrow);
    }
}
#else
static void widen_vectors(int64_t n, const uint16_t *x, float *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = widened(x[i]);
}

static void narrow_vectors(int64_t n, const float *x, uint16_t *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = narrowed(x[i]);
}
#endif

/* Of n elements, how many go in vectors of 16. */
static int64_t whole_of(int64_t n)
{
    return is_native() ? n / 16 * 16 : 0;
}

void mn_bf16_widen(int64_t n, const uint16_t *x, float *y)
{
    const int64_t whole = whole_of(n);
    widen_vectors(whole, x, y);
    for (int64_t i = whole; i < n; i++)
        y[i] = widened(x[i]);
}

void mn_bf16_narrow(int64_t n, const float *x, uint16_t *y)
{
    const int64_t whole = whole_of(n);
    narrow_vectors(whole, x, y);
    for (int64_t i = whole; i < n; i++)
        y[i] = narrowed(x[i]);
}

MN_CLONES static void accumulate(int64_t n, const uint16_t *x, uint16_t *y)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = narrowed(widened(x[i]) + widened(y[i]));
}

void mn_bf16_accumulate(int64_t n, const uint16_t *x, uint16_t *y)
{
    MN_IN_PARTS(n, accumulate(count, x + at, y + at));
}

/* oneDNN would emulate what the processor lacks, slower than f32. */
mn_status mn_kernels_precision(mn_dtype dtype)
{
    if (dtype == MN_F32)
        return MN_OK;
    if (dtype != MN_BF16)
        return mn_fail(MN_UNSUPPORTED, "arithmetic in %s is not possible; use f32 or bf16",
                       mn_dtype_text(dtype));
    if (is_native())
        return MN_OK;
    return mn_fail(MN_UNSUPPORTED, "bf16 needs a processor with AVX512_BF16 (AMD since Zen 4, "
                                   "Intel since Cooper Lake), which this one lacks; use f32");
}
