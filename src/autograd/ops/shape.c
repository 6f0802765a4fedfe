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
    if (mn_node_hand_over(node, 0))
        return MN_OK;
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

/* An axis cuts an array into `outer` parts; one entry of the axis is `inner` elements of each. */
typedef struct cut {
    int64_t outer, inner;
} cut;

static cut cut_at(mn_shape shape, int axis)
{
    cut c = {1, 1};
    for (int i = 0; i < shape.rank; i++)
        *(i < axis ? &c.outer : &c.inner) *= i == axis ? 1 : shape.size[i];
    return c;
}

typedef struct slice {
    mn_view view;
    int axis;
    int64_t first, count;
} slice;

static mn_status slice_of_shape(mn_node *node, const char *what, mn_shape *out)
{
    const slice *s = node->attributes;
    *out = mn_node_x_shape(node, 0);
    const int64_t size = out->size[s->axis];
    if (s->first < 0 || s->count < 0 || s->first > size || s->count > size - s->first)
        return mn_fail(MN_BAD_SHAPE, "%" PRId64 " %s from %" PRId64 " of %" PRId64, s->count, what,
                       s->first, size);
    out->size[s->axis] = s->count;
    return MN_OK;
}

static mn_status rows_shape(mn_node *node, mn_shape *out)
{
    slice *s = node->attributes;
    MN_TRY(mn_check_rows(node));
    MN_TRY(slice_of_shape(node, "rows", out));
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
    return slice_of_shape(node, "columns", out);
}

static mn_status slice_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_axis(node, ((const slice *)node->attributes)->axis));
    return slice_of_shape(node, "entries", out);
}

static mn_status slice_forward(mn_node *node)
{
    const slice *s = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    const cut c = cut_at(x, s->axis);
    mn_kernel_copy_block(c.outer, s->count * c.inner, mn_node_x(node, 0) + s->first * c.inner,
                         x.size[s->axis] * c.inner, mn_node_y(node), s->count * c.inner, false);
    return MN_OK;
}

static mn_status slice_backward(mn_node *node)
{
    const slice *s = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    const cut c = cut_at(x, s->axis);
    float *dx = sink_of_part(node, 0);
    if (dx != NULL)
        mn_kernel_copy_block(c.outer, s->count * c.inner, mn_node_dy(node), s->count * c.inner,
                             dx + s->first * c.inner, x.size[s->axis] * c.inner, true);
    return MN_OK;
}

static const mn_op op_columns = {"columns", sizeof(slice), columns_shape, slice_forward,
                                 slice_backward};
static const mn_op op_slice = {"slice", sizeof(slice), slice_shape, slice_forward, slice_backward};

mn_var *mn_columns(mn_var *x, int64_t first, int64_t count)
{
    return mn_rows_apart(
        mn_apply1(&op_columns, x, &(slice){.axis = 1, .first = first, .count = count}));
}

mn_var *mn_slice(mn_var *x, int axis, int64_t first, int64_t count)
{
    if (axis == 0)
        return mn_rows(x, first, count);
    return mn_rows_apart(
        mn_apply1(&op_slice, x, &(slice){.axis = axis, .first = first, .count = count}));
}

/* --- concatenation --- */

static int concat_axis(const mn_node *node)
{
    return *(const int *)node->attributes;
}

static mn_status concat_shape(mn_node *node, mn_shape *out)
{
    const int axis = concat_axis(node);
    MN_TRY(mn_check_axis(node, axis));
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
    return concat_shape(node, out);
}

static mn_status concat_columns_shape(mn_node *node, mn_shape *out)
{
    for (int i = 0; i < node->n; i++)
        MN_TRY(mn_check_matrix(node, i, "(B,K)"));
    return concat_shape(node, out);
}

static mn_status concat_forward(mn_node *node)
{
    const mn_shape out = node->output.value.shape;
    const int axis = concat_axis(node);
    const cut c = cut_at(out, axis);
    float *y = mn_node_y(node);
    for (int i = 0; i < node->n; i++) {
        const int64_t width = mn_node_x_shape(node, i).size[axis] * c.inner;
        mn_kernel_copy_block(c.outer, width, mn_node_x(node, i), width, y, out.size[axis] * c.inner,
                             false);
        y += width;
    }
    return MN_OK;
}

static mn_status concat_backward(mn_node *node)
{
    const mn_shape out = node->output.value.shape;
    const int axis = concat_axis(node);
    const cut c = cut_at(out, axis);
    const float *dy = mn_node_dy(node);
    for (int i = 0; i < node->n; i++) {
        const int64_t width = mn_node_x_shape(node, i).size[axis] * c.inner;
        bool add;
        float *dx = mn_node_sink(node, i, &add);
        if (dx != NULL)
            mn_kernel_copy_block(c.outer, width, dy, out.size[axis] * c.inner, dx, width, add);
        dy += width;
    }
    return MN_OK;
}

static const mn_op op_concat_rows = {"concat_rows", sizeof(int), concat_rows_shape, concat_forward,
                                     concat_backward};
static const mn_op op_concat_columns = {"concat_columns", sizeof(int), concat_columns_shape,
                                        concat_forward, concat_backward};
static const mn_op op_concat = {"concat", sizeof(int), concat_shape, concat_forward,
                                concat_backward};

mn_var *mn_concat_rows(mn_var *const *x, int n)
{
    return mn_apply(&op_concat_rows, x, n, &(int){0});
}

mn_var *mn_concat_columns(mn_var *const *x, int n)
{
    return mn_rows_apart(mn_apply(&op_concat_columns, x, n, &(int){1}));
}

mn_var *mn_concat(mn_var *const *x, int n, int axis)
{
    mn_var *y = mn_apply(&op_concat, x, n, &axis);
    return axis > 0 ? mn_rows_apart(y) : y;
}
