/* rows.c -- the squares of each row's own gradient, summed over the rows, and the products of every
 * two rows' gradients, in one sweep.
 *
 * As long as rows do not meet between a parameter and the loss, row i of what flows back is what
 * row i alone would have sent, so an op can square its rows' shares before it sums them: a linear
 * layer's are outer products d_i x_i^T, and sum_i (d_i x_i^T)^2 = (d d)^T (x x).  The product of
 * two rows' gradients is (d_i d_j) (x_i x_j): no gradient of a row is ever written down.  Ops say
 * where that holds; of all others nothing is assumed. */
#include "autograd/rows.h"
#include "autograd/sweep.h"
#include "autograd/tape.h"
#include "tensor/kernels.h"

#include <stddef.h>

mn_var *mn_rows_apart(mn_var *y)
{
    if (y != NULL && y->maker != NULL)
        y->maker->apart = true;
    return y;
}

mn_var *mn_rows_apart_in_matrix(mn_var *y)
{
    return y != NULL && y->value.shape.rank > 0 ? mn_rows_apart(y) : y;
}

mn_var *mn_rows_apart_with(mn_var *y, mn_status (*squares)(mn_node *node),
                           mn_status (*products)(mn_node *node))
{
    if (y != NULL && y->maker != NULL) {
        y->maker->squares = squares;
        y->maker->products = products;
    }
    return mn_rows_apart(y);
}

/* The byte at which a parameter's gradient lies in the slab; -1: elsewhere. */
static ptrdiff_t place_in(const mn_tensor *slab, const mn_var *x)
{
    const uintptr_t begin = (uintptr_t)slab->data, at = (uintptr_t)x->parameter->data;
    return at >= begin && at < begin + mn_tensor_bytes(slab) ? (ptrdiff_t)(at - begin) : -1;
}

float *mn_node_squares_sink(mn_node *node, int i)
{
    const mn_var *x = node->inputs[i];
    if (x == NULL || x->parameter == NULL)
        return NULL;
    const mn_sweep *sweep = &x->tape->sweep;
    const ptrdiff_t place = place_in(sweep->from, x);
    return place >= 0 ? (float *)(void *)((char *)sweep->to->data + place) : NULL;
}

static bool in_slab(const mn_node *node, int i)
{
    const mn_var *x = node->inputs[i];
    return x != NULL && x->parameter != NULL && place_in(x->tape->sweep.from, x) >= 0;
}

mn_status mn_node_add_products(mn_node *node, int i, int64_t columns, const float *d, int64_t width,
                               const float *x, int slot)
{
    const int64_t rows = node->output.value.shape.size[0];
    if (!in_slab(node, i))
        return MN_OK;
    float *products = mn_tensor_floats(node->output.tape->sweep.to);
    if (x == NULL) {
        mn_kernel_gemm(false, true, rows, rows, columns, d, d, products, true);
        return MN_OK;
    }
    float *of_d = mn_saved_memory(node, slot, MN_F32, rows * rows);
    float *of_x = mn_saved_memory(node, slot + 1, MN_F32, rows * rows);
    if (of_d == NULL || of_x == NULL)
        return MN_NO_MEMORY;
    mn_kernel_gemm(false, true, rows, rows, columns, d, d, of_d, false);
    mn_kernel_gemm(false, true, rows, rows, width, x, x, of_x, false);
    mn_kernel_mul_add(rows * rows, 1, of_d, of_x, products, true);
    return MN_OK;
}

/* A parameter that is used again adds to the same row's gradient before it is squared. */
static bool is_used_before(const mn_node *node, const mn_var *parameter, uint64_t number)
{
    for (node = node->previous; node != NULL; node = node->previous)
        for (int i = 0; i < node->n && node->output.path == number; i++)
            if (node->inputs[i] != NULL && node->inputs[i]->parameter != NULL &&
                node->inputs[i]->parameter->data == parameter->parameter->data)
                return true;
    return false;
}

static mn_status check_node(const mn_node *node, uint64_t number)
{
    if (!node->apart)
        return mn_fail(MN_UNSUPPORTED, "%s does not keep the gradients of rows apart",
                       node->op->name);
    for (int i = 0; i < node->n; i++) {
        const mn_var *x = node->inputs[i];
        /* A layer's weight that is itself computed collects the gradients of all rows. */
        if (x != NULL && i > 0 && node->squares != NULL && x->to_parameter && x->parameter == NULL)
            return mn_fail(MN_UNSUPPORTED, "%s: its weight is no parameter", node->op->name);
        if (!in_slab(node, i))
            continue;
        const mn_sweep *sweep = &x->tape->sweep;
        if (sweep->rows == MN_ROWS_MULTIPLIED &&
            node->output.value.shape.size[0] != sweep->to->shape.size[0])
            return mn_fail(MN_UNSUPPORTED, "%s has %lld rows, the products are of %lld",
                           node->op->name, (long long)node->output.value.shape.size[0],
                           (long long)sweep->to->shape.size[0]);
        if (node->squares == NULL)
            return mn_fail(MN_UNSUPPORTED, "%s cannot tell the rows' shares of a gradient apart",
                           node->op->name);
        if (is_used_before(node, x, number))
            return mn_fail(MN_UNSUPPORTED, "%s: its parameter is used twice", node->op->name);
    }
    return MN_OK;
}

/* Marks all that the loss was made from. */
static void mark(const mn_var *loss, uint64_t number)
{
    loss->maker->output.path = number;
    for (mn_node *node = loss->maker; node != NULL; node = node->previous)
        for (int i = 0; i < node->n && node->output.path == number; i++)
            if (node->inputs[i] != NULL && node->inputs[i]->to_parameter)
                node->inputs[i]->path = number;
}

static mn_status check_nodes(const mn_var *loss, uint64_t number)
{
    for (const mn_node *node = loss->maker; node != NULL; node = node->previous)
        if (node->output.path == number)
            MN_TRY(check_node(node, number));
    return MN_OK;
}

static mn_status sweep_rows(mn_var *loss, const mn_tensor *gradients, mn_tensor *to,
                            mn_rows_sweep rows)
{
    mn_tape *tape = loss->tape;
    if (mn_tape_status(tape) != MN_OK || mn_sweep_check("rows", loss) != MN_OK)
        return mn_fail(mn_tape_status(tape), "%s", mn_tape_error(tape));
    if (loss->maker == NULL) /* nothing to differentiate */
        return MN_OK;
    mn_sweep *sweep = &tape->sweep;
    *sweep = (mn_sweep){.number = sweep->number + 1, .from = gradients, .to = to, .rows = rows};
    mark(loss, sweep->number);
    MN_TRY(check_nodes(loss, sweep->number));
    return mn_sweep_from(loss);
}

mn_status mn_backward_squares(mn_var *loss, const mn_tensor *gradients, mn_tensor *squares)
{
    if (loss == NULL || gradients == NULL || squares == NULL)
        return mn_fail(MN_BAD_VALUE, "squares: the loss or a slab is missing");
    if (mn_tensor_bytes(gradients) != mn_tensor_bytes(squares))
        return mn_shapes_differ(gradients->shape, squares->shape);
    return sweep_rows(loss, gradients, squares, MN_ROWS_SQUARED);
}

mn_status mn_backward_products(mn_var *loss, const mn_tensor *gradients, mn_tensor *products)
{
    if (loss == NULL || gradients == NULL || products == NULL)
        return mn_fail(MN_BAD_VALUE, "products: the loss, the slab or the products are missing");
    const mn_shape shape = products->shape;
    char text[64];
    if (shape.rank != 2 || shape.size[0] != shape.size[1])
        return mn_fail(MN_BAD_SHAPE, "products of rows into %s, expected (B,B)",
                       mn_shape_text(shape, text));
    return sweep_rows(loss, gradients, products, MN_ROWS_MULTIPLIED);
}
