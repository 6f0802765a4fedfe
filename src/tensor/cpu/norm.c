/* norm.c -- batch normalisation over the rows of a matrix (Ioffe and Szegedy 2015).
 *
 * Statistics are sums of doubles; the variance is that of the differences from the mean, which
 * loses no digits where the mean is large. */
#include "tensor/kernels.h"

#include <math.h>
#include <stddef.h>

void mn_kernel_column_moments(int64_t rows, int64_t columns, const float *x, float *mean,
                              float *variance)
{
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += (double)x[i * columns + j];
        const double middle = rows > 0 ? sum / (double)rows : 0;
        for (int64_t i = 0; i < rows; i++) {
            const double away = (double)x[i * columns + j] - middle;
            squares += away * away;
        }
        mean[j] = (float)middle;
        variance[j] = rows > 0 ? (float)(squares / (double)rows) : 0;
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

void mn_kernel_normalise_scale_backward(int64_t rows, int64_t columns, const float *xhat,
                                        const float *dy, float *dscale, bool add)
{
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += (double)xhat[i * columns + j] * (double)dy[i * columns + j];
        dscale[j] = (float)sum + (add ? dscale[j] : 0);
    }
}

void mn_kernel_normalise_backward(int64_t rows, int64_t columns, bool batch, const float *xhat,
                                  const float *inverse, const float *scale, const float *dy,
                                  float *dx, bool add)
{
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0, along = 0; /* of dy, and of dy xhat */
        for (int64_t i = 0; batch && i < rows; i++) {
            sum += (double)dy[i * columns + j];
            along += (double)dy[i * columns + j] * (double)xhat[i * columns + j];
        }
        const float mean = rows > 0 ? (float)(sum / (double)rows) : 0;
        const float slope = rows > 0 ? (float)(along / (double)rows) : 0;
        const float factor = (scale != NULL ? scale[j] : 1) * inverse[j];
        for (int64_t i = 0; i < rows; i++) {
            const int64_t at = i * columns + j;
            dx[at] = factor * (dy[at] - mean - xhat[at] * slope) + (add ? dx[at] : 0);
        }
    }
}

void mn_kernel_running(int64_t n, double momentum, double factor, const float *now, float *running)
{
    for (int64_t i = 0; i < n; i++)
        running[i] =
            (float)((1 - momentum) * (double)running[i] + momentum * factor * (double)now[i]);
}
