/* layout.c -- the same values where another op wants them.
 *
 * The one place where activations are reordered: convolutions, normalisation, pooling and sums take
 * each other's layouts, and ops that know only rows of elements get plain copies from here. */
#include "autograd/layout.h"
#include "autograd/apply.h"
#include "autograd/node.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

typedef struct reordered {
    const mn_layout *layout; /* NULL: plain */
} reordered;

static mn_status reorder_shape(mn_node *node, mn_shape *out)
{
    const reordered *r = node->attributes;
    *out = mn_node_x_shape(node, 0);
    node->output.value.layout = r->layout;
    return MN_OK;
}

static mn_status reorder_forward(mn_node *node)
{
    return mn_kernel_reorder(&node->inputs[0]->value, &node->output.value, false);
}

static mn_status reorder_backward(mn_node *node)
{
    bool add;
    if (mn_node_sink(node, 0, &add) == NULL)
        return MN_OK;
    return mn_kernel_reorder(&node->output.gradient, &node->inputs[0]->gradient, add);
}

static const mn_op op_reorder = {"reorder", sizeof(reordered), reorder_shape, reorder_forward,
                                 reorder_backward};

mn_var *mn_in_layout(mn_var *x, const mn_layout *layout)
{
    if (x == NULL || mn_tape_status(x->tape) != MN_OK || x->value.layout == layout)
        return x;
    return mn_apply_laid_out(&op_reorder, &x, 1, &(reordered){layout});
}

mn_var *mn_in_f32(mn_var *x)
{
    const mn_layout *layout;
    if (x == NULL || x->value.dtype == MN_F32 ||
        mn_layout_in(x->value.layout, MN_F32, &layout) != MN_OK)
        return x;
    return mn_in_layout(x, layout);
}

mn_status mn_laid_out_like_input(mn_node *node, mn_shape *out)
{
    node->output.value.layout = node->inputs[0]->value.layout;
    return mn_shape_like_input(node, out);
}

mn_status mn_laid_out_of_equals(mn_node *node, mn_shape *out)
{
    node->output.value.layout = node->inputs[0]->value.layout;
    return mn_shape_of_equals(node, out);
}

/* Where the two lie differently, the plain one is moved, or else the second. */
mn_var *mn_apply2_laid_out(const mn_op *op, mn_var *x, mn_var *y, const void *attributes)
{
    x = mn_in_f32(x);
    y = mn_in_f32(y);
    if (x != NULL && y != NULL && mn_shape_equal(x->value.shape, y->value.shape)) {
        if (x->value.layout == NULL)
            x = mn_in_layout(x, y->value.layout);
        y = mn_in_layout(y, x->value.layout);
    }
    return mn_apply_laid_out(op, (mn_var *[]){x, y}, 2, attributes);
}
