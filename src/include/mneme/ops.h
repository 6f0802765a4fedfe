/* ops.h -- arithmetic on a tape (autograd.h has the tape, and the letters in shapes).
 */
#ifndef MNEME_OPS_H
#define MNEME_OPS_H

#include <mneme/autograd.h>
#include <mneme/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- arithmetic; operands have equal shapes --------------------------------------------------- */
MN_API mn_var *mn_add(mn_var *x, mn_var *y);                          /* x + y                   */
MN_API mn_var *mn_sub(mn_var *x, mn_var *y);                          /* x - y                   */
MN_API mn_var *mn_mul(mn_var *x, mn_var *y);                          /* x y, elementwise        */
MN_API mn_var *mn_scale(mn_var *x, double a);                         /* a x                     */
MN_API mn_var *mn_shift(mn_var *x, double a);                         /* x + a                   */
MN_API mn_var *mn_axpby(double a, mn_var *x, double b, mn_var *y);    /* a x + b y               */
MN_API mn_var *mn_matmul(mn_var *x, mn_var *y);                       /* (M,K) (K,N) -> (M,N)    */
/* PyTorch's linear: x (B,I), weight (O,I), bias (O) or NULL -> x weight^T + bias (B,O). */
MN_API mn_var *mn_linear(mn_var *x, mn_var *weight, mn_var *bias);
MN_API mn_var *mn_relu(mn_var *x);                                    /* max(0, x)               */
MN_API mn_var *mn_leaky_relu(mn_var *x, double slope);                /* x > 0 ? x : slope x     */
MN_API mn_var *mn_square(mn_var *x);
MN_API mn_var *mn_sqrt(mn_var *x);                                    /* gradient 0 where x is 0 */
MN_API mn_var *mn_exp(mn_var *x);
MN_API mn_var *mn_log(mn_var *x);
MN_API mn_var *mn_clamp(mn_var *x, double low, double high);          /* gradient 0 outside      */
MN_API mn_var *mn_threshold(mn_var *x, double least);                 /* x < least ? 0 : x       */
MN_API mn_var *mn_hinge(mn_var *x, double margin);                    /* max(0, margin - x)      */
MN_API mn_var *mn_sigmoid(mn_var *x);                                 /* 1 / (1 + exp(-x))     */
MN_API mn_var *mn_softplus(mn_var *x);                                /* log(1 + exp(x))       */
MN_API mn_var *mn_abs(mn_var *x);                                     /* gradient 0 where x is 0 */
/* x times the standard normal's mass below x (Hendrycks and Gimpel 2016), and its tanh form:
 * x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
MN_API mn_var *mn_gelu(mn_var *x);
MN_API mn_var *mn_gelu_tanh(mn_var *x);
/* op(x_g) op(y_g) for each g, where op may transpose: (G,M,K) (G,K,N) -> (G,M,N). */
MN_API mn_var *mn_batched_matmul(mn_var *x, mn_var *y, bool transpose_x, bool transpose_y);
MN_API mn_var *mn_sum(mn_var *x);                                     /* -> scalar               */
MN_API mn_var *mn_mean(mn_var *x);                                    /* -> scalar; 0 when empty */
MN_API mn_var *mn_row_sum(mn_var *x);                                 /* (B,K) -> (B)            */
MN_API mn_var *mn_row_max(mn_var *x);                                 /* (B,K) -> (B)            */
MN_API mn_var *mn_row_top(mn_var *x, int64_t k);  /* (B,K) -> (B,k): its k largest, falling    */
/* The column of each row's largest, of equals the first, as a number: (B,K) -> (B).  Constant. */
MN_API mn_var *mn_row_argmax(mn_var *x);
/* 1 + how many of its row are larger, so that equals share the least rank: (B,K) -> (B,K).  Constant. */
MN_API mn_var *mn_row_ranks(mn_var *x);
/* How often each whole number from 0 to bins - 1 is in a row, (B,K) -> (B,bins).  Constant. */
MN_API mn_var *mn_histogram_rows(mn_var *x, int64_t bins);
MN_API mn_var *mn_softmax(mn_var *x);                    /* over the last axis of any shape */
MN_API mn_var *mn_log_softmax(mn_var *x);
MN_API mn_var *mn_row_normalise(mn_var *x);                           /* x / max(|x|_2, 1e-12)   */
/* The cosine of each row of x with each row of y: (B,K) and (C,K) -> (B,C); 0 with a row of zeros. */
MN_API mn_var *mn_cosines(mn_var *x, mn_var *y);
MN_API mn_var *mn_row_norm(mn_var *x);       /* |x|_2 of each row, (B,...) -> (B); gradient 0 at 0 */
/* |x - y|_2 of each row, (B,K) and (B,K) -> (B); 0, with gradient 0, up to 1e-5 |y|_2: so far apart
 * rounding may put equal rows, in a direction that means nothing. */
MN_API mn_var *mn_row_distance(mn_var *x, mn_var *y);

/* --- along axes ------------------------------------------------------------------------------- */
/* x + y and x y, with y repeated along x: its axes count from the last, and each has x's size or 1.
 * A row (K) for every row of (B,K), a column (B,1), channels (C,1,1) of images. */
MN_API mn_var *mn_broadcast_add(mn_var *x, mn_var *y);
MN_API mn_var *mn_broadcast_mul(mn_var *x, mn_var *y);
/* Along one axis, which is gone from the result.  The variance divides by the axis' size, or, where
 * it is unbiased, by 1 less. */
MN_API mn_var *mn_sum_axis(mn_var *x, int axis);
MN_API mn_var *mn_mean_axis(mn_var *x, int axis);
MN_API mn_var *mn_variance_axis(mn_var *x, int axis, bool unbiased);

/* --- shape ------------------------------------------------------------------------------------ */
MN_API mn_var *mn_reshape(mn_var *x, mn_shape shape);
MN_API mn_var *mn_transpose(mn_var *x);                               /* (M,N) -> (N,M)          */
/* Axis i of the result is axis axes[i] of x; as many as x has, each once. */
MN_API mn_var *mn_permute(mn_var *x, const int *axes);
MN_API mn_var *mn_rows(mn_var *x, int64_t first, int64_t count);      /* of axis 0               */
MN_API mn_var *mn_columns(mn_var *x, int64_t first, int64_t count);   /* of axis 1 of (B,K)      */
MN_API mn_var *mn_slice(mn_var *x, int axis, int64_t first, int64_t count);
MN_API mn_var *mn_concat(mn_var *const *x, int n, int axis);
MN_API mn_var *mn_concat_rows(mn_var *const *x, int n);
MN_API mn_var *mn_concat_columns(mn_var *const *x, int n);
MN_API mn_var *mn_gather_rows(mn_var *x, const int64_t *index, int64_t count); /* may repeat */
/* The rows whose mark is true (labelled rows, say); `keep` has one mark a row. */
MN_API mn_var *mn_rows_where(mn_var *x, const bool *keep);

/* x (B,K) with `value` in every column whose mark is false; `keep` has one mark a column. */
MN_API mn_var *mn_mask_columns(mn_var *x, const bool *keep, double value);
/* The same with one mark an element, for x of any shape: a softmax without each row's own class. */
MN_API mn_var *mn_mask_elements(mn_var *x, const bool *keep, double value);

/* --- at random ---------------------------------------------------------------------------------- */
/* Each element, or each row of axis 0, becomes 0 with probability `rate` and is divided by 1 - rate
 * else.  In training; equal keys drop the same (mn_strategy_key()). */
MN_API mn_var *mn_dropout(mn_var *x, double rate, mn_key key);
MN_API mn_var *mn_drop_rows(mn_var *x, double rate, mn_key key);

/* --- normalisation ---------------------------------------------------------------------------- */
typedef enum mn_norm_mode {
    MN_NORM_BATCH,        /* statistics of the batch; the running ones are updated */
    MN_NORM_BATCH_FROZEN, /* statistics of the batch; the running ones are left alone */
    MN_NORM_RUNNING,      /* the running statistics, held constant */
} mn_norm_mode;
/* x (B,K), scale and shift (K) or NULL; running mean and variance (K) move by `momentum` towards
 * the batch's (PyTorch's rule: unbiased variance).  One row has no variance: MN_BAD_VALUE where the
 * batch's statistics are asked for. */
MN_API mn_var *mn_batch_norm(mn_var *x, mn_var *scale, mn_var *shift, mn_tensor *running_mean,
                             mn_tensor *running_variance, mn_norm_mode mode, double momentum,
                             double epsilon);

/* Each row brought to mean 0 and variance 1 along the last axis, of size K (Ba et al. 2016,
 * arXiv 1607.06450): scale (x - mean) / sqrt(variance + epsilon) + shift, both (K) or NULL. */
MN_API mn_var *mn_layer_norm(mn_var *x, mn_var *scale, mn_var *shift, double epsilon);

#ifdef __cplusplus
}
#endif
#endif
