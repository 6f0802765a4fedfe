/* kernels.h -- the table of kernels a device provides.
 *
 * cpu/ implements it; another device is a folder beside cpu/ with the same functions.  Pointers
 * are addresses in the device's memory: the floors above pass them on and add offsets, and never
 * look through them.  Matrices are plain row-major.  A kernel cannot fail and does nothing when
 * there is nothing to do (a count of 0).
 *
 * `add` says whether a result is added to what is there or replaces it; replacing never reads, so
 * a gradient's first contribution needs no zeros under it.  Sums are made in double, in an order
 * that depends on shapes alone.
 */
#ifndef MN_TENSOR_KERNELS_H
#define MN_TENSOR_KERNELS_H

#include "tensor/functions.h"
#include <mneme/tensor.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- bursts --- */
/* Many kernels follow each other from the beginning to the end: what a device has to do about each
 * of them, it may do once for all.  Bursts may lie in each other; every thread has its own. */
void mn_kernels_begin(void);
void mn_kernels_end(void);

/* --- memory --- */
void mn_kernel_upload(void *to_device, const void *from_host, size_t bytes);
void mn_kernel_download(void *to_host, const void *from_device, size_t bytes);

/* --- matrices: c (m,n) = op(a) (m,k) op(b) (k,n), where op may transpose --- */
void mn_kernel_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                    const float *a, const float *b, float *c, bool add);
/* As many products of equal sizes, one after the other in memory. */
void mn_kernel_batched_gemm(int64_t count, bool transpose_a, bool transpose_b, int64_t m, int64_t n,
                            int64_t k, const float *a, const float *b, float *c, bool add);
/* MN_NO_MEMORY where a product of this process was made otherwise than it is with more memory. */
mn_status mn_kernels_check(void);
void mn_kernel_transpose(int64_t rows, int64_t columns, const float *x, float *y, bool add);

/* --- elementwise; y may be x --- */
void mn_kernel_fill(int64_t n, float value, float *y);
void mn_kernel_zero(size_t bytes, void *y); /* of any type */
/* y = a x + b y; with b = 0, y is not read */
void mn_kernel_axpby(int64_t n, float a, const float *x, float b, float *y);
/* z = a x + b y */
void mn_kernel_sum_of(int64_t n, float a, const float *x, float b, const float *y, float *z);
/* z = max(0, x + y) */
void mn_kernel_add_relu(int64_t n, const float *x, const float *y, float *z);
/* z = x y */
void mn_kernel_mul(int64_t n, const float *x, const float *y, float *z);
/* z (+)= a x y */
void mn_kernel_mul_add(int64_t n, float a, const float *x, const float *y, float *z, bool add);
/* z = x / y */
void mn_kernel_div(int64_t n, const float *x, const float *y, float *z);
/* z += a w (x - x0) */
void mn_kernel_pull(int64_t n, float a, const float *w, const float *x, const float *x0, float *z);
/* y = x < least ? 0 : x, each element with a least of its own */
void mn_kernel_threshold_by(int64_t n, const float *x, const float *least, float *y);
/* dx (+)= dy where x is not below its least */
void mn_kernel_threshold_by_backward(int64_t n, const float *x, const float *least, const float *dy,
                                     float *dx, bool add);
/* z (+)= a (x - y) */
void mn_kernel_difference(int64_t n, float a, const float *x, const float *y, float *z, bool add);

void mn_kernel_map(mn_function function, int64_t n, float a, float b, const float *x, float *y);
/* dx (+)= dy f'(x), from the x and y of the forward */
void mn_kernel_map_backward(mn_function function, int64_t n, float a, float b, const float *x,
                            const float *y, const float *dy, float *dx, bool add);

/* --- reductions --- */
double mn_kernel_sum(int64_t n, const float *x);
double mn_kernel_dot(int64_t n, const float *x, const float *y);
double mn_kernel_squared_distance(int64_t n, const float *x, const float *y); /* |x - y|^2 */

/* --- rows: x is (rows, columns) --- */
void mn_kernel_fill_rows(int64_t rows, int64_t columns, const float *row, float *y);
void mn_kernel_column_sums(int64_t rows, int64_t columns, const float *x, float *y, bool add);
void mn_kernel_row_sums(int64_t rows, int64_t columns, const float *x, float *y);
/* dx (+)= dy of its row */
void mn_kernel_row_sums_backward(int64_t rows, int64_t columns, const float *dy, float *dx,
                                 bool add);
/* The first of the largest; `where` (rows) is its column. */
void mn_kernel_row_max(int64_t rows, int64_t columns, const float *x, float *y, int32_t *where);
void mn_kernel_row_max_backward(int64_t rows, int64_t columns, const int32_t *where,
                                const float *dy, float *dx, bool add);
/* y (rows, k): the k largest in falling order, of equals the first; `where` (rows, k): columns. */
void mn_kernel_row_top(int64_t rows, int64_t columns, int64_t k, const float *x, float *y,
                       int32_t *where);
void mn_kernel_row_top_backward(int64_t rows, int64_t columns, int64_t k, const int32_t *where,
                                const float *dy, float *dx, bool add);
/* y of row i = x of row index[i]; the index lies in host memory. */
void mn_kernel_gather_rows(int64_t count, int64_t columns, const int64_t *index, const float *x,
                           float *y);
/* y of row index[i] += x of row i, in the order of i */
void mn_kernel_scatter_rows(int64_t count, int64_t columns, const int64_t *index, const float *x,
                            float *y);
/* y = x in the columns kept and `value` in the others; `keep` (columns) lies in host memory */
void mn_kernel_mask_columns(int64_t rows, int64_t columns, const bool *keep, float value,
                            const float *x, float *y);
/* dx (+)= dy in the columns kept, and nothing in the others */
void mn_kernel_mask_columns_backward(int64_t rows, int64_t columns, const bool *keep,
                                     const float *dy, float *dx, bool add);
/* y (rows, columns), of rows that lie `y_step` floats apart, (+)= x, of rows `x_step` apart */
void mn_kernel_copy_block(int64_t rows, int64_t columns, const float *x, int64_t x_step, float *y,
                          int64_t y_step, bool add);

/* --- softmax and what is built on it --- */
void mn_kernel_softmax(int64_t rows, int64_t columns, const float *x, float *y);
void mn_kernel_softmax_backward(int64_t rows, int64_t columns, const float *y, const float *dy,
                                float *dx, bool add);
void mn_kernel_log_softmax(int64_t rows, int64_t columns, const float *x, float *y);
void mn_kernel_log_softmax_backward(int64_t rows, int64_t columns, const float *y, const float *dy,
                                    float *dx, bool add);
/* x / max(|x|_2, 1e-12) of each row; `norms` (rows) are those maxima. */
void mn_kernel_row_normalise(int64_t rows, int64_t columns, const float *x, float *y, float *norms);
void mn_kernel_row_normalise_backward(int64_t rows, int64_t columns, const float *y,
                                      const float *norms, const float *dy, float *dx, bool add);

/* A softmax over `count` columns from `first` of x (rows, columns), its probabilities (rows,
 * count), and -sum_i log probability[i][label_i - first].  Labels lie in host memory. */
double mn_kernel_cross_entropy(int64_t rows, int64_t columns, int64_t first, int64_t count,
                               const float *x, const int32_t *labels, float *probabilities);
/* dx (+)= a (probabilities - onehot) in those columns, 0 in the others */
void mn_kernel_cross_entropy_backward(int64_t rows, int64_t columns, int64_t first, int64_t count,
                                      const float *probabilities, const int32_t *labels, float a,
                                      float *dx, bool add);
/* sum_i d_i with d_i = sum_k p log(p / q), p and q the softmaxes of teacher / T and student / T;
 * p, q (rows, columns) and the rows' divergences d (rows) are kept for the backward. */
double mn_kernel_kl(int64_t rows, int64_t columns, float temperature, const float *student,
                    const float *teacher, float *p, float *q, float *d);
/* dx (+)= a p (log(p / q) - d): the teacher's side; the student's is a difference q - p. */
void mn_kernel_kl_teacher_backward(int64_t rows, int64_t columns, float a, const float *p,
                                   const float *q, const float *d, float *dx, bool add);

/* sum of -t log s(x) - (1 - t) log(1 - s(x)), s the logistic function */
double mn_kernel_binary_cross_entropy(int64_t n, const float *x, const float *target);
/* dx (+)= a (s(x) - t) */
void mn_kernel_binary_cross_entropy_backward(int64_t n, float a, const float *x,
                                             const float *target, float *dx, bool add);

/* --- batch normalisation over the rows --- */
/* mean and variance (biased) of each column */
void mn_kernel_column_moments(int64_t rows, int64_t columns, const float *x, float *mean,
                              float *variance);
/* xhat = (x - mean) / sqrt(variance + epsilon), inverse (columns) = 1 / that root;
 * y = scale xhat + shift, either of which may be NULL */
void mn_kernel_normalise(int64_t rows, int64_t columns, const float *x, const float *mean,
                         const float *variance, float epsilon, const float *scale,
                         const float *shift, float *inverse, float *xhat, float *y);
/* y (columns) (+)= the column sums of dy xhat */
void mn_kernel_normalise_scale_backward(int64_t rows, int64_t columns, const float *xhat,
                                        const float *dy, float *dscale, bool add);
/* With `batch` the statistics are the batch's own, and the gradient flows through them, too. */
void mn_kernel_normalise_backward(int64_t rows, int64_t columns, bool batch, const float *xhat,
                                  const float *inverse, const float *scale, const float *dy,
                                  float *dx, bool add);
/* running = (1 - momentum) running + momentum factor now */
void mn_kernel_running(int64_t n, double momentum, double factor, const float *now, float *running);

/* --- optimiser steps on n parameters w with gradient g --- */
typedef struct mn_sgd_step {
    float rate, momentum, weight_decay;
    bool nesterov;
    bool first; /* the velocity starts as the gradient, as PyTorch's does: nothing is read */
} mn_sgd_step;
/* g' = g + weight_decay w; v = momentum v + g'; w -= rate (nesterov ? g' + momentum v : v).
 * `velocity` may be NULL when momentum is 0. */
void mn_kernel_sgd_step(int64_t n, const mn_sgd_step *step, const float *g, float *velocity,
                        float *w);

/* v = momentum v - rate (g + weight_decay w); w += v: the rate is part of the velocity, so that a
 * change of it leaves earlier steps' share as it was. */
void mn_kernel_velocity_step(int64_t n, float momentum, float rate, float weight_decay,
                             const float *g, float *velocity, float *w);

typedef struct mn_adam_step {
    float rate, beta1, beta2, epsilon, weight_decay;
    int64_t number; /* of this step, from 1: for the bias correction */
    bool rectified; /* RAdam */
    bool decoupled; /* AdamW */
} mn_adam_step;
/* Kingma and Ba 2015, with weight decay added to the gradient, as PyTorch's Adam does; decoupled
 * (Loshchilov and Hutter 2019), w shrinks by rate weight_decay first.  Rectified (Liu et al. 2020):
 * the step waits for the variance to be known, until then it is the mean alone. */
void mn_kernel_adam_step(int64_t n, const mn_adam_step *step, const float *g, float *first_moment,
                         float *second_moment, float *w);

/* --- what a run should know about the device --- */
/* MN_UNSUPPORTED unless convolutions in that type are faster than in f32. */
mn_status mn_kernels_precision(mn_dtype dtype);
const char *mn_kernels_versions(void);        /* "oneDNN 2.6.3, OpenBLAS 0.3.21 ..." */
const char *mn_kernels_instruction_set(void); /* the best that is used: "avx512" */
/* The best that oneDNN uses, which $ONEDNN_MAX_CPU_ISA may lower: "avx512_core_amx". */
const char *mn_kernels_onednn_instruction_set(void);

#endif
