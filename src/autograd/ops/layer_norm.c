/* layer_norm.c -- each row brought to mean 0 and variance 1 along the last axis (Ba, Kiros and
 * Hinton 2016, arXiv 1607.06450): y = scale (x - mean) / sqrt(variance + epsilon) + shift. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"
#include "tensor/axis_kernels.h"

#include <mneme/ops.h>
#include <stddef.h>

enum { MEAN, INVERSE }; /* saved: one a row, each */

static mn_status layer_norm_shape(mn_node *node, mn_shape *out)
{
    const double epsilon = *(const double *)node->attributes;
    char text[64];
    MN_TRY(mn_check_rows(node));
    *out = mn_node_x_shape(node, 0);
    const int64_t columns = out->size[out->rank - 1];
    for (int i = 1; i < 3; i++)
        if (node->inputs[i] != NULL && !mn_shape_equal(mn_node_x_shape(node, i), MN_SHAPE(columns)))
            return mn_fail(MN_BAD_SHAPE, "the %s is %s, expected (%lld)",
                           i == 1 ? "scale" : "shift",
                           mn_shape_text(mn_node_x_shape(node, i), text), (long long)columns);
    if (!(epsilon > 0))
        return mn_fail(MN_BAD_VALUE, "epsilon is %g, expected above 0", epsilon);
    return MN_OK;
}

static mn_layer_norm_rows rows_of(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0);
    const int64_t columns = x.size[x.rank - 1], count = mn_shape_count(x);
    mn_layer_norm_rows r = {columns > 0 ? count / columns : 0, columns, NULL, NULL};
    r.mean = mn_saved_memory(node, MEAN, MN_F32, r.rows);
    r.inverse = mn_saved_memory(node, INVERSE, MN_F32, r.rows);
    return r;
}

static mn_status layer_norm_forward(mn_node *node)
{
    const mn_layer_norm_rows r = rows_of(node);
    if (r.mean == NULL || r.inverse == NULL)
        return MN_NO_MEMORY;
    mn_kernel_layer_norm(&r, (float)*(const double *)node->attributes, mn_node_x(node, 0),
                         mn_node_x(node, 1), mn_node_x(node, 2), mn_node_y(node));
    return MN_OK;
}

static mn_status layer_norm_backward(mn_node *node)
{
    const mn_layer_norm_rows r = rows_of(node);
    const float *dy = mn_node_dy(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_layer_norm_backward(&r, mn_node_x(node, 0), mn_node_x(node, 1), dy, dx, add);
    bool add_scale = false, add_shift = false;
    float *dscale = mn_node_sink(node, 1, &add_scale), *dshift = mn_node_sink(node, 2, &add_shift);
    if (dscale != NULL || dshift != NULL)
        mn_kernel_layer_norm_parameters_backward(&r, mn_node_x(node, 0), dy, dscale, add_scale,
                                                 dshift, add_shift);
    return MN_OK;
}

static const mn_op op_layer_norm = {"layer_norm", sizeof(double), layer_norm_shape,
                                    layer_norm_forward, layer_norm_backward};

mn_var *mn_layer_norm(mn_var *x, mn_var *scale, mn_var *shift, double epsilon)
{
    return mn_apply(&op_layer_norm, (mn_var *[]){x, scale, shift}, 3, &epsilon);
}
