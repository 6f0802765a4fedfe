/* elementwise.c -- loops over flat arrays of floats.
 *
 * Whether a result replaces or is added to what is there is decided outside the loop, so that
 * each inner loop is one the compiler can vectorise.  Elements do not depend on each other, hence
 * `omp simd`, which also lets the output be one of the inputs. */
#include "base/clones.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <math.h>
#include <string.h>

/* The loop over i in [0, n) of `target` = or += `value`. */
/* clang-format off */
#define REPLACE_OR_ADD(target, value)                                                              \
    do {                                                                                           \
        if (add) {                                                                                 \
            _Pragma("omp simd")                                                                    \
            for (int64_t i = 0; i < n; i++)                                                        \
                target += (value);                                                                 \
            break;                                                                                 \
        }                                                                                          \
        _Pragma("omp simd")                                                                        \
        for (int64_t i = 0; i < n; i++)                                                            \
            target = (value);                                                                      \
    } while (0)
/* clang-format on */

void mn_kernel_upload(void *to_device, const void *from_host, size_t bytes)
{
    if (bytes > 0)
        memmove(to_device, from_host, bytes); /* rows of a tensor may be stored in others of it */
}

void mn_kernel_download(void *to_host, const void *from_device, size_t bytes)
{
    if (bytes > 0)
        memcpy(to_host, from_device, bytes);
}

MN_CLONES static void fill(int64_t n, float value, float *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = value;
}

void mn_kernel_fill(int64_t n, float value, float *y)
{
    MN_IN_PARTS(n, fill(count, value, y + at));
}

void mn_kernel_zero(size_t bytes, void *y)
{
    memset(y, 0, bytes);
}

MN_CLONES static void axpy(int64_t n, float a, const float *x, float *y)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

MN_CLONES static void ax(int64_t n, float a, const float *x, float *y)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = a * x[i];
}

void mn_kernel_axpby(int64_t n, float a, const float *x, float b, float *y)
{
    if (b == 1) {
        MN_IN_PARTS(n, axpy(count, a, x + at, y + at));
    } else if (b != 0) {
        mn_kernel_sum_of(n, a, x, b, y, y);
    } else if (a != 1) {
        MN_IN_PARTS(n, ax(count, a, x + at, y + at));
    } else if (n > 0) {
        MN_IN_PARTS(n, memmove(y + at, x + at, (size_t)count * sizeof *y));
    }
}

MN_CLONES static void sum_of(int64_t n, float a, const float *x, float b, const float *y, float *z)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        z[i] = a * x[i] + b * y[i];
}

void mn_kernel_sum_of(int64_t n, float a, const float *x, float b, const float *y, float *z)
{
    MN_IN_PARTS(n, sum_of(count, a, x + at, b, y + at, z + at));
}

MN_CLONES static void add_relu(int64_t n, const float *x, const float *y, float *z)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float v = x[i] + y[i];
        z[i] = v <= 0 ? 0 : v;
    }
}

void mn_kernel_add_relu(int64_t n, const float *x, const float *y, float *z)
{
    MN_IN_PARTS(n, add_relu(count, x + at, y + at, z + at));
}

MN_CLONES static void mul(int64_t n, const float *x, const float *y, float *z)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        z[i] = x[i] * y[i];
}

void mn_kernel_mul(int64_t n, const float *x, const float *y, float *z)
{
    MN_IN_PARTS(n, mul(count, x + at, y + at, z + at));
}

MN_CLONES static void divide(int64_t n, const float *x, const float *y, float *z)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        z[i] = x[i] / y[i];
}

void mn_kernel_div(int64_t n, const float *x, const float *y, float *z)
{
    MN_IN_PARTS(n, divide(count, x + at, y + at, z + at));
}

MN_CLONES static void pull(int64_t n, float a, const float *w, const float *x, const float *x0,
                           float *z)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        z[i] += a * w[i] * (x[i] - x0[i]);
}

void mn_kernel_pull(int64_t n, float a, const float *w, const float *x, const float *x0, float *z)
{
    MN_IN_PARTS(n, pull(count, a, w + at, x + at, x0 + at, z + at));
}

MN_CLONES static void mul_add(int64_t n, float a, const float *x, const float *y, float *z,
                              bool add)
{
    REPLACE_OR_ADD(z[i], a * x[i] * y[i]);
}

void mn_kernel_mul_add(int64_t n, float a, const float *x, const float *y, float *z, bool add)
{
    MN_IN_PARTS(n, mul_add(count, a, x + at, y + at, z + at, add));
}

MN_CLONES static void difference(int64_t n, float a, const float *x, const float *y, float *z,
                                 bool add)
{
    REPLACE_OR_ADD(z[i], a * (x[i] - y[i]));
}

void mn_kernel_difference(int64_t n, float a, const float *x, const float *y, float *z, bool add)
{
    MN_IN_PARTS(n, difference(count, a, x + at, y + at, z + at, add));
}

MN_CLONES static void threshold(int64_t n, const float *x, const float *least, float *y)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] < least[i] ? 0 : x[i];
}

void mn_kernel_threshold_by(int64_t n, const float *x, const float *least, float *y)
{
    MN_IN_PARTS(n, threshold(count, x + at, least + at, y + at));
}

MN_CLONES static void threshold_backward(int64_t n, const float *x, const float *least,
                                         const float *dy, float *dx, bool add)
{
    REPLACE_OR_ADD(dx[i], x[i] < least[i] ? 0 : dy[i]);
}

void mn_kernel_threshold_by_backward(int64_t n, const float *x, const float *least, const float *dy,
                                     float *dx, bool add)
{
    MN_IN_PARTS(n, threshold_backward(count, x + at, least + at, dy + at, dx + at, add));
}

/* One pair of loops per function of the map; v, y, a and b are what its expressions speak of. */
/* clang-format off */
#ifdef __clang__ /* which says so where a function of the library keeps a loop from vectors */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
#define X(name, value, derivative)                                                                 \
    MN_CLONES static void map_##name(int64_t n, float a, float b, const float *in, float *out)     \
    {                                                                                              \
        (void)a, (void)b;                                                                          \
        _Pragma("omp simd")                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const float v = in[i];                                                                 \
            out[i] = value;                                                                        \
        }                                                                                          \
    }                                                                                              \
    MN_CLONES static void map_##name##_backward(int64_t n, float a, float b, const float *in,      \
                                                const float *out, const float *dy, float *dx,      \
                                                bool add)                                          \
    {                                                                                              \
        (void)a, (void)b, (void)in, (void)out;                                                     \
        if (add) {                                                                                 \
            _Pragma("omp simd")                                                                    \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const float v = in[i], y = out[i];                                                 \
                (void)v, (void)y;                                                                  \
                dx[i] = dx[i] + dy[i] * (derivative);                                              \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        _Pragma("omp simd")                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const float v = in[i], y = out[i];                                                     \
            (void)v, (void)y;                                                                      \
            dx[i] = 0 + dy[i] * (derivative); /* never -0 */                                       \
        }                                                                                          \
    }
MN_FUNCTION_MAP(X)
#undef X
/* clang-format on */

static int cost_of(mn_function function)
{
    return function == MN_FUNCTION_EXP || function == MN_FUNCTION_LOG ||
                   function == MN_FUNCTION_SIGMOID || function == MN_FUNCTION_SOFTPLUS ||
                   function == MN_FUNCTION_GELU || function == MN_FUNCTION_GELU_TANH
               ? MN_COSTLY
               : 1;
}

void mn_kernel_map(mn_function function, int64_t n, float a, float b, const float *x, float *y)
{
    static void (*const maps[])(int64_t, float, float, const float *, float *) = {
#define X(name, value, derivative) map_##name,
        MN_FUNCTION_MAP(X)
#undef X
    };
    MN_IN_PARTS_OF(cost_of(function), n, maps[function](count, a, b, x + at, y + at));
}

void mn_kernel_map_backward(mn_function function, int64_t n, float a, float b, const float *x,
                            const float *y, const float *dy, float *dx, bool add)
{
    static void (*const maps[])(int64_t, float, float, const float *, const float *, const float *,
                                float *, bool) = {
#define X(name, value, derivative) map_##name##_backward,
        MN_FUNCTION_MAP(X)
#undef X
    };
    MN_IN_PARTS_OF(cost_of(function), n,
                   maps[function](count, a, b, x + at, y + at, dy + at, dx + at, add));
}
