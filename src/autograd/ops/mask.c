/* mask.c -- columns or elements that take no part: a constant stands in them, and no gradient
 * passes.
 *
 * The shape rule copies the marks into the tape's memory, so that the caller's array may go. */
#include "autograd/memory.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/ops.h>
#include <stddef.h>
#include <string.h>

typedef struct masked {
    const bool *keep; /* in host memory: (columns), which every row shares, or one an element */
    float value;
    int64_t rows, columns; /* of whom every row shares the marks */
} masked;

static mn_status keep_marks(mn_node *node, int64_t rows, int64_t columns, mn_shape *out)
{
    masked *m = node->attributes;
    if (m->keep == NULL && columns > 0)
        return mn_fail(MN_BAD_VALUE, "there are no marks");
    bool *keep = mn_tape_take(node->output.tape, (size_t)columns * sizeof *keep);
    if (keep == NULL)
        return MN_NO_MEMORY;
    if (columns > 0)
        memcpy(keep, m->keep, (size_t)columns * sizeof *keep);
    *m = (masked){keep, m->value, rows, columns};
    return mn_shape_like_input(node, out);
}

static mn_status mask_columns_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    const mn_shape x = mn_node_x_shape(node, 0);
    return keep_marks(node, x.size[0], x.size[1], out);
}

static mn_status mask_elements_shape(mn_node *node, mn_shape *out)
{
    return keep_marks(node, 1, mn_node_x_count(node, 0), out);
}

static mn_status mask_forward(mn_node *node)
{
    const masked *m = node->attributes;
    mn_kernel_mask_columns(m->rows, m->columns, m->keep, m->value, mn_node_x(node, 0),
                           mn_node_y(node));
    return MN_OK;
}

static mn_status mask_backward(mn_node *node)
{
    const masked *m = node->attributes;
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_mask_columns_backward(m->rows, m->columns, m->keep, mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_mask_columns = {"mask_columns", sizeof(masked), mask_columns_shape,
                                      mask_forward, mask_backward};
static const mn_op op_mask_elements = {"mask_elements", sizeof(masked), mask_elements_shape,
                                       mask_forward, mask_backward};

mn_var *mn_mask_columns(mn_var *x, const bool *keep, double value)
{
    return mn_apply1(&op_mask_columns, x, &(masked){.keep = keep, .value = (float)value});
}

mn_var *mn_mask_elements(mn_var *x, const bool *keep, double value)
{
    return mn_rows_apart_in_matrix(
        mn_apply1(&op_mask_elements, x, &(masked){.keep = keep, .value = (float)value}));
}
