/* linear.c -- matrix products.
 *
 * A bias is laid into the output first and the product added to it, which costs nothing: the
 * product would have to clear the output anyway. */
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <mneme/ops.h>

/* --- z (M,N) = x (M,K) y (K,N) --- */

static mn_status matmul_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(M,K)"));
    MN_TRY(mn_check_matrix(node, 1, "(K,N)"));
    const mn_shape x = mn_node_x_shape(node, 0), y = mn_node_x_shape(node, 1);
    if (x.size[1] != y.size[0])
        return mn_shapes_differ(x, y);
    *out = MN_SHAPE(x.size[0], y.size[1]);
    node->operations = 2.0 * (double)(x.size[0] * x.size[1] * y.size[1]);
    return MN_OK;
}

static mn_status matmul_forward(mn_node *node)
{
    const mn_shape x = mn_node_x_shape(node, 0), y = mn_node_x_shape(node, 1);
    mn_kernel_gemm(false, false, x.size[0], y.size[1], x.size[1], mn_node_x(node, 0),
                   mn_node_x(node, 1), mn_node_y(node), false);
    return MN_OK;
}

static mn_status matmul_backward(mn_node *node) /* dx = dz y^T, dy = x^T dz */
{
    const mn_shape x = mn_node_x_shape(node, 0), y = mn_node_x_shape(node, 1);
    const int64_t m = x.size[0], k = x.size[1], n = y.size[1];
    const float *dz = mn_node_dy(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_gemm(false, true, m, k, n, dz, mn_node_x(node, 1), dx, add);
    float *dy = mn_node_sink(node, 1, &add);
    if (dy != NULL)
        mn_kernel_gemm(true, false, k, n, m, mn_node_x(node, 0), dz, dy, add);
    return MN_OK;
}

static const mn_op op_matmul = {"matmul", 0, matmul_shape, matmul_forward, matmul_backward};

mn_var *mn_matmul(mn_var *x, mn_var *y)
{
    return mn_apply2(&op_matmul, x, y, NULL);
}

/* --- z_g (M,N) = op(x_g) (M,K) op(y_g) (K,N), where op may transpose --- */

typedef struct transposes {
    bool x, y;
} transposes;

typedef struct products {
    int64_t count, m, n, k;
} products;

static products products_of(const mn_node *node)
{
    const transposes *t = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0), y = mn_node_x_shape(node, 1);
    return (products){x.size[0], x.size[t->x ? 2 : 1], y.size[t->y ? 1 : 2], x.size[t->x ? 1 : 2]};
}

static mn_status batched_matmul_shape(mn_node *node, mn_shape *out)
{
    const transposes *t = node->attributes;
    char text[64];
    for (int i = 0; i < 2; i++) {
        if (node->inputs[i] == NULL)
            return mn_fail(MN_BAD_VALUE, "operand %d is absent", i + 1);
        const mn_shape shape = mn_node_x_shape(node, i);
        if (shape.rank != 3)
            return mn_fail(MN_BAD_SHAPE, "%s, expected (G,M,K) and (G,K,N)",
                           mn_shape_text(shape, text));
        if (shape.size[1] > INT32_MAX || shape.size[2] > INT32_MAX) /* what BLAS can count */
            return mn_fail(MN_UNSUPPORTED, "%s has an axis above 2^31", mn_shape_text(shape, text));
    }
    const mn_shape x = mn_node_x_shape(node, 0), y = mn_node_x_shape(node, 1);
    if (x.size[0] != y.size[0] || x.size[t->x ? 1 : 2] != y.size[t->y ? 2 : 1])
        return mn_shapes_differ(x, y);
    const products p = products_of(node);
    *out = MN_SHAPE(p.count, p.m, p.n);
    node->operations = 2.0 * (double)(p.count * p.m * p.n * p.k);
    return MN_OK;
}

static mn_status batched_matmul_forward(mn_node *node)
{
    const transposes *t = node->attributes;
    const products p = products_of(node);
    mn_kernel_batched_gemm(p.count, t->x, t->y, p.m, p.n, p.k, mn_node_x(node, 0),
                           mn_node_x(node, 1), mn_node_y(node), false);
    return MN_OK;
}

/* dx = dz op(y)^T and dy = op(x)^T dz, themselves transposed where their operand is. */
static mn_status batched_matmul_backward(mn_node *node)
{
    const transposes *t = node->attributes;
    const products p = products_of(node);
    const float *x = mn_node_x(node, 0), *y = mn_node_x(node, 1), *dz = mn_node_dy(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL && t->x)
        mn_kernel_batched_gemm(p.count, t->y, true, p.k, p.m, p.n, y, dz, dx, add);
    else if (dx != NULL)
        mn_kernel_batched_gemm(p.count, false, !t->y, p.m, p.k, p.n, dz, y, dx, add);
    float *dy = mn_node_sink(node, 1, &add);
    if (dy != NULL && t->y)
        mn_kernel_batched_gemm(p.count, true, t->x, p.n, p.k, p.m, dz, x, dy, add);
    else if (dy != NULL)
        mn_kernel_batched_gemm(p.count, !t->x, false, p.k, p.n, p.m, x, dz, dy, add);
    return MN_OK;
}

static const mn_op op_batched_matmul = {"batched_matmul", sizeof(transposes), batched_matmul_shape,
                                        batched_matmul_forward, batched_matmul_backward};

mn_var *mn_batched_matmul(mn_var *x, mn_var *y, bool transpose_x, bool transpose_y)
{
    return mn_rows_apart(
        mn_apply2(&op_batched_matmul, x, y, &(transposes){transpose_x, transpose_y}));
}

/* --- y (B,O) = x (B,I) weight^T + bias, weight (O,I), bias (O) --- */

static mn_status linear_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_check_matrix(node, 0, "(B,I)"));
    MN_TRY(mn_check_matrix(node, 1, "a weight (O,I)"));
    const mn_shape x = mn_node_x_shape(node, 0), weight = mn_node_x_shape(node, 1);
    if (x.size[1] != weight.size[1])
        return mn_shapes_differ(x, weight);
    *out = MN_SHAPE(x.size[0], weight.size[0]);
    node->operations = 2.0 * (double)(x.size[0] * x.size[1] * weight.size[0]);
    if (node->inputs[2] == NULL)
        return MN_OK;
    const mn_shape bias = mn_node_x_shape(node, 2);
    char text[64];
    if (!mn_shape_equal(bias, MN_SHAPE(weight.size[0])))
        return mn_fail(MN_BAD_SHAPE, "the bias is %s, expected (%lld)", mn_shape_text(bias, text),
                       (long long)weight.size[0]);
    return MN_OK;
}

static mn_status linear_forward(mn_node *node)
{
    const mn_shape out = node->output.value.shape;
    const int64_t rows = out.size[0], outputs = out.size[1],
                  inputs = mn_node_x_shape(node, 0).size[1];
    const float *bias = mn_node_x(node, 2);
    if (bias != NULL)
        mn_kernel_fill_rows(rows, outputs, bias, mn_node_y(node));
    mn_kernel_gemm(false, true, rows, outputs, inputs, mn_node_x(node, 0), mn_node_x(node, 1),
                   mn_node_y(node), bias != NULL);
    return MN_OK;
}

static mn_status linear_backward(
    mn_node *node) /* dx = dy weight, dweight = dy^T x, dbias = sum dy */
{
    const mn_shape out = node->output.value.shape;
    const int64_t rows = out.size[0], outputs = out.size[1],
                  inputs = mn_node_x_shape(node, 0).size[1];
    const float *dy = mn_node_dy(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_gemm(false, false, rows, inputs, outputs, dy, mn_node_x(node, 1), dx, add);
    float *dweight = mn_node_sink(node, 1, &add);
    if (dweight != NULL)
        mn_kernel_gemm(true, false, outputs, inputs, rows, dy, mn_node_x(node, 0), dweight, add);
    float *dbias = mn_node_sink(node, 2, &add);
    if (dbias != NULL)
        mn_kernel_column_sums(rows, outputs, dy, dbias, add);
    return MN_OK;
}

enum { DY_SQUARED, X_SQUARED, PRODUCTS }; /* saved */

/* sum_i (dy_i x_i^T)^2 = (dy dy)^T (x x) */
static mn_status linear_squares(mn_node *node)
{
    const mn_shape out = node->output.value.shape;
    const int64_t rows = out.size[0], outputs = out.size[1],
                  inputs = mn_node_x_shape(node, 0).size[1];
    float *dy = mn_saved_memory(node, DY_SQUARED, MN_F32, rows * outputs);
    float *x = mn_saved_memory(node, X_SQUARED, MN_F32, rows * inputs);
    if (dy == NULL || x == NULL)
        return MN_NO_MEMORY;
    mn_kernel_map(MN_FUNCTION_SQUARE, rows * outputs, 0, 0, mn_node_dy(node), dy);
    mn_kernel_map(MN_FUNCTION_SQUARE, rows * inputs, 0, 0, mn_node_x(node, 0), x);
    float *weight = mn_node_squares_sink(node, 1);
    if (weight != NULL)
        mn_kernel_gemm(true, false, outputs, inputs, rows, dy, x, weight, true);
    float *bias = mn_node_squares_sink(node, 2);
    if (bias != NULL)
        mn_kernel_column_sums(rows, outputs, dy, bias, true);
    return MN_OK;
}

static mn_status linear_products(mn_node *node)
{
    const int64_t outputs = node->output.value.shape.size[1];
    const float *dy = mn_node_dy(node);
    MN_TRY(mn_node_add_products(node, 2, outputs, dy, 0, NULL, PRODUCTS));
    return mn_node_add_products(node, 1, outputs, dy, mn_node_x_shape(node, 0).size[1],
                                mn_node_x(node, 0), PRODUCTS);
}

static const mn_op op_linear = {"linear", 0, linear_shape, linear_forward, linear_backward};

mn_var *mn_linear(mn_var *x, mn_var *weight, mn_var *bias)
{
    return mn_rows_apart_with(mn_apply(&op_linear, (mn_var *[]){x, weight, bias}, 3, NULL),
                              linear_squares, linear_products);
}
