/* solve.c -- symmetric systems by Cholesky's factors, in doubles, by OpenBLAS's LAPACK.
 *
 * LAPACK counts columns where we count rows: our upper half is its lower one, and our rows of right
 * sides are its columns. */
#include "tensor/cpu/gemm.h"
#include "tensor/solve_kernels.h"

#include <cblas.h>

/* As LAPACK declares it in Fortran, and no header of Debian's OpenBLAS in C. */
extern void dposv_(const char *half, const blasint *n, const blasint *sides, double *matrix,
                   const blasint *matrix_step, double *right, const blasint *right_step,
                   blasint *info);

size_t mn_kernel_solve_bytes(int64_t n, int64_t sides)
{
    return (size_t)(n * n + n * sides) * sizeof(double);
}

bool mn_kernel_solve(int64_t n, int64_t sides, const float *matrix, double ridge,
                     const float *right, float *solution, void *work)
{
    double *a = work, *b = a + n * n;
    const blasint order = (blasint)n, count = (blasint)sides;
    blasint info = 0;
    if (n == 0 || sides == 0)
        return true;
    if (!mn_openblas_begin())
        return false;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++)
            a[i * n + j] = (double)matrix[i * n + j];
    for (int64_t i = 0; i < n; i++)
        a[i * n + i] += ridge;
    for (int64_t i = 0; i < n * sides; i++)
        b[i] = (double)right[i];
    dposv_("L", &order, &count, a, &order, b, &order, &info);
    for (int64_t i = 0; i < n * sides && info == 0; i++)
        solution[i] = (float)b[i];
    return info == 0;
}
