/* gemm.h -- what all that calls OpenBLAS does first. */
#ifndef MN_TENSOR_CPU_GEMM_H
#define MN_TENSOR_CPU_GEMM_H

#include <stdbool.h>

/* It computes on one thread from here on.  false: there is no memory for it, and
 * mn_kernels_check() will say so. */
bool mn_openblas_begin(void);

#endif
