/* bench_roofline.c -- what the machine can do at most:  bench_roofline THREADS
 *
 * The fastest of ten products of 2048x2048 matrices on each thread, in operations a second, and the
 * fastest of ten passes of x = x + a y over 256 MB, in bytes moved a second.  A step's ops are held
 * against both.
 */
#include "bench.h"
#include "tensor/kernels.h"
#include <omp.h>

enum { SIDE = 2048, FLOATS = 32 << 20, ROUNDS = 10 };

static float *filled(int64_t count)
{
    float *x = malloc((size_t)count * sizeof *x);
    if (x == NULL)
        exit(EXIT_FAILURE);
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)(i % 7) / 7;
    return x;
}

/* A product is made on one thread: every thread makes its own. */
static double product_rate(void)
{
    const int threads = omp_get_max_threads();
    const int64_t count = (int64_t)SIDE * SIDE;
    float *a = filled(count), *b = filled(count), *c = filled(threads * count);
    double least = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        const double before = mn_bench_now();
#pragma omp parallel num_threads(threads)
        mn_kernel_gemm(false, false, SIDE, SIDE, SIDE, a, b, c + omp_get_thread_num() * count,
                       false);
        const double seconds = mn_bench_now() - before;
        least = seconds < least ? seconds : least;
    }
    free(a);
    free(b);
    free(c);
    return 2.0 * (double)SIDE * (double)SIDE * (double)SIDE * threads / least;
}

static double memory_rate(void)
{
    float *x = filled(FLOATS), *y = filled(FLOATS);
    double least = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        const double before = mn_bench_now();
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < FLOATS; k++)
            x[k] += 0.5f * y[k];
        const double seconds = mn_bench_now() - before;
        least = seconds < least ? seconds : least;
    }
    free(x);
    free(y);
    return 3.0 * (double)FLOATS * sizeof(float) / least;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bench_roofline THREADS\n");
        return 2;
    }
    omp_set_num_threads(atoi(argv[1]));
    printf("{\"gflops\": %.1f, \"gbytes\": %.1f}\n", 1e-9 * product_rate(), 1e-9 * memory_rate());
    return 0;
}
