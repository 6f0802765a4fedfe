/* norm.c -- batch normalisation over the rows of a matrix (Ioffe and Szegedy 2015).
 *
 * Statistics are sums of doubles, of BLOCK columns at a time, so that memory is read row by row;
 * the variance is that of the differences from the mean, which loses no digits where the mean is
 * large. */
#include "base/clones.h"
#include "tensor/kernels.h"

#include <math.h>
#include <stddef.h>

enum { BLOCK = 64 };

static int64_t width_at(int64_t first, int64_t columns)
{
    return columns - first < BLOCK ? columns - first : BLOCK;
}

static void divide(int64_t n, double *sum, int64_t rows)
{
    for (int64_t j = 0; j < n; j++)
        sum[j] = rows > 0 ? sum[j] / (double)rows : 0;
}

MN_CLONES void mn_kernel_column_moments(int64_t rows, int64_t columns, const float *x, float *mean,
                                        float *variance)
{
    for (int64_t first = 0; first < columns; first += BLOCK) {
        const int64_t width = width_at(first, columns);
        double sum[BLOCK] = {0}, squares[BLOCK] = {0};
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < width; j++)
                sum[j] += (double)x[i * columns + first + j];
        divide(width, sum, rows);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < width; j++) {
                const double away = (double)x[i * columns + first + j] - sum[j];
                squares[j] += away * away;
            }
        divide(width, squares, rows);
        for (int64_t j = 0; j < width; j++) {
            mean[first + j] = (float)sum[j];
            variance[first + j] = (float)squares[j];
        }
    }
}

void mn_kernel_normalise(int64_t rows, int64_t columns, const float *x, const float *mean,
                         const float *variance, float epsilon, const float *scale,
                         const float *shift, float *inverse, float *xhat, float *y)
{
    for (int64_t j = 0; j < columns; j++)
        inverse[j] = 1 / sqrtf(variance[j] + epsilon);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t at = i * columns + j;
            xhat[at] = (x[at] - mean[j]) * inverse[j];
            y[at] =
                (scale != NULL ? scale[j] * xhat[at] : xhat[at]) + (shift != NULL ? shift[j] : 0);
        }
}

/* Sums over the rows of dy and of dy xhat, `width` columns from `first`. */
MN_CLONES static void slopes(int64_t rows, int64_t columns, int64_t first, int64_t width,
                             const float *xhat, const float *dy, double *sum, double *along)
{
    for (int64_t j = 0; j < width; j++)
        sum[j] = along[j] = 0;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < width; j++) {
            const int64_t at = i * columns + first + j;
            sum[j] += (double)dy[at];
            along[j] += (double)dy[at] * (double)xhat[at];
        }
}

void mn_kernel_normalise_scale_backward(int64_t rows, int64_t columns, const float *xhat,
                                        const float *dy, float *dscale, bool add)
{
    for (int64_t first = 0; first < columns; first += BLOCK) {
        const int64_t width = width_at(first, columns);
        double sum[BLOCK], along[BLOCK];
        slopes(rows, columns, first, width, xhat, dy, sum, along);
        for (int64_t j = 0; j < width; j++)
            dscale[first + j] = (float)along[j] + (add ? dscale[first + j] : 0);
    }
}

void mn_kernel_normalise_backward(int64_t rows, int64_t columns, bool batch, const float *xhat,
                                  const float *inverse, const float *scale, const float *dy,
                                  float *dx, bool add)
{
    for (int64_t first = 0; first < columns; first += BLOCK) {
        const int64_t width = width_at(first, columns);
        double mean[BLOCK], slope[BLOCK]; /* stay 0 where the statistics are constants */
        slopes(batch ? rows : 0, columns, first, width, xhat, dy, mean, slope);
        divide(width, mean, rows);
        divide(width, slope, rows);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < width; j++) {
                const int64_t k = first + j, at = i * columns + k;
                const float factor = (scale != NULL ? scale[k] : 1) * inverse[k];
                const float centred = dy[at] - (float)mean[j] - xhat[at] * (float)slope[j];
                dx[at] = factor * centred + (add ? dx[at] : 0);
            }
    }
}

void mn_kernel_running(int64_t n, double momentum, double factor, const float *now, float *running)
{
    for (int64_t i = 0; i < n; i++)
        running[i] =
            (float)((1 - momentum) * (double)running[i] + momentum * factor * (double)now[i]);
}
