/* bfloat16.h -- the upper half of an f32, in which convolutions may compute. */
#ifndef MN_TENSOR_CPU_BFLOAT16_H
#define MN_TENSOR_CPU_BFLOAT16_H

#include <stdint.h>

void mn_bf16_widen(int64_t n, const uint16_t *x, float *y);
/* To the nearest, ties to even; what is not a number stays so. */
void mn_bf16_narrow(int64_t n, const float *x, uint16_t *y);
void mn_bf16_accumulate(int64_t n, const uint16_t *x, uint16_t *y); /* y += x */

#endif
