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
 * The ops are in ops.h, those on images in image_ops.h, the losses in losses.h.  Letters in shapes: B
 * rows of a batch, K columns, I inputs, O outputs.
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

/* Returns the memory of an op's result early: where no gradient flows through it, the next results
 * of this step are written there.  Neither x nor a view of it (mn_reshape, mn_rows, mn_detach) may
 * be used afterwards.  Does nothing where x is needed by backward, or its memory is not its own. */
MN_API void mn_release(mn_var *x);

/* --- reading ---------------------------------------------------------------------------------- */
MN_API mn_shape mn_shape_of(const mn_var *x);
MN_API int64_t mn_rows_of(const mn_var *x);       /* size of axis 0; 1 for a scalar */
MN_API double mn_item(const mn_var *scalar);      /* NaN once the tape has failed */
/* Row-major floats: the value itself, or a copy where only the device understands its layout.  Not
 * to be written.  As long as the value: until the reset, or until a backward that was the last to
 * need it.  NULL once the tape has failed or the value is gone. */
MN_API const float *mn_host(mn_var *x);
/* The same with the failure: the tape's, or MN_OUT_OF_ORDER for values that a backward was the last
 * to need. */
MN_API mn_status mn_values(mn_var *x, const float **values);
/* The values into a tensor of as many bytes; the tape's failure, where it has failed. */
MN_API mn_status mn_store(mn_var *x, mn_tensor *tensor);
/* The same over the rows of a tensor from `first` on, which otherwise stays as it is.  Axes but the
 * first are equal. */
MN_API mn_status mn_store_rows(mn_var *x, mn_tensor *tensor, int64_t first);
/* The same over the rows that `places` (rows of x) names: row i of x goes to row places[i] of the
 * tensor, the last of those sent to one row stays there.  MN_BAD_VALUE, and nothing is written, where
 * the tensor has no such row. */
MN_API mn_status mn_store_at(mn_var *x, mn_tensor *tensor, const int64_t *places);
MN_API mn_tape *mn_tape_of(const mn_var *x);

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
