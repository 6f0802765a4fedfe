/* norm.c -- batch normalisation over the rows of (B,K) (Ioffe and Szegedy 2015).
 *
 * Moving the running statistics is the one side effect of any op.  It happens in the forward of
 * MN_NORM_BATCH alone, by PyTorch's rule: the variance that moves them is the unbiased one,
 * although the biased one normalises. */
#include "autograd/node.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/ops.h>
#include <stddef.h>

typedef struct normalised {
    mn_tensor *running_mean, *running_variance; /* (K) or NULL: none are kept */
    mn_norm_mode mode;
    double momentum, epsilon;
} normalised;

enum {
    MEAN,
    VARIANCE,
    INVERSE,
    XHAT,
    SQUARED
}; /* saved: (K), (K), 1 / sqrt(variance + epsilon), (B,K) */

static mn_status check_width(const char *what, mn_shape found, int64_t columns)
{
    char text[64];
    if (!mn_shape_equal(found, MN_SHAPE(columns)))
        return mn_fail(MN_BAD_SHAPE, "the %s is %s, expected (%lld)", what,
                       mn_shape_text(found, text), (long long)columns);
    return MN_OK;
}

static mn_status batch_norm_shape(mn_node *node, mn_shape *out)
{
    const normalised *b = node->attributes;
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    *out = mn_node_x_shape(node, 0);
    const int64_t rows = out->size[0], columns = out->size[1];
    if (node->inputs[1] != NULL)
        MN_TRY(check_width("scale", mn_node_x_shape(node, 1), columns));
    if (node->inputs[2] != NULL)
        MN_TRY(check_width("shift", mn_node_x_shape(node, 2), columns));
    if ((b->running_mean == NULL) != (b->running_variance == NULL) ||
        (b->running_mean == NULL && b->mode == MN_NORM_RUNNING))
        return mn_fail(MN_BAD_VALUE, "running statistics are missing");
    if (b->running_mean != NULL) {
        MN_TRY(check_width("running mean", b->running_mean->shape, columns));
        MN_TRY(check_width("running variance", b->running_variance->shape, columns));
    }
    if (rows == 1 && b->mode != MN_NORM_RUNNING)
        return mn_fail(MN_BAD_VALUE, "a batch of 1 row has no variance; expected 2 or more");
    if (!(b->epsilon > 0))
        return mn_fail(MN_BAD_VALUE, "epsilon is %g, expected above 0", b->epsilon);
    return MN_OK;
}

static void move_running(const normalised *b, int64_t rows, int64_t columns, const float *mean,
                         const float *variance)
{
    const double unbiased = (double)rows / (double)(rows - 1);
    mn_kernel_running(columns, b->momentum, 1, mean, mn_tensor_floats(b->running_mean));
    mn_kernel_running(columns, b->momentum, unbiased, variance,
                      mn_tensor_floats(b->running_variance));
}

static mn_status batch_norm_forward(mn_node *node)
{
    const normalised *b = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    const int64_t rows = x.size[0], columns = x.size[1];
    float *mean = mn_saved_memory(node, MEAN, MN_F32, columns);
    float *variance = mn_saved_memory(node, VARIANCE, MN_F32, columns);
    float *inverse = mn_saved_memory(node, INVERSE, MN_F32, columns);
    float *xhat = mn_saved_memory(node, XHAT, MN_F32, rows * columns);
    if (mean == NULL || variance == NULL || inverse == NULL || xhat == NULL)
        return MN_NO_MEMORY;
    if (b->mode == MN_NORM_RUNNING) {
        mn_kernel_axpby(columns, 1, mn_tensor_floats(b->running_mean), 0, mean);
        mn_kernel_axpby(columns, 1, mn_tensor_floats(b->running_variance), 0, variance);
    } else {
        mn_kernel_column_moments(rows, columns, mn_node_x(node, 0), mean, variance);
    }
    if (b->mode == MN_NORM_BATCH && rows > 0 && b->running_mean != NULL)
        move_running(b, rows, columns, mean, variance);
    mn_kernel_normalise(rows, columns, mn_node_x(node, 0), mean, variance, (float)b->epsilon,
                        mn_node_x(node, 1), mn_node_x(node, 2), inverse, xhat, mn_node_y(node));
    return MN_OK;
}

static mn_status batch_norm_backward(mn_node *node)
{
    const normalised *b = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    const int64_t rows = x.size[0], columns = x.size[1];
    const float *inverse = mn_saved_memory(node, INVERSE, MN_F32, columns);
    const float *xhat = mn_saved_memory(node, XHAT, MN_F32, rows * columns);
    const float *dy = mn_node_dy(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_normalise_backward(rows, columns, b->mode != MN_NORM_RUNNING, xhat, inverse,
                                     mn_node_x(node, 1), dy, dx, add);
    float *dscale = mn_node_sink(node, 1, &add);
    if (dscale != NULL)
        mn_kernel_normalise_scale_backward(rows, columns, xhat, dy, dscale, add);
    float *dshift = mn_node_sink(node, 2, &add);
    if (dshift != NULL)
        mn_kernel_column_sums(rows, columns, dy, dshift, add);
    return MN_OK;
}

/* Of the shift dy^2, of the scale (dy xhat)^2, summed over the rows. */
static mn_status batch_norm_squares(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    const int64_t rows = x.size[0], columns = x.size[1], count = rows * columns;
    const float *dy = mn_node_dy(node);
    float *scratch = mn_saved_memory(node, SQUARED, MN_F32, count);
    if (scratch == NULL)
        return MN_NO_MEMORY;
    float *shift = mn_node_squares_sink(node, 2);
    mn_kernel_map(MN_FUNCTION_SQUARE, count, 0, 0, dy, scratch);
    if (shift != NULL)
        mn_kernel_column_sums(rows, columns, scratch, shift, true);
    float *scale = mn_node_squares_sink(node, 1);
    mn_kernel_mul(count, dy, mn_saved_memory(node, XHAT, MN_F32, count), scratch);
    mn_kernel_map(MN_FUNCTION_SQUARE, count, 0, 0, scratch, scratch);
    if (scale != NULL)
        mn_kernel_column_sums(rows, columns, scratch, scale, true);
    return MN_OK;
}

static mn_status batch_norm_products(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    const int64_t columns = x.size[1], count = x.size[0] * columns;
    const float *dy = mn_node_dy(node);
    float *dscale = mn_saved_memory(node, SQUARED, MN_F32, count);
    if (dscale == NULL)
        return MN_NO_MEMORY;
    mn_kernel_mul(count, dy, mn_saved_memory(node, XHAT, MN_F32, count), dscale);
    MN_TRY(mn_node_add_products(node, 1, columns, dscale, 0, NULL, SQUARED + 1));
    return mn_node_add_products(node, 2, columns, dy, 0, NULL, SQUARED + 1);
}

static const mn_op op_batch_norm = {"batch_norm", sizeof(normalised), batch_norm_shape,
                                    batch_norm_forward, batch_norm_backward};

mn_var *mn_batch_norm(mn_var *x, mn_var *scale, mn_var *shift, mn_tensor *running_mean,
                      mn_tensor *running_variance, mn_norm_mode mode, double momentum,
                      double epsilon)
{
    const normalised attributes = {running_mean, running_variance, mode, momentum, epsilon};
    mn_var *y = mn_apply(&op_batch_norm, (mn_var *[]){x, scale, shift}, 3, &attributes);
    return mode == MN_NORM_RUNNING ? mn_rows_apart_with(y, batch_norm_squares, batch_norm_products)
                                   : y;
}
