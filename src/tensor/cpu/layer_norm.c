/* layer_norm.c -- rows brought to mean 0 and variance 1, and the lengths of rows.
 *
 * Only mean and spread of a row are kept: the backward makes the normalised row from x again, which
 * costs less than to write it to memory and read it back. */
#include "base/clones.h"
#include "tensor/axis_kernels.h"
#include "tensor/cpu/lanes.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <math.h>
#include <stddef.h>

MN_CLONES static void norm_row(int64_t n, float epsilon, const float *x, const float *scale,
                               const float *shift, float *mean, float *inverse, float *y)
{
    double lane[MN_LANES] = {0}, square[MN_LANES] = {0};
    MN_IN_LANES(n, lane[j] += (double)x[i]);
    const float m = (float)(mn_sum_of_lanes(lane) / (double)n);
    MN_IN_LANES(n, square[j] += (double)(x[i] - m) * (double)(x[i] - m));
    const double variance = mn_sum_of_lanes(square) / (double)n;
    const float by = (float)(1 / sqrt(variance + (double)epsilon));
    *mean = m;
    *inverse = by;
    if (scale != NULL && shift != NULL) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - m) * by * scale[i] + shift[i];
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] - m) * by;
    if (scale != NULL)
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            y[i] *= scale[i];
    if (shift != NULL)
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            y[i] += shift[i];
}

void mn_kernel_layer_norm(const mn_layer_norm_rows *r, float epsilon, const float *x,
                          const float *scale, const float *shift, float *y)
{
    const int64_t n = r->columns;
    MN_SHARED_LOOP(
        i, r->rows, MN_COSTLY * r->rows * n >= MN_LARGE,
        norm_row(n, epsilon, x + i * n, scale, shift, &r->mean[i], &r->inverse[i], y + i * n));
}

/* With g the gradient of the normalised row, scale dy: sums of g and of g times that row. */
MN_CLONES static void row_backward(int64_t n, const float *x, float mean, float inverse,
                                   const float *scale, const float *dy, float *dx, bool add)
{
    double lane[MN_LANES] = {0}, along[MN_LANES] = {0};
    if (scale != NULL)
        MN_IN_LANES(n, const double g = (double)(scale[i] * dy[i]); lane[j] += g;
                    along[j] += g * (double)((x[i] - mean) * inverse));
    else
        MN_IN_LANES(n, const double g = (double)dy[i]; lane[j] += g;
                    along[j] += g * (double)((x[i] - mean) * inverse));
    const float level = (float)(mn_sum_of_lanes(lane) / (double)n),
                slope = (float)(mn_sum_of_lanes(along) / (double)n);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float g = scale != NULL ? scale[i] * dy[i] : dy[i];
        const float centred = g - level - (x[i] - mean) * inverse * slope;
        dx[i] = (add ? dx[i] : 0) + inverse * centred;
    }
}

void mn_kernel_layer_norm_backward(const mn_layer_norm_rows *r, const float *x, const float *scale,
                                   const float *dy, float *dx, bool add)
{
    const int64_t n = r->columns;
    MN_SHARED_LOOP(
        i, r->rows, MN_COSTLY * r->rows * n >= MN_LARGE,
        row_backward(n, x + i * n, r->mean[i], r->inverse[i], scale, dy + i * n, dx + i * n, add));
}

enum { BLOCK = 48 }; /* columns whose two sums stay in registers */

/* Of up to BLOCK columns, the sums over all rows of dy, and of dy times the normalised rows. */
MN_CLONES static void block_slopes(const mn_layer_norm_rows *r, int64_t width, const float *x,
                                   const float *dy, double of_shift[BLOCK], double of_scale[BLOCK])
{
    double shift[BLOCK] = {0}, scale[BLOCK] = {0};
    for (int64_t i = 0; i < r->rows; i++, x += r->columns, dy += r->columns) {
        const float mean = r->mean[i], inverse = r->inverse[i];
        if (width == BLOCK) /* the sums stay in registers */
            for (int64_t j = 0; j < BLOCK; j++) {
                shift[j] += (double)dy[j];
                scale[j] += (double)dy[j] * (double)((x[j] - mean) * inverse);
            }
        else
            for (int64_t j = 0; j < width; j++) {
                shift[j] += (double)dy[j];
                scale[j] += (double)dy[j] * (double)((x[j] - mean) * inverse);
            }
    }
    for (int64_t j = 0; j < BLOCK; j++) {
        of_shift[j] = shift[j];
        of_scale[j] = scale[j];
    }
}

static void add_sums(int64_t n, const double *sum, float *to, bool add)
{
    for (int64_t j = 0; to != NULL && j < n; j++)
        to[j] = (add ? to[j] : 0) + (float)sum[j];
}

void mn_kernel_layer_norm_parameters_backward(const mn_layer_norm_rows *r, const float *x,
                                              const float *dy, float *dscale, bool add_scale,
                                              float *dshift, bool add_shift)
{
    const int64_t n = r->columns;
    MN_SHARED_LOOP(i, (n + BLOCK - 1) / BLOCK, MN_COSTLY * r->rows * n >= MN_LARGE, {
        const int64_t first = i * BLOCK, width = n - first < BLOCK ? n - first : BLOCK;
        double of_shift[BLOCK], of_scale[BLOCK];
        block_slopes(r, width, x + first, dy + first, of_shift, of_scale);
        add_sums(width, of_scale, dscale != NULL ? dscale + first : NULL, add_scale);
        add_sums(width, of_shift, dshift != NULL ? dshift + first : NULL, add_shift);
    });
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
