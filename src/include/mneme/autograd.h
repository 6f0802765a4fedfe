/* autograd.h -- reverse-mode differentiation on an eager tape.
 *
 * A tape is one step of arithmetic.  Every value made on it, every saved intermediate and every
 * gradient lives in the tape's arena and dies together at mn_tape_reset(); nothing here is freed
 * one by one, and after the first step nothing is allocated.
 *
 * Errors are sticky.  The first op that cannot be carried out records why on its tape ("mse:
 * (32,10) vs (32,7) in replay"); every later op is a no-op whose result is safe to pass on.  So
 * expressions need no checks: ask once, at mn_backward().
 *
 * Letters in shapes: B rows of a batch, K columns, I inputs, O outputs.
 */
#ifndef MNEME_AUTOGRAD_H
#define MNEME_AUTOGRAD_H

#include <mneme/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_tape mn_tape;
typedef struct mn_var mn_var; /* a value on a tape; owned by the tape */

/* --- the tape --------------------------------------------------------------------------------- */
MN_API mn_status mn_tape_new(mn_tape **tape);
MN_API void mn_tape_free(mn_tape *tape);
MN_API void mn_tape_reset(mn_tape *tape);                     /* a new step: O(1), keeps memory */
MN_API void mn_tape_record(mn_tape *tape, bool gradients);    /* false: inference, no backward */
MN_API bool mn_tape_recording(const mn_tape *tape);
/* Convolutions, and the images between them, in MN_F32 (at first) or MN_BF16; parameters, statistics,
 * losses and all else stay f32.  MN_UNSUPPORTED on a processor that gains nothing by it. */
MN_API mn_status mn_tape_precision(mn_tape *tape, mn_dtype precision);
MN_API void mn_tape_scope(mn_tape *tape, const char *label);  /* named in errors; NULL ends it */
MN_API mn_status mn_tape_status(const mn_tape *tape);
MN_API const char *mn_tape_error(const mn_tape *tape);        /* "" while all is well */
/* Fails the tape with this thread's message, put after `what`; returns the poison to pass on. */
MN_API mn_var *mn_tape_refuse(mn_tape *tape, const char *what, mn_status status);
MN_API size_t mn_tape_bytes(const mn_tape *tape);             /* the arena's high-water mark */

/* --- bringing memory onto a tape; borrowed until the reset ------------------------------------ */
MN_API mn_var *mn_const(mn_tape *tape, const mn_tensor *value);
/* A parameter: backward adds into `gradient`, of the shape of `value`. */
MN_API mn_var *mn_leaf(mn_tape *tape, const mn_tensor *value, mn_tensor *gradient);
/* A copy of row-major floats.  With `differentiable`, mn_gradient_of() may ask for its gradient. */
MN_API mn_var *mn_input(mn_tape *tape, mn_shape shape, const float *elements, bool differentiable);
MN_API mn_var *mn_zeros(mn_tape *tape, mn_shape shape);
/* (count, classes): 1 at each row's label, 0 elsewhere. */
MN_API mn_var *mn_one_hot(mn_tape *tape, const int32_t *labels, int64_t count, int64_t classes);
MN_API mn_var *mn_detach(mn_var *x); /* the same values, through which no gradient flows */

/* --- reading ---------------------------------------------------------------------------------- */
MN_API mn_shape mn_shape_of(const mn_var *x);
MN_API int64_t mn_rows_of(const mn_var *x);       /* size of axis 0; 1 for a scalar */
MN_API double mn_item(const mn_var *scalar);      /* NaN once the tape has failed */
/* A plain row-major copy, valid until the reset; NULL once the tape has failed. */
MN_API const float *mn_host(mn_var *x);
/* The values into a tensor of as many bytes; the tape's failure, where it has failed. */
MN_API mn_status mn_store(mn_var *x, mn_tensor *tensor);
/* The same over the rows of a tensor from `first` on, which otherwise stays as it is.  Axes but the
 * first are equal. */
MN_API mn_status mn_store_rows(mn_var *x, mn_tensor *tensor, int64_t first);
MN_API mn_tape *mn_tape_of(const mn_var *x);

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
MN_API mn_var *mn_sum(mn_var *x);                                     /* -> scalar               */
MN_API mn_var *mn_mean(mn_var *x);                                    /* -> scalar; 0 when empty */
MN_API mn_var *mn_row_sum(mn_var *x);                                 /* (B,K) -> (B)            */
MN_API mn_var *mn_row_max(mn_var *x);                                 /* (B,K) -> (B)            */
MN_API mn_var *mn_row_top(mn_var *x, int64_t k);  /* (B,K) -> (B,k): its k largest, falling    */
MN_API mn_var *mn_softmax(mn_var *x);                                 /* over the rows of (B,K)  */
MN_API mn_var *mn_log_softmax(mn_var *x);
MN_API mn_var *mn_row_normalise(mn_var *x);                           /* x / max(|x|_2, 1e-12)   */

/* --- shape ------------------------------------------------------------------------------------ */
MN_API mn_var *mn_reshape(mn_var *x, mn_shape shape);
MN_API mn_var *mn_transpose(mn_var *x);                               /* (M,N) -> (N,M)          */
MN_API mn_var *mn_rows(mn_var *x, int64_t first, int64_t count);      /* of axis 0               */
MN_API mn_var *mn_columns(mn_var *x, int64_t first, int64_t count);   /* of axis 1 of (B,K)      */
MN_API mn_var *mn_concat_rows(mn_var *const *x, int n);
MN_API mn_var *mn_concat_columns(mn_var *const *x, int n);
MN_API mn_var *mn_gather_rows(mn_var *x, const int64_t *index, int64_t count); /* may repeat */
/* The rows whose mark is true (labelled rows, say); `keep` has one mark a row. */
MN_API mn_var *mn_rows_where(mn_var *x, const bool *keep);

/* x (B,K) with `value` in every column whose mark is false; `keep` has one mark a column. */
MN_API mn_var *mn_mask_columns(mn_var *x, const bool *keep, double value);

/* --- losses: scalars, means over the batch, 0 for an empty batch ------------------------------ */
/* -mean_i log softmax(logits_i)[label_i].  Labels are borrowed until backward; one outside 0..K-1,
 * -1 (unlabelled) among them, is MN_BAD_VALUE. */
MN_API mn_var *mn_cross_entropy(mn_var *logits, const int32_t *labels);
/* The same with a softmax over columns first..first+count-1 alone; labels lie in that range. */
MN_API mn_var *mn_cross_entropy_columns(mn_var *logits, const int32_t *labels, int64_t first,
                                        int64_t count);
MN_API mn_var *mn_mse(mn_var *x, mn_var *y); /* mean over all elements of (x - y)^2 */
/* Mean over all elements of -t log s(x) - (1 - t) log(1 - s(x)), s(x) = 1 / (1 + exp(-x)): each
 * logit against a target t of its own. */
MN_API mn_var *mn_binary_cross_entropy(mn_var *logits, mn_var *targets);
/* T^2 mean_i sum_k p log(p / q), p = softmax(teacher / T), q = softmax(student / T) (Hinton et al.
 * 2015).  Gradient flows to both unless the teacher is constant or detached. */
MN_API mn_var *mn_kl(mn_var *student, mn_var *teacher, double temperature);
/* Supervised contrastive loss (Khosla et al. 2020) of the rows of x (B,K), brought to length 1; a
 * row's positives are the others of its label.  One without positives adds 0. */
MN_API mn_var *mn_supervised_contrastive(mn_var *x, const int32_t *labels, double temperature);
/* Batch-hard triplets (Hermans et al. 2017): the mean of [margin + d(i, r-th farthest row of its
 * label) - d(i, r-th nearest of another)]+ over rows i of x (B,K) and r = 1..hardest for which both
 * exist, d squared distances; 0 where there are none.  Without `attract` the first d is left out. */
MN_API mn_var *mn_triplets(mn_var *x, const int32_t *labels, int64_t hardest, double margin,
                           bool attract);

/* --- nearest neighbours (Assran et al. 2021) ---------------------------------------------------- */
/* Softmax-weighted votes of supports (S,D) with label rows (S,K), for queries (B,D) -> (B,K):
 * softmax(q s^T / temperature) labels, q and s the rows brought to length 1. */
MN_API mn_var *mn_soft_neighbours(mn_var *queries, mn_var *supports, mn_var *labels,
                                  double temperature);
/* Rows of probabilities to the power 1 / temperature, brought to sum 1. */
MN_API mn_var *mn_sharpen(mn_var *probabilities, double temperature);
/* (1 - smoothing) y + smoothing / K, of one-hot rows y (B,K). */
MN_API mn_var *mn_smooth_labels(mn_var *one_hot, double smoothing);
/* -mean_i sum_k targets_ik log p_ik, for rows of probabilities p above 0. */
MN_API mn_var *mn_soft_cross_entropy(mn_var *probabilities, mn_var *targets);
/* sum_k m_k log m_k of the mean m of the rows: minus the entropy of that mean. */
MN_API mn_var *mn_mean_negentropy(mn_var *probabilities);

/* --- X-DER (Boschini et al. 2022); no gradient passes ------------------------------------------- */
/* `old` (B,K) with columns first..first+count-1 taken from `now`, so scaled in each row where their
 * largest is above old[label] that it becomes gamma old[label]; where that is not above 0, cut off
 * below it instead, or, with `reference`, scaled all the same, as the authors' code does. */
MN_API mn_var *mn_implant(mn_var *old, mn_var *now, const int32_t *labels, int64_t first,
                          int64_t count, double gamma, bool reference);
/* The corners of a regular simplex about 0 as columns of length 1: (classes - 1, classes). */
MN_API mn_var *mn_simplex(mn_tape *tape, int64_t classes);

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

/* --- differentiating -------------------------------------------------------------------------- */
/* Adds d loss / d parameter into every parameter's gradient.  Returns the tape's first failure. */
MN_API mn_status mn_backward(mn_var *loss);
/* The same, but gradients that would go into the slab `gradients` go to the same place of
 * `instead` (A-GEM's reference gradient, Fisher information). */
MN_API mn_status mn_backward_into(mn_var *loss, const mn_tensor *gradients, mn_tensor *instead);
/* For a loss that is a sum over the rows of a batch: adds to `squares`, at the place that each
 * parameter's gradient has in `gradients`, the sum over rows of the squares of that row's own
 * gradient (Fisher information), in one sweep.  MN_UNSUPPORTED, with nothing added and the tape as
 * good as before, where rows meet (statistics of a batch) or an op cannot tell the rows' shares of
 * a gradient apart: then take one row at a time. */
MN_API mn_status mn_backward_squares(mn_var *loss, const mn_tensor *gradients, mn_tensor *squares);
/* For a loss that is a sum over the rows of a batch: adds to products (B,B) the inner products of
 * every two rows' own gradients, over the parameters whose gradients lie in `gradients`, in one
 * sweep and without a gradient of any row.  MN_UNSUPPORTED as above. */
MN_API mn_status mn_backward_products(mn_var *loss, const mn_tensor *gradients,
                                      mn_tensor *products);
/* d loss / d input as a new constant; parameters' gradients are left alone. */
MN_API mn_var *mn_gradient_of(mn_var *loss, mn_var *input);

/* A scalar made of x on x's tape. */
typedef mn_var *mn_scalar_of(mn_var *x, void *context);
/* loss(d f / d x), a scalar in which the gradient itself stands (R1, penalties on gradients), and
 * whose own gradient flows to f's parameters and to x.  It is made of first-order sweeps alone:
 * with v = d loss / d g at g = d f / d x, the gradient is that of (f(x + e v) - f(x - e v)) / 2e,
 * as e v stays below 0.01 in every element; its error is of the order of e^2, or of e where a kink
 * lies between.  f runs three times and may not be random. */
MN_API mn_var *mn_loss_of_gradient(mn_scalar_of *f, mn_scalar_of *loss, void *context, mn_var *x);

/* --- a new differentiable op ------------------------------------------------------------------ */
/* An op is one static descriptor beside its three functions; a plugin's op is made the same way as
 * the built-in ones, on the flat arithmetic of tensor.h. */
typedef struct mn_node mn_node; /* one application of an op, as its functions see it */

typedef struct mn_op {
    const char *name;
    size_t attributes_bytes;                        /* copied from mn_apply()'s last argument */
    mn_status (*shape)(mn_node *node, mn_shape *out); /* checks the inputs, gives the output */
    mn_status (*forward)(mn_node *node);
    mn_status (*backward)(mn_node *node);           /* NULL: not differentiable */
} mn_op;

MN_API mn_var *mn_apply(const mn_op *op, mn_var *const *inputs, int n, const void *attributes);
MN_API int mn_node_inputs(const mn_node *node);
MN_API const void *mn_node_attributes(const mn_node *node);
MN_API const mn_tensor *mn_node_input(const mn_node *node, int i); /* NULL for an absent input */
MN_API mn_tensor *mn_node_output(mn_node *node);
MN_API const mn_tensor *mn_node_output_gradient(const mn_node *node);
/* Where backward adds; NULL when nobody wants it. */
MN_API mn_tensor *mn_node_input_gradient(mn_node *node, int i);
/* Scratch that lives until the reset; the i-th call with one `slot` in forward and backward gives
 * the same tensor.  NULL when memory ran out (the tape then carries the error). */
MN_API mn_tensor *mn_node_saved(mn_node *node, int slot, mn_dtype dtype, mn_shape shape);

#ifdef __cplusplus
}
#endif
#endif
