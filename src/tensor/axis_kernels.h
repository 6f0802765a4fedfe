/* axis_kernels.h -- the kernels of operations along axes; the rules of kernels.h hold. */
#ifndef MN_TENSOR_AXIS_KERNELS_H
#define MN_TENSOR_AXIS_KERNELS_H

#include <mneme/tensor.h>
#include <stdbool.h>
#include <stdint.h>

/* How an array y lies along the axes of an array x, which is plain: `step` is by how many elements
 * of y one goes on along each axis of x, 0 where y is repeated. */
typedef struct mn_spread {
    int rank; /* at least 1 */
    int64_t size[MN_MAX_RANK], step[MN_MAX_RANK];
} mn_spread;

/* The same walk in as few axes as it can be written with. */
mn_spread mn_spread_of(mn_shape shape, const int64_t step[MN_MAX_RANK]);

/* z = x + a y; z and x are plain, z may be x, and a NULL x counts as zeros. */
void mn_kernel_spread_add(const mn_spread *s, float a, const float *x, const float *y, float *z);
/* z (+)= a x y */
void mn_kernel_spread_mul(const mn_spread *s, float a, const float *x, const float *y, float *z,
                          bool add);
/* y (+)= a times the sum of x w along what y is repeated along; y is plain but for that, and a NULL
 * w counts as ones. */
void mn_kernel_spread_sums(const mn_spread *s, float a, const float *x, const float *w, float *y,
                           bool add);

/* --- layer normalisation of the rows of x (rows, columns) --- */
typedef struct mn_layer_norm_rows {
    int64_t rows, columns;
    float *mean, *inverse; /* (rows): of each row, and 1 / sqrt(variance + epsilon) */
} mn_layer_norm_rows;
/* y = scale (x - mean) inverse + shift, both (columns) or NULL; writes mean and inverse. */
void mn_kernel_layer_norm(const mn_layer_norm_rows *r, float epsilon, const float *x,
                          const float *scale, const float *shift, float *y);
void mn_kernel_layer_norm_backward(const mn_layer_norm_rows *r, const float *x, const float *scale,
                                   const float *dy, float *dx, bool add);
/* dscale (columns) (+)= the sum over rows of dy (x - mean) inverse, dshift that of dy; either may
 * be NULL. */
void mn_kernel_layer_norm_parameters_backward(const mn_layer_norm_rows *r, const float *x,
                                              const float *dy, float *dscale, bool add_scale,
                                              float *dshift, bool add_shift);

/* --- rows of x (rows, columns): columns, counts and lengths --- */
/* The column that mn_kernel_row_max() finds, as a number. */
void mn_kernel_row_argmax(int64_t rows, int64_t columns, const float *x, float *y);
/* y (rows, columns): 1 + how many of the row are larger */
void mn_kernel_row_ranks(int64_t rows, int64_t columns, const float *x, float *y);
/* y (rows, bins): how often each whole number from 0 on is in a row of x; false where one is not
 * below `bins`, which is then *stray. */
bool mn_kernel_histogram_rows(int64_t rows, int64_t columns, int64_t bins, const float *x, float *y,
                              float *stray);
void mn_kernel_row_norms(int64_t rows, int64_t columns, const float *x, float *y);
/* dx (+)= dy x / y of each row; nothing where y is 0 */
void mn_kernel_row_norms_backward(int64_t rows, int64_t columns, const float *x, const float *y,
                                  const float *dy, float *dx, bool add);

#endif
