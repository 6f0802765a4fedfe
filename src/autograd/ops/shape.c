/* shape.c -- other shapes of the same elements, and parts of them.
 *
 * A reshape and a slice of rows copy nothing: they are views of their input's memory. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <inttypes.h>
#include <mneme/ops.h>
#include <stddef.h>

/* Zero-fills the input's gradient: this op adds to a part of it only. */
static float *sink_of_part(mn_node *node, int i)
{
    mn_tensor *gradient = mn_node_input_gradient(node, i);
    return gradient != NULL ? mn_tensor_floats(gradient) : NULL;
}

/* --- reshape --- */

typedef struct reshaped {
    mn_view view;
    mn_shape shape;
} reshaped;

static mn_status reshape_shape(mn_node *node, mn_shape *out)
{
    const reshaped *r = node->attributes;
    MN_TRY(mn_shape_check(r->shape));
    *out = r->shape;
    return mn_shape_count(r->shape) == mn_node_x_count(node, 0)
               ? MN_OK
               : mn_shapes_differ(mn_node_x_shape(node, 0), r->shape);
}

static mn_status reshape_backward(mn_node *node)
{
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_axpby(mn_node_y_count(node), 1, mn_node_dy(node), add ? 1 : 0, dx);
    return MN_OK;
}

static const mn_op op_reshape = {"reshape", sizeof(reshaped), reshape_shape, NULL,
                                 reshape_backward};

mn_var *mn_reshape(mn_var *x, mn_shape shape)
{
    const bool keeps_rows =
        shape.rank > 0 && mn_shape_of(x).rank > 0 && shape.size[0] == mn_shape_of(x).size[0];
    mn_var *y = mn_apply1(&op_reshape, x, &(reshaped){.shape = shape});
    return keeps_rows ? mn_rows_apart(y) : y;
}

/* --- transpose (M,N) -> (N,M) --- */

static mn_status transpose_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(M,N)"));
    const mn_shape x = mn_node_x_shape(node, 0);
    *out = MN_SHAPE(x.size[1], x.size[0]);
    return MN_OK;
}

static mn_status transpose_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_transpose(x.size[0], x.size[1], mn_node_x(node, 0), mn_node_y(node), false);
    return MN_OK;
}

static mn_status transpose_backward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_transpose(x.size[1], x.size[0], mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_transpose = {"transpose", 0, transpose_shape, transpose_forward,
                                   transpose_backward};

mn_var *mn_transpose(mn_var *x)
{
    return mn_apply1(&op_transpose, x, NULL);
}

/* --- slices --- */

typedef struct slice {
    mn_view view;
    int64_t first, count;
} slice;

static mn_status slice_shape(mn_node *node, int axis, const char *what, mn_shape *out)
{
    const slice *s = node->attributes;
    *out = mn_node_x_shape(node, 0);
    const int64_t size = out->size[axis];
    if (s->first < 0 || s->count < 0 || s->first > size || s->count > size - s->first)
        return mn_fail(MN_BAD_SHAPE, "%" PRId64 " %s from %" PRId64 " of %" PRId64, s->count, what,
                       s->first, size);
    out->size[axis] = s->count;
    return MN_OK;
}

static mn_status rows_shape(mn_node *node, mn_shape *out)
{
    slice *s = node->attributes;
    MN_TRY(mn_check_rows(node));
    MN_TRY(slice_shape(node, 0, "rows", out));
    s->view.offset = s->first * mn_row_count(*out);
    return MN_OK;
}

static mn_status rows_backward(mn_node *node)
{
    const slice *s = node->attributes;
    float *dx = sink_of_part(node, 0);
    if (dx != NULL)
        mn_kernel_axpby(mn_node_y_count(node), 1, mn_node_dy(node), 1, dx + s->view.offset);
    return MN_OK;
}

static const mn_op op_rows = {"rows", sizeof(slice), rows_shape, NULL, rows_backward};

mn_var *mn_rows(mn_var *x, int64_t first, int64_t count)
{
    return mn_apply1(&op_rows, x, &(slice){.first = first, .count = count});
}

static mn_status columns_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    return slice_shape(node, 1, "columns", out);
}

static mn_status columns_forward(mn_node *node)
{
    const slice *s = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_copy_block(x.size[0], s->count, mn_node_x(node, 0) + s->first, x.size[1],
                         mn_node_y(node), s->count, false);
    return MN_OK;
}

static mn_status columns_backward(mn_node *node)
{
    const slice *s = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    float *dx = sink_of_part(node, 0);
    if (dx != NULL)
        mn_kernel_copy_block(x.size[0], s->count, mn_node_dy(node), s->count, dx + s->first,
                             x.size[1], true);
    return MN_OK;
}

static const mn_op op_columns = {"columns", sizeof(slice), columns_shape, columns_forward,
                                 columns_backward};

mn_var *mn_columns(mn_var *x, int64_t first, int64_t count)
{
    return mn_rows_apart(mn_apply1(&op_columns, x, &(slice){.first = first, .count = count}));
}

/* --- concatenation --- */

static mn_status concat_shape(mn_node *node, int axis, mn_shape *out)
{
    *out = mn_node_x_shape(node, 0);
    for (int i = 1; i < node->n; i++) {
        if (node->inputs[i] == NULL)
            return mn_fail(MN_BAD_VALUE, "operand %d is absent", i + 1);
        mn_shape like = mn_node_x_shape(node, i);
        like.size[axis] = out->size[axis];
        if (!mn_shape_equal(like, *out))
            return mn_shapes_differ(mn_node_x_shape(node, 0), mn_node_x_shape(node, i));
        out->size[axis] += mn_node_x_shape(node, i).size[axis];
    }
    return MN_OK;
}

static mn_status concat_rows_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_rows(node));
    return concat_shape(node, 0, out);
}

static mn_status concat_rows_forward(mn_node *node)
{
    float *y = mn_node_y(node);
    for (int i = 0; i < node->n; y += mn_node_x_count(node, i), i++)
        mn_kernel_axpby(mn_node_x_count(node, i), 1, mn_node_x(node, i), 0, y);
    return MN_OK;
}

static mn_status concat_rows_backward(mn_node *node)
{
    const float *dy = mn_node_dy(node);
    for (int i = 0; i < node->n; dy += mn_node_x_count(node, i), i++) {
        bool add;
        float *dx = mn_node_sink(node, i, &add);
        if (dx != NULL)
            mn_kernel_axpby(mn_node_x_count(node, i), 1, dy, add ? 1 : 0, dx);
    }
    return MN_OK;
}

static const mn_op op_concat_rows = {"concat_rows", 0, concat_rows_shape, concat_rows_forward,
                                     concat_rows_backward};

mn_var *mn_concat_rows(mn_var *const *x, int n)
{
    return mn_apply(&op_concat_rows, x, n, NULL);
}

static mn_status concat_columns_shape(mn_node *node, mn_shape *out)
{
    for (int i = 0; i < node->n; i++)
        MN_TRY(mn_check_matrix(node, i, "(B,K)"));
    return concat_shape(node, 1, out);
}

static mn_status concat_columns_forward(mn_node *node)
{
    const mn_shape out = node->output.value.shape;
    float *y = mn_node_y(node);
    for (int i = 0; i < node->n; i++) {
        const int64_t columns = mn_node_x_shape(node, i).size[1];
        mn_kernel_copy_block(out.size[0], columns, mn_node_x(node, i), columns, y, out.size[1],
                             false);
        y += columns;
    }
    return MN_OK;
}

static mn_status concat_columns_backward(mn_node *node)
{
    const mn_shape out = node->output.value.shape;
    const float *dy = mn_node_dy(node);
    for (int i = 0; i < node->n; i++) {
        const int64_t columns = mn_node_x_shape(node, i).size[1];
        bool add;
        float *dx = mn_node_sink(node, i, &add);
        if (dx != NULL)
            mn_kernel_copy_block(out.size[0], columns, dy, out.size[1], dx, columns, add);
        dy += columns;
    }
    return MN_OK;
}

static const mn_op op_concat_columns = {"concat_columns", 0, concat_columns_shape,
                                        concat_columns_forward, concat_columns_backward};

mn_var *mn_concat_columns(mn_var *const *x, int n)
{
    return mn_rows_apart(mn_apply(&op_concat_columns, x, n, NULL));
}
