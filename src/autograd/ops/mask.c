/* mask.c -- columns that take no part: a constant stands in them, and no gradient passes.
 *
 * The shape rule copies the marks into the tape's memory, so that the caller's array may go. */
#include "autograd/memory.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/ops.h>
#include <stddef.h>
#include <string.h>

typedef struct masked {
    const bool *keep; /* (columns), in host memory */
    float value;
} masked;

static mn_status mask_shape(mn_node *node, mn_shape *out)
{
    masked *m = node->attributes;
    MN_TRY(mn_check_matrix(node, 0, "(B,K)"));
    const size_t columns = (size_t)mn_node_x_shape(node, 0).size[1];
    if (m->keep == NULL && columns > 0)
        return mn_fail(MN_BAD_VALUE, "there are no marks");
    bool *keep = mn_tape_take(node->output.tape, columns * sizeof *keep);
    if (keep == NULL)
        return MN_NO_MEMORY;
    if (columns > 0)
        memcpy(keep, m->keep, columns * sizeof *keep);
    m->keep = keep;
    return mn_shape_like_input(node, out);
}

static mn_status mask_forward(mn_node *node)
{
    const masked *m = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    mn_kernel_mask_columns(x.size[0], x.size[1], m->keep, m->value, mn_node_x(node, 0),
                           mn_node_y(node));
    return MN_OK;
}

static mn_status mask_backward(mn_node *node)
{
    const masked *m = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_mask_columns_backward(x.size[0], x.size[1], m->keep, mn_node_dy(node), dx, add);
    return MN_OK;
}

static const mn_op op_mask_columns = {"mask_columns", sizeof(masked), mask_shape, mask_forward,
                                      mask_backward};

mn_var *mn_mask_columns(mn_var *x, const bool *keep, double value)
{
    return mn_apply1(&op_mask_columns, x, &(masked){keep, (float)value});
}
