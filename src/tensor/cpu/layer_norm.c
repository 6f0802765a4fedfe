/* layer_norm.c -- rows brought to mean 0 and variance 1, and the lengths of rows.
 *
 * Only mean and spread of a row are kept: the backward makes the normalised row from x again, which
 * costs less than to write it to memory and read it back. */
#include "base/clones.h"
#include "tensor/axis_kernels.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <math.h>
#include <stddef.h>

enum { LANES = 16 };

static double sum_lanes(const double lane[LANES])
{
    double sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lane[j];
    return sum;
}

/* The sum of squares of x - mean. */
MN_CLONES static double squares_about(int64_t n, const float *x, float mean)
{
    double lane[LANES] = {0};
    for (int64_t i = 0; i < n; i += LANES)
        for (int64_t j = 0; j < (n - i < LANES ? n - i : LANES); j++) {
            const double away = (double)(x[i + j] - mean);
            lane[j] += away * away;
        }
    return sum_lanes(lane);
}

MN_CLONES static void normalise_row(int64_t n, const float *x, float mean, float inverse,
                                    const float *scale, const float *shift, float *y)
{
#pragma omp simd
    for (int64_t j = 0; j < n; j++)
        y[j] = (x[j] - mean) * inverse;
    if (scale != NULL)
#pragma omp simd
        for (int64_t j = 0; j < n; j++)
            y[j] *= scale[j];
    if (shift != NULL)
#pragma omp simd
        for (int64_t j = 0; j < n; j++)
            y[j] += shift[j];
}

void mn_kernel_layer_norm(const mn_layer_norm_rows *r, float epsilon, const float *x,
                          const float *scale, const float *shift, float *y)
{
    const int64_t n = r->columns;
#pragma omp parallel for schedule(static) if (r->rows * n >= MN_LARGE)
    for (int64_t i = 0; i < r->rows; i++) {
        const float *row = x + i * n;
        r->mean[i] = (float)(mn_kernel_sum(n, row) / (double)n);
        const double variance = squares_about(n, row, r->mean[i]) / (double)n;
        r->inverse[i] = (float)(1 / sqrt(variance + (double)epsilon));
        normalise_row(n, row, r->mean[i], r->inverse[i], scale, shift, y + i * n);
    }
}

/* Sums of the gradient of the normalised row, g = scale dy, and of g times that row. */
MN_CLONES static void slopes(int64_t n, const float *x, float mean, float inverse,
                             const float *scale, const float *dy, double *sum, double *along)
{
    double lane[LANES] = {0}, along_lane[LANES] = {0};
    for (int64_t i = 0; i < n; i += LANES)
        for (int64_t j = 0; j < (n - i < LANES ? n - i : LANES); j++) {
            const double g = (double)(scale != NULL ? scale[i + j] * dy[i + j] : dy[i + j]);
            lane[j] += g;
            along_lane[j] += g * (double)((x[i + j] - mean) * inverse);
        }
    *sum = sum_lanes(lane);
    *along = sum_lanes(along_lane);
}

MN_CLONES static void row_backward(int64_t n, const float *x, float mean, float inverse,
                                   const float *scale, const float *dy, float *dx, bool add)
{
    double sum, along;
    slopes(n, x, mean, inverse, scale, dy, &sum, &along);
    const float level = (float)(sum / (double)n), slope = (float)(along / (double)n);
#pragma omp simd
    for (int64_t j = 0; j < n; j++) {
        const float g = scale != NULL ? scale[j] * dy[j] : dy[j];
        const float centred = g - level - (x[j] - mean) * inverse * slope;
        dx[j] = (add ? dx[j] : 0) + inverse * centred;
    }
}

void mn_kernel_layer_norm_backward(const mn_layer_norm_rows *r, const float *x, const float *scale,
                                   const float *dy, float *dx, bool add)
{
    const int64_t n = r->columns;
#pragma omp parallel for schedule(static) if (r->rows * n >= MN_LARGE)
    for (int64_t i = 0; i < r->rows; i++)
        row_backward(n, x + i * n, r->mean[i], r->inverse[i], scale, dy + i * n, dx + i * n, add);
}

MN_CLONES static void add_slopes(int64_t n, const float *x, float mean, float inverse,
                                 const float *dy, double *sum)
{
    for (int64_t j = 0; j < n; j++)
        sum[j] += (double)dy[j] * (double)((x[j] - mean) * inverse);
}

void mn_kernel_layer_norm_scale_backward(const mn_layer_norm_rows *r, const float *x,
                                         const float *dy, float *dscale, bool add)
{
    enum { BLOCK = 64 };
    const int64_t n = r->columns;
#pragma omp parallel for schedule(static) if (r->rows * n >= MN_LARGE)
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t width = n - first < BLOCK ? n - first : BLOCK;
        double sum[BLOCK] = {0};
        for (int64_t i = 0; i < r->rows; i++)
            add_slopes(width, x + i * n + first, r->mean[i], r->inverse[i], dy + i * n + first,
                       sum);
        for (int64_t j = 0; j < width; j++)
            dscale[first + j] = (add ? dscale[first + j] : 0) + (float)sum[j];
    }
}

void mn_kernel_row_norms(int64_t rows, int64_t columns, const float *x, float *y)
{
    for (int64_t i = 0; i < rows; i++, x += columns)
        y[i] = (float)sqrt(mn_kernel_dot(columns, x, x));
}

void mn_kernel_row_norms_backward(int64_t rows, int64_t columns, const float *x, const float *y,
                                  const float *dy, float *dx, bool add)
{
    for (int64_t i = 0; i < rows; i++)
        mn_kernel_axpby(columns, y[i] > 0 ? dy[i] / y[i] : 0, x + i * columns, add ? 1 : 0,
                        dx + i * columns);
}
