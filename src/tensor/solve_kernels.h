/* solve_kernels.h -- the part of the table of kernels.h that solves systems. */
#ifndef MN_TENSOR_SOLVE_KERNELS_H
#define MN_TENSOR_SOLVE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* (matrix + ridge I) w = r for each of `sides` rows r of n floats, in doubles on one thread; of the
 * matrix (n,n) the upper half is read.  work: mn_kernel_solve_bytes().  false, and nothing is
 * written, where it is not positive definite. */
bool mn_kernel_solve(int64_t n, int64_t sides, const float *matrix, double ridge,
                     const float *right, float *solution, void *work);
size_t mn_kernel_solve_bytes(int64_t n, int64_t sides);

#endif
