/* gemm.c -- matrix products, by OpenBLAS.
 *
 * OpenBLAS always runs on one thread: a second pool beside OpenMP's fights with it for the cores,
 * and the products of small networks are faster on one. */
#include "tensor/kernels.h"

#include <cblas.h>
#include <pthread.h>

static void use_one_thread(void)
{
    openblas_set_num_threads(1);
}

void mn_kernel_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                    const float *a, const float *b, float *c, bool add)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (m == 0 || n == 0)
        return;
    if (k == 0) {
        if (!add)
            mn_kernel_fill(m * n, 0, c);
        return;
    }
    pthread_once(&once, use_one_thread);
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f,
                a, (blasint)(transpose_a ? m : k), b, (blasint)(transpose_b ? k : n),
                add ? 1.0f : 0.0f, c, (blasint)n);
}

void mn_kernel_transpose(int64_t rows, int64_t columns, const float *x, float *y, bool add)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            float *to = &y[j * rows + i];
            *to = x[i * columns + j] + (add ? *to : 0);
        }
}
