/* gather.c -- rows by index and rows by mark.
 *
 * The shape rule copies the index (or makes it of the marks) into the tape's memory, so that the
 * caller's array may go. */
#include "autograd/memory.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rules.h"

#include <inttypes.h>
#include <mneme/ops.h>
#include <stddef.h>

typedef struct gathered {
    const int64_t *index; /* (count), in host memory */
    int64_t count;
    const bool *keep; /* of rows_where */
} gathered;

static mn_status output_rows(const mn_node *node, mn_shape *out)
{
    const gathered *g = node->attributes;
    *out = mn_node_x_shape(node, 0);
    out->size[0] = g->count;
    return MN_OK;
}

static mn_status gather_shape(mn_node *node, mn_shape *out)
{
    gathered *g = node->attributes;
    MN_TRY(mn_check_rows(node));
    const int64_t rows = mn_node_x_shape(node, 0).size[0];
    if (g->count < 0 || (g->count > 0 && g->index == NULL))
        return mn_fail(MN_BAD_VALUE, "there is no index of %" PRId64 " rows", g->count);
    int64_t *index = mn_tape_take(node->output.tape, (size_t)g->count * sizeof *index);
    if (index == NULL)
        return MN_NO_MEMORY;
    for (int64_t i = 0; i < g->count; i++) {
        if (g->index[i] < 0 || g->index[i] >= rows)
            return mn_fail(MN_BAD_VALUE,
                           "index %" PRId64 " is %" PRId64 ", but there are %" PRId64 " rows", i,
                           g->index[i], rows);
        index[i] = g->index[i];
    }
    g->index = index;
    return output_rows(node, out);
}

static mn_status where_shape(mn_node *node, mn_shape *out)
{
    gathered *g = node->attributes;
    MN_TRY(mn_check_rows(node));
    const int64_t rows = mn_node_x_shape(node, 0).size[0];
    if (rows > 0 && g->keep == NULL)
        return mn_fail(MN_BAD_VALUE, "there are no marks");
    int64_t *index = mn_tape_take(node->output.tape, (size_t)rows * sizeof *index);
    if (index == NULL)
        return MN_NO_MEMORY;
    for (int64_t i = 0; i < rows; i++)
        if (g->keep[i])
            index[g->count++] = i;
    g->index = index;
    return output_rows(node, out);
}

static mn_status gather_forward(mn_node *node)
{
    const gathered *g = node->attributes;
    mn_kernel_gather_rows(g->count, mn_row_count(mn_node_x_shape(node, 0)), g->index,
                          mn_node_x(node, 0), mn_node_y(node));
    return MN_OK;
}

static mn_status gather_backward(mn_node *node)
{
    const gathered *g = node->attributes;
    mn_tensor *gradient = mn_node_input_gradient(node, 0);
    if (gradient != NULL)
        mn_kernel_scatter_rows(g->count, mn_row_count(mn_node_x_shape(node, 0)), g->index,
                               mn_node_dy(node), mn_tensor_floats(gradient));
    return MN_OK;
}

static const mn_op op_gather_rows = {"gather_rows", sizeof(gathered), gather_shape, gather_forward,
                                     gather_backward};
static const mn_op op_rows_where = {"rows_where", sizeof(gathered), where_shape, gather_forward,
                                    gather_backward};

mn_var *mn_gather_rows(mn_var *x, const int64_t *index, int64_t count)
{
    return mn_apply1(&op_gather_rows, x, &(gathered){.index = index, .count = count});
}

mn_var *mn_rows_where(mn_var *x, const bool *keep)
{
    return mn_apply1(&op_rows_where, x, &(gathered){.keep = keep});
}
