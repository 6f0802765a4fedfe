/* rules.c -- shape rules that many ops share. */
#include "autograd/rules.h"
#include "autograd/node.h"

mn_status mn_shape_like_input(mn_node *node, mn_shape *out)
{
    *out = mn_node_x_shape(node, 0);
    return MN_OK;
}

mn_status mn_shape_of_equals(mn_node *node, mn_shape *out)
{
    if (node->inputs[1] == NULL)
        return mn_fail(MN_BAD_VALUE, "operand 2 is absent");
    *out = mn_node_x_shape(node, 0);
    const mn_shape other = mn_node_x_shape(node, 1);
    return mn_shape_equal(*out, other) ? MN_OK : mn_shapes_differ(*out, other);
}

mn_status mn_check_rows(const mn_node *node)
{
    return mn_node_x_shape(node, 0).rank > 0 ? MN_OK
                                             : mn_fail(MN_BAD_SHAPE, "a scalar has no rows");
}

mn_status mn_check_axis(const mn_node *node, int axis)
{
    char text[64];
    const mn_shape x = mn_node_x_shape(node, 0);
    if (axis < 0 || axis >= x.rank)
        return mn_fail(MN_BAD_SHAPE, "axis %d of %s, expected 0 to %d", axis,
                       mn_shape_text(x, text), x.rank - 1);
    return MN_OK;
}

mn_status mn_check_matrix(const mn_node *node, int i, const char *expected)
{
    char text[64];
    if (node->inputs[i] == NULL)
        return mn_fail(MN_BAD_VALUE, "operand %d is absent", i + 1);
    const mn_shape shape = mn_node_x_shape(node, i);
    if (shape.rank != 2)
        return mn_fail(MN_BAD_SHAPE, "%s, expected %s", mn_shape_text(shape, text), expected);
    if (shape.size[0] > INT32_MAX || shape.size[1] > INT32_MAX) /* what BLAS can count */
        return mn_fail(MN_UNSUPPORTED, "%s has an axis above 2^31", mn_shape_text(shape, text));
    return MN_OK;
}
