/* A program's signals do not disturb products of matrices.  (A library that generates code may use
 * the stack in ways that a signal handler's frame overwrites.  Networks on images are interrupted
 * in nn/test_generated_code.c.) */
#include "tensor/kernels.h"
#include "tests/interruptions.h"
#include "tests/suite.h"

#include <stdlib.h>

enum { ROUNDS = 60000 };

static float *filled(int64_t n, float value)
{
    float *made = aligned_alloc(64, (size_t)(n * 4 + 63) / 64 * 64);
    for (int64_t i = 0; i < n; i++)
        made[i] = value;
    return made;
}

static void check_product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k)
{
    float *a = filled(m * k, 1), *b = filled(n * k, 2), *c = filled(m * n, -1);
    mn_kernel_gemm(transpose_a, transpose_b, m, n, k, a, b, c, false);
    int64_t wrong = 0;
    for (int64_t i = 0; i < m * n; i++)
        wrong += c[i] != (float)(2 * k);
    ck_assert_int_eq(wrong, 0);
    free(a);
    free(b);
    free(c);
}

START_TEST(products_under_interruption_are_right)
{
    static const struct {
        bool transpose_a, transpose_b;
        int64_t m, n, k;
    } cases[] = {{false, true, 20, 50, 196}, {false, true, 20, 50, 196},
                 {false, false, 20, 50, 6},  {true, false, 50, 196, 20},
                 {true, false, 50, 50, 20},  {false, true, 10, 100, 784},
                 {true, false, 100, 784, 10}};
    interrupt_every(200);
    for (int i = 0; i < ROUNDS; i++) {
        const size_t c = (size_t)i % (sizeof cases / sizeof cases[0]);
        check_product(cases[c].transpose_a, cases[c].transpose_b, cases[c].m, cases[c].n,
                      cases[c].k);
    }
    interrupt_every(0);
    ck_assert_int_gt(interruptions, 0);
}
END_TEST

MN_SUITE("signals", products_under_interruption_are_right)
