/* softmax.c -- softmax, its logarithm, and the losses fused with it.
 *
 * Every row's largest number is taken off first, so that nothing overflows; log p is made from
 * logarithms, never as the logarithm of a probability that may have become 0.
 *
 * Rows of few columns are classes of a loss, for which the library's exponential does.  Rows of
 * many are what an attention looks at: they are made in vectors. */
#include "base/clones.h"
#include "tensor/cpu/lanes.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <math.h>

enum { LONG = 32 }; /* columns: two vectors */

static float largest(int64_t n, const float *x)
{
    float most = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* y = softmax(scale x), which may be x; returns log sum exp(scale x - scale max), and that max. */
static double row_softmax(int64_t n, float scale, const float *x, float *y, float *most)
{
    *most = largest(n, x);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        y[i] = expf(scale * (x[i] - *most));
        sum += (double)y[i];
    }
    const float inverse = (float)(1 / sum);
    for (int64_t i = 0; i < n; i++)
        y[i] *= inverse;
    return log(sum);
}

/* --- rows of many columns --- */

/* exp(v) of a v that is not above 0, and 0 where that would be below all normal numbers. */
static inline float exp_below(float v)
{
    const float y = mn_exp_simple(v);
    return v < -87 ? 0 : y;
}

static inline float largest_of_many(int64_t n, const float *x)
{
    float lane[MN_LANES];
    for (int j = 0; j < MN_LANES; j++)
        lane[j] = -INFINITY;
    MN_IN_LANES(n, lane[j] = x[i] > lane[j] ? x[i] : lane[j]);
    return largest(MN_LANES, lane);
}

/* y = exp(x - most); returns their sum. */
static inline double exponentials(int64_t n, const float *x, float most, float *y)
{
    double lane[MN_LANES] = {0};
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = exp_below(x[i] - most);
    MN_IN_LANES(n, lane[j] += (double)y[i]);
    return mn_sum_of_lanes(lane);
}

MN_CLONES static void softmax_of_many(int64_t n, const float *x, float *y)
{
    const float inverse = (float)(1 / exponentials(n, x, largest_of_many(n, x), y));
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] *= inverse;
}

MN_CLONES static void log_softmax_of_many(int64_t n, const float *x, float *y)
{
    const float most = largest_of_many(n, x);
    const float log_sum = (float)log(exponentials(n, x, most, y));
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] - most - log_sum;
}

MN_CLONES static void softmax_of_many_backward(int64_t n, const float *y, const float *dy,
                                               float *dx, bool add)
{
    double lane[MN_LANES] = {0};
    MN_IN_LANES(n, lane[j] += (double)y[i] * (double)dy[i]);
    const float dot = (float)mn_sum_of_lanes(lane);
    if (add)
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            dx[i] += y[i] * (dy[i] - dot);
    else
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            dx[i] = y[i] * (dy[i] - dot);
}

MN_CLONES static void log_softmax_of_many_backward(int64_t n, const float *y, const float *dy,
                                                   float *dx, bool add)
{
    double lane[MN_LANES] = {0};
    MN_IN_LANES(n, lane[j] += (double)dy[i]);
    const float sum = (float)mn_sum_of_lanes(lane);
    if (add)
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            dx[i] += dy[i] - exp_below(y[i]) * sum;
    else
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            dx[i] = dy[i] - exp_below(y[i]) * sum;
}

/* --- rows of few --- */

static void softmax_of_few(int64_t n, const float *x, float *y)
{
    float most;
    row_softmax(n, 1, x, y, &most);
}

static void log_softmax_of_few(int64_t n, const float *x, float *y)
{
    const float most = largest(n, x);
    double sum = 0;
    for (int64_t j = 0; j < n; j++)
        sum += (double)expf(x[j] - most);
    const float log_sum = (float)log(sum);
    for (int64_t j = 0; j < n; j++)
        y[j] = x[j] - most - log_sum;
}

static void softmax_of_few_backward(int64_t n, const float *y, const float *dy, float *dx, bool add)
{
    const float dot = (float)mn_kernel_dot(n, y, dy);
    for (int64_t j = 0; j < n; j++)
        dx[j] = y[j] * (dy[j] - dot) + (add ? dx[j] : 0);
}

static void log_softmax_of_few_backward(int64_t n, const float *y, const float *dy, float *dx,
                                        bool add)
{
    const float sum = (float)mn_kernel_sum(n, dy);
    for (int64_t j = 0; j < n; j++)
        dx[j] = dy[j] - expf(y[j]) * sum + (add ? dx[j] : 0);
}

/* --- either --- */

static void each_row(int64_t rows, int64_t columns, const float *x, float *y,
                     void (*row)(int64_t, const float *, float *))
{
    MN_SHARED_LOOP(i, rows, MN_COSTLY * rows * columns >= MN_LARGE,
                   row(columns, x + i * columns, y + i * columns));
}

static void each_row_backward(int64_t rows, int64_t columns, const float *y, const float *dy,
                              float *dx, bool add,
                              void (*row)(int64_t, const float *, const float *, float *, bool))
{
    MN_SHARED_LOOP(i, rows, MN_COSTLY * rows * columns >= MN_LARGE,
                   row(columns, y + i * columns, dy + i * columns, dx + i * columns, add));
}

void mn_kernel_softmax(int64_t rows, int64_t columns, const float *x, float *y)
{
    each_row(rows, columns, x, y, columns < LONG ? softmax_of_few : softmax_of_many);
}

void mn_kernel_softmax_backward(int64_t rows, int64_t columns, const float *y, const float *dy,
                                float *dx, bool add)
{
    each_row_backward(rows, columns, y, dy, dx, add,
                      columns < LONG ? softmax_of_few_backward : softmax_of_many_backward);
}

void mn_kernel_log_softmax(int64_t rows, int64_t columns, const float *x, float *y)
{
    each_row(rows, columns, x, y, columns < LONG ? log_softmax_of_few : log_softmax_of_many);
}

void mn_kernel_log_softmax_backward(int64_t rows, int64_t columns, const float *y, const float *dy,
                                    float *dx, bool add)
{
    each_row_backward(rows, columns, y, dy, dx, add,
                      columns < LONG ? log_softmax_of_few_backward : log_softmax_of_many_backward);
}

void mn_kernel_row_normalise(int64_t rows, int64_t columns, const float *x, float *y, float *norms)
{
    const float least = 1e-12f;
    for (int64_t i = 0; i < rows; i++, x += columns, y += columns) {
        const float norm = (float)sqrt(mn_kernel_dot(columns, x, x));
        norms[i] = norm < least ? least : norm;
        for (int64_t j = 0; j < columns; j++)
            y[j] = x[j] / norms[i];
    }
}

void mn_kernel_row_normalise_backward(int64_t rows, int64_t columns, const float *y,
                                      const float *norms, const float *dy, float *dx, bool add)
{
    const float least = 1e-12f;
    for (int64_t i = 0; i < rows; i++, y += columns, dy += columns, dx += columns) {
        /* Below the least norm, rows are divided by a constant. */
        const float dot = norms[i] > least ? (float)mn_kernel_dot(columns, y, dy) : 0;
        for (int64_t j = 0; j < columns; j++)
            dx[j] = (dy[j] - y[j] * dot) / norms[i] + (add ? dx[j] : 0);
    }
}

double mn_kernel_cross_entropy(int64_t rows, int64_t columns, int64_t first, int64_t count,
                               const float *x, const int32_t *labels, float *probabilities)
{
    double loss = 0;
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * columns + first;
        float most;
        const double log_sum = row_softmax(count, 1, row, probabilities + i * count, &most);
        loss += log_sum - ((double)row[labels[i] - first] - (double)most);
    }
    return loss;
}

void mn_kernel_cross_entropy_backward(int64_t rows, int64_t columns, int64_t first, int64_t count,
                                      const float *probabilities, const int32_t *labels, float a,
                                      float *dx, bool add)
{
    if (!add && count < columns)
        mn_kernel_fill(rows * columns, 0, dx);
    for (int64_t i = 0; i < rows; i++) {
        float *to = dx + i * columns + first;
        mn_kernel_axpby(count, a, probabilities + i * count, add ? 1 : 0, to);
        to[labels[i] - first] -= a;
    }
}

double mn_kernel_kl(int64_t rows, int64_t columns, float temperature, const float *student,
                    const float *teacher, float *p, float *q, float *d)
{
    const float scale = 1 / temperature;
    double loss = 0;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t at = i * columns;
        float most_q, most_p;
        const double log_q = row_softmax(columns, scale, student + at, q + at, &most_q);
        const double log_p = row_softmax(columns, scale, teacher + at, p + at, &most_p);
        double sum = 0;
        for (int64_t j = at; j < at + columns; j++) {
            const double of_p = (double)(teacher[j] - most_p) * (double)scale - log_p;
            const double of_q = (double)(student[j] - most_q) * (double)scale - log_q;
            sum += p[j] == 0 ? 0 : (double)p[j] * (of_p - of_q);
        }
        d[i] = (float)sum;
        loss += sum;
    }
    return loss;
}

void mn_kernel_kl_teacher_backward(int64_t rows, int64_t columns, float a, const float *p,
                                   const float *q, const float *d, float *dx, bool add)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i * columns; j < (i + 1) * columns; j++) {
            const float now = p[j] == 0 ? 0 : a * p[j] * (logf(p[j] / q[j]) - d[i]);
            dx[j] = now + (add ? dx[j] : 0);
        }
}

/* -log s(x) = log(1 + e^-x) is taken where e^-|x| cannot overflow: max(x, 0) - t x + log(1 +
 * e^-|x|). The logarithm, which costs most, is taken of the product of many such factors, each at
 * most 2. */
double mn_kernel_binary_cross_entropy(int64_t n, const float *x, const float *target)
{
    enum { FACTORS = 512 }; /* 2^512 is a double */
    double sum = 0;
    for (int64_t first = 0; first < n; first += FACTORS) {
        const int64_t end = n - first < FACTORS ? n : first + FACTORS;
        double product = 1;
        for (int64_t i = first; i < end; i++) {
            sum += (double)((x[i] > 0 ? x[i] : 0) - target[i] * x[i]);
            product *= 1 + (double)expf(-fabsf(x[i]));
        }
        sum += log(product);
    }
    return sum;
}

void mn_kernel_binary_cross_entropy_backward(int64_t n, float a, const float *x,
                                             const float *target, float *dx, bool add)
{
    for (int64_t i = 0; i < n; i++)
        dx[i] = a * (1 / (1 + expf(-x[i])) - target[i]) + (add ? dx[i] : 0);
}
