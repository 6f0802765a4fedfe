/* reduce.c -- sums, over everything, over rows and over columns. */
#include "base/clones.h"
#include "tensor/axis_kernels.h"
#include "tensor/cpu/lanes.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <math.h>

/* sum over i in [0, n) of term, an expression in i */
#define LANED_SUM(term)                                                                            \
    double lane[MN_LANES] = {0};                                                                   \
    MN_IN_LANES(n, lane[j] += (term));                                                             \
    return mn_sum_of_lanes(lane)

MN_CLONES double mn_kernel_sum(int64_t n, const float *x)
{
    LANED_SUM((double)x[i]);
}

MN_CLONES double mn_kernel_dot(int64_t n, const float *x, const float *y)
{
    LANED_SUM((double)x[i] * (double)y[i]);
}

MN_CLONES double mn_kernel_squared_distance(int64_t n, const float *x, const float *y)
{
    LANED_SUM(((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]));
}

void mn_kernel_fill_rows(int64_t rows, int64_t columns, const float *row, float *y)
{
    MN_SHARED_LOOP(i, rows, rows * columns >= MN_LARGE,
                   mn_kernel_axpby(columns, 1, row, 0, y + i * columns));
}

/* Columns are taken BLOCK at a time, so that the sums stay in registers or the first cache. */
enum { BLOCK = 64 };

MN_CLONES static void block_sums(int64_t rows, int64_t columns, int64_t width, const float *x,
                                 float *y, bool add)
{
    double sum[BLOCK] = {0};
    if (width == BLOCK)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < BLOCK; j++)
                sum[j] += (double)x[i * columns + j];
    else
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < width; j++)
                sum[j] += (double)x[i * columns + j];
    for (int64_t j = 0; j < width; j++)
        y[j] = (float)sum[j] + (add ? y[j] : 0);
}

void mn_kernel_column_sums(int64_t rows, int64_t columns, const float *x, float *y, bool add)
{
    MN_SHARED_LOOP(i, (columns + BLOCK - 1) / BLOCK, rows * columns >= MN_LARGE, {
        const int64_t first = i * BLOCK;
        block_sums(rows, columns, columns - first < BLOCK ? columns - first : BLOCK, x + first,
                   y + first, add);
    });
}

void mn_kernel_row_sums(int64_t rows, int64_t columns, const float *x, float *y)
{
    for (int64_t i = 0; i < rows; i++)
        y[i] = (float)mn_kernel_sum(columns, x + i * columns);
}

void mn_kernel_row_sums_backward(int64_t rows, int64_t columns, const float *dy, float *dx,
                                 bool add)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            float *to = &dx[i * columns + j];
            *to = dy[i] + (add ? *to : 0);
        }
}

/* The first of the largest.  A NaN wins, so that it is not hidden. */
MN_CLONES static int64_t place_of_largest(int64_t n, const float *x)
{
    float lane[MN_LANES], most = -INFINITY;
    int unknown[MN_LANES] = {0}, unknowns = 0;
    for (int j = 0; j < MN_LANES; j++)
        lane[j] = -INFINITY;
    MN_IN_LANES(n, lane[j] = x[i] > lane[j] ? x[i] : lane[j]; unknown[j] |= x[i] != x[i]);
    for (int j = 0; j < MN_LANES; j++) {
        most = lane[j] > most ? lane[j] : most;
        unknowns |= unknown[j];
    }
    int64_t place = 0;
    while (place < n - 1 && (unknowns ? !isnan(x[place]) : x[place] < most))
        place++;
    return place;
}

void mn_kernel_row_max(int64_t rows, int64_t columns, const float *x, float *y, int32_t *where)
{
    for (int64_t i = 0; i < rows; i++, x += columns) {
        const int64_t best = place_of_largest(columns, x);
        y[i] = x[best];
        where[i] = (int32_t)best;
    }
}

void mn_kernel_row_argmax(int64_t rows, int64_t columns, const float *x, float *y)
{
    MN_SHARED_LOOP(i, rows, MN_COSTLY * rows * columns >= MN_LARGE,
                   y[i] = (float)place_of_largest(columns, x + i * columns));
}

void mn_kernel_row_ranks(int64_t rows, int64_t columns, const float *x, float *y)
{
#pragma omp parallel for schedule(static) if (rows * columns * columns >= MN_LARGE)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            int64_t larger = 0;
            for (int64_t k = 0; k < columns; k++)
                larger += x[i * columns + k] > x[i * columns + j];
            y[i * columns + j] = (float)(1 + larger);
        }
}

bool mn_kernel_histogram_rows(int64_t rows, int64_t columns, int64_t bins, const float *x, float *y,
                              float *stray)
{
    mn_kernel_fill(rows * bins, 0, y);
    for (int64_t i = 0; i < rows; i++, x += columns, y += bins)
        for (int64_t j = 0; j < columns; j++) {
            if (!(x[j] >= 0 && x[j] < (float)bins && x[j] == floorf(x[j]))) {
                *stray = x[j];
                return false;
            }
            y[(int64_t)x[j]]++;
        }
    return true;
}

void mn_kernel_row_max_backward(int64_t rows, int64_t columns, const int32_t *where,
                                const float *dy, float *dx, bool add)
{
    if (!add)
        mn_kernel_fill(rows * columns, 0, dx);
    for (int64_t i = 0; i < rows; i++)
        dx[i * columns + where[i]] += dy[i];
}

/* Insertion into a short sorted list: k is small. */
void mn_kernel_row_top(int64_t rows, int64_t columns, int64_t k, const float *x, float *y,
                       int32_t *where)
{
    for (int64_t i = 0; i < rows; i++, x += columns, y += k, where += k)
        for (int64_t j = 0; j < columns; j++) {
            int64_t at = j < k ? j : k;
            for (; at > 0 && !(y[at - 1] >= x[j]); at--)
                if (at < k) {
                    y[at] = y[at - 1];
                    where[at] = where[at - 1];
                }
            if (at < k) {
                y[at] = x[j];
                where[at] = (int32_t)j;
            }
        }
}

void mn_kernel_row_top_backward(int64_t rows, int64_t columns, int64_t k, const int32_t *where,
                                const float *dy, float *dx, bool add)
{
    if (!add)
        mn_kernel_fill(rows * columns, 0, dx);
    for (int64_t i = 0; i < rows * k; i++)
        dx[i / k * columns + where[i]] += dy[i];
}

void mn_kernel_gather_rows(int64_t count, int64_t columns, const int64_t *index, const float *x,
                           float *y)
{
    MN_SHARED_LOOP(i, count, count > 1 && count * columns >= MN_LARGE,
                   mn_kernel_axpby(columns, 1, x + index[i] * columns, 0, y + i * columns));
}

void mn_kernel_scatter_rows(int64_t count, int64_t columns, const int64_t *index, const float *x,
                            float *y)
{
    for (int64_t i = 0; i < count; i++)
        mn_kernel_axpby(columns, 1, x + i * columns, 1, y + index[i] * columns);
}

void mn_kernel_copy_block(int64_t rows, int64_t columns, const float *x, int64_t x_step, float *y,
                          int64_t y_step, bool add)
{
    MN_SHARED_LOOP(i, rows, rows > 1 && rows * columns >= MN_LARGE,
                   mn_kernel_axpby(columns, 1, x + i * x_step, add ? 1 : 0, y + i * y_step));
}

MN_CLONES static void mask_row(int64_t n, const bool *keep, float value, const float *x, float *y)
{
#pragma omp simd
    for (int64_t j = 0; j < n; j++)
        y[j] = keep[j] ? x[j] : value;
}

void mn_kernel_mask_columns(int64_t rows, int64_t columns, const bool *keep, float value,
                            const float *x, float *y)
{
    for (int64_t i = 0; i < rows; i++, x += columns, y += columns)
        MN_IN_PARTS(columns, mask_row(count, keep + at, value, x + at, y + at));
}

MN_CLONES static void mask_row_backward(int64_t n, const bool *keep, const float *dy, float *dx,
                                        bool add)
{
    if (add) {
#pragma omp simd
        for (int64_t j = 0; j < n; j++)
            dx[j] = (keep[j] ? dy[j] : 0) + dx[j];
    } else
        mask_row(n, keep, 0, dy, dx);
}

void mn_kernel_mask_columns_backward(int64_t rows, int64_t columns, const bool *keep,
                                     const float *dy, float *dx, bool add)
{
    for (int64_t i = 0; i < rows; i++, dy += columns, dx += columns)
        MN_IN_PARTS(columns, mask_row_backward(count, keep + at, dy + at, dx + at, add));
}
