/* linear_algebra.c -- sums over rows into kept tensors, and systems solved from them. */
#include "autograd/input.h"
#include "autograd/tape.h"
#include "tensor/kernels.h"
#include "tensor/solve_kernels.h"
#include "tensor/tensor.h"

#include <inttypes.h>
#include <mneme/linear_algebra.h>
#include <mneme/memory.h>

static mn_status shapes(const char *what, mn_shape x, mn_shape y, mn_shape sum)
{
    char a[64], b[64], c[64];
    return mn_fail(MN_BAD_SHAPE, "%s: %s and %s do not go into %s", what, mn_shape_text(x, a),
                   mn_shape_text(y, b), mn_shape_text(sum, c));
}

/* sum: (K,D), of which `offset` floats are others' */
static mn_status add_products(mn_var *x, mn_var *y, mn_tensor *sum, int64_t offset, mn_shape one)
{
    const float *left, *right;
    const mn_shape a = mn_shape_of(x), b = mn_shape_of(y);
    MN_TRY(mn_values(x, &left));
    MN_TRY(mn_values(y, &right));
    if (a.rank != 2 || b.rank != 2 || one.rank != 2 || a.size[0] != b.size[0] ||
        a.size[1] != one.size[0] || b.size[1] != one.size[1])
        return shapes("products", a, b, one);
    mn_kernel_gemm(true, false, a.size[1], b.size[1], a.size[0], left, right,
                   mn_tensor_floats(sum) + offset, true);
    mn_tensor_changed();
    return MN_OK;
}

mn_status mn_add_products(mn_var *x, mn_var *y, mn_tensor *sum)
{
    return add_products(x, y, sum, 0, sum->shape);
}

mn_status mn_add_products_to(mn_var *x, mn_var *y, mn_tensor *sums, int64_t i)
{
    const mn_shape all = sums->shape;
    if (all.rank != 3 || i < 0 || i >= all.size[0])
        return shapes("products", mn_shape_of(x), mn_shape_of(y), all);
    return add_products(x, y, sums, i * all.size[1] * all.size[2],
                        MN_SHAPE(all.size[1], all.size[2]));
}

mn_status mn_add_by_label(mn_var *x, const int32_t *labels, mn_tensor *sum)
{
    const float *rows;
    const mn_shape shape = mn_shape_of(x);
    MN_TRY(mn_values(x, &rows));
    if (shape.rank != 2 || sum->shape.rank != 2 || shape.size[1] != sum->shape.size[1])
        return shapes("by label", shape, sum->shape, sum->shape);
    for (int64_t i = 0; i < shape.size[0]; i++)
        if (labels[i] >= sum->shape.size[0])
            return mn_fail(MN_BAD_VALUE, "by label: %d is not below %" PRId64, (int)labels[i],
                           sum->shape.size[0]);
    const int64_t width = shape.size[1];
    for (int64_t i = 0; i < shape.size[0]; i++)
        if (labels[i] >= 0)
            mn_kernel_axpby(width, 1, rows + i * width, 1,
                            mn_tensor_floats(sum) + labels[i] * width);
    mn_tensor_changed();
    return MN_OK;
}

mn_status mn_solve_symmetric(mn_var *matrix, double ridge, mn_var *right, mn_var **solution)
{
    const float *values, *sides;
    const mn_shape a = mn_shape_of(matrix), b = mn_shape_of(right);
    MN_TRY(mn_values(matrix, &values));
    MN_TRY(mn_values(right, &sides));
    if (a.rank != 2 || b.rank != 2 || a.size[0] != a.size[1] || a.size[1] != b.size[1])
        return shapes("solve", a, b, b);
    mn_var *solved = mn_tape_var(mn_tape_of(right), b, NULL);
    void *work = mn_memory_take(mn_kernel_solve_bytes(a.size[0], b.size[0]), 1);
    const bool room = solved != NULL && work != NULL;
    const bool definite = room && mn_kernel_solve(a.size[0], b.size[0], values, ridge, sides,
                                                  mn_tensor_floats(&solved->value), work);
    mn_memory_give(work);
    if (!room)
        return mn_fail(MN_NO_MEMORY, "out of memory for a system of %" PRId64 " unknowns",
                       a.size[0]);
    MN_TRY(mn_kernels_check());
    if (!definite)
        return mn_fail(
            MN_BAD_VALUE,
            "a matrix of %lld rows is not positive definite with a ridge of %g; a greater "
            "one makes it so",
            (long long)a.size[0], ridge);
    *solution = solved;
    return MN_OK;
}
