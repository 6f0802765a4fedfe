/* arithmetic.c -- elements in and out of tensors, and flat arithmetic on them, by the kernels. */
#include "tensor/kernels.h"
#include "tensor/layout_kernels.h"

#include <inttypes.h>
#include <math.h>

static mn_status check_bytes(const mn_tensor *tensor, size_t bytes)
{
    char text[64];
    if (bytes != mn_tensor_bytes(tensor))
        return mn_fail(MN_BAD_SHAPE, "%zu bytes for a tensor %s of %zu bytes", bytes,
                       mn_shape_text(tensor->shape, text), mn_tensor_bytes(tensor));
    return MN_OK;
}

/* Elements in host memory as a plain tensor: on the CPU, memory is memory. */
static mn_tensor host_tensor(const mn_tensor *like, const void *elements)
{
    mn_tensor plain;
    mn_tensor_place(&plain, like->dtype, like->shape, (void *)(uintptr_t)elements);
    return plain;
}

static mn_status reorder_in(mn_tensor *tensor, const void *elements)
{
    const mn_tensor plain = host_tensor(tensor, elements);
    return mn_kernel_reorder(&plain, tensor, false);
}

static mn_status reorder_out(const mn_tensor *tensor, void *elements)
{
    mn_tensor plain = host_tensor(tensor, elements);
    return mn_kernel_reorder(tensor, &plain, false);
}

mn_status mn_tensor_write(mn_tensor *tensor, const void *elements, size_t bytes)
{
    MN_TRY(check_bytes(tensor, bytes));
    mn_tensor_changed();
    if (tensor->layout != NULL)
        return reorder_in(tensor, elements);
    mn_kernel_upload(tensor->data, elements, bytes);
    return MN_OK;
}

mn_status mn_tensor_read(const mn_tensor *tensor, void *elements, size_t bytes)
{
    MN_TRY(check_bytes(tensor, bytes));
    if (tensor->layout != NULL)
        return reorder_out(tensor, elements);
    mn_kernel_download(elements, tensor->data, bytes);
    return MN_OK;
}

static mn_status check_floats(const mn_tensor *tensor)
{
    if (tensor->dtype != MN_F32)
        return mn_fail(MN_BAD_SHAPE, "arithmetic is done on f32 tensors, not %s",
                       mn_dtype_text(tensor->dtype));
    return MN_OK;
}

static mn_status check_pair(const mn_tensor *x, const mn_tensor *y)
{
    MN_TRY(check_floats(x));
    MN_TRY(check_floats(y));
    if (mn_tensor_count(x) != mn_tensor_count(y))
        return mn_shapes_differ(x->shape, y->shape);
    return x->layout == y->layout
               ? MN_OK
               : mn_fail(MN_UNSUPPORTED, "flat arithmetic on tensors in two layouts");
}

mn_status mn_tensor_fill(mn_tensor *y, float value)
{
    MN_TRY(check_floats(y));
    if (y->layout != NULL && value != 0)
        return mn_fail(MN_UNSUPPORTED, "what pads a layout cannot be filled");
    mn_tensor_changed();
    mn_kernel_fill(mn_tensor_stored_count(y), value, y->data);
    return MN_OK;
}

mn_status mn_tensor_copy(mn_tensor *y, const mn_tensor *x)
{
    MN_TRY(check_pair(x, y));
    mn_tensor_changed();
    if (y->data != x->data)
        mn_kernel_axpby(mn_tensor_stored_count(y), 1, x->data, 0, y->data);
    return MN_OK;
}

mn_status mn_tensor_copy_rows(mn_tensor *y, const mn_tensor *x, int64_t first, int64_t count)
{
    MN_TRY(check_pair(x, y));
    if (!mn_shape_equal(x->shape, y->shape))
        return mn_shapes_differ(x->shape, y->shape);
    const int64_t rows = y->shape.rank > 0 ? y->shape.size[0] : 1;
    if (y->layout != NULL || first < 0 || count < 0 || first > rows - count)
        return mn_fail(MN_BAD_SHAPE, "%lld rows from row %lld on, of %lld, cannot be copied",
                       (long long)count, (long long)first, (long long)rows);
    mn_tensor_changed();
    const int64_t width = rows > 0 ? mn_tensor_count(y) / rows : 0;
    float *to = y->data;
    const float *from = x->data;
    if (count * width > 0 && to != from)
        mn_kernel_axpby(count * width, 1, from + first * width, 0, to + first * width);
    return MN_OK;
}

mn_status mn_tensor_axpby(mn_tensor *y, float a, const mn_tensor *x, float b)
{
    MN_TRY(check_pair(x, y));
    mn_tensor_changed();
    mn_kernel_axpby(mn_tensor_stored_count(y), a, x->data, b, y->data);
    return MN_OK;
}

mn_status mn_tensor_mul(mn_tensor *y, const mn_tensor *x)
{
    MN_TRY(check_pair(x, y));
    mn_tensor_changed();
    mn_kernel_mul(mn_tensor_stored_count(y), x->data, y->data, y->data);
    return MN_OK;
}

mn_status mn_tensor_div(mn_tensor *y, const mn_tensor *x)
{
    MN_TRY(check_pair(x, y));
    if (y->layout != NULL)
        return mn_fail(MN_UNSUPPORTED, "what pads a layout cannot be divided");
    mn_tensor_changed();
    mn_kernel_div(mn_tensor_count(y), y->data, x->data, y->data);
    return MN_OK;
}

mn_status mn_tensor_clamp(mn_tensor *y, float low, float high)
{
    MN_TRY(check_floats(y));
    if (y->layout != NULL && (low > 0 || high < 0))
        return mn_fail(MN_UNSUPPORTED, "what pads a layout stays zero");
    mn_tensor_changed();
    mn_kernel_map(MN_FUNCTION_CLAMP, mn_tensor_stored_count(y), low, high, y->data, y->data);
    return MN_OK;
}

mn_status mn_tensor_pull(mn_tensor *y, float a, const mn_tensor *weight, const mn_tensor *x,
                         const mn_tensor *anchor)
{
    MN_TRY(check_pair(x, y));
    MN_TRY(check_pair(weight, y));
    MN_TRY(check_pair(anchor, y));
    mn_tensor_changed();
    mn_kernel_pull(mn_tensor_stored_count(y), a, weight->data, x->data, anchor->data, y->data);
    return MN_OK;
}

double mn_tensor_dot(const mn_tensor *x, const mn_tensor *y)
{
    if (check_pair(x, y) != MN_OK)
        return (double)NAN;
    return mn_kernel_dot(mn_tensor_stored_count(x), x->data, y->data);
}

double mn_tensor_norm(const mn_tensor *x)
{
    return sqrt(mn_tensor_dot(x, x));
}

mn_status mn_tensor_project(mn_tensor *y, const mn_tensor *x)
{
    MN_TRY(check_pair(x, y));
    const double agreement = mn_tensor_dot(y, x);
    if (agreement >= 0)
        return MN_OK;
    return mn_tensor_axpby(y, (float)(-agreement / mn_tensor_dot(x, x)), x, 1);
}

int64_t mn_argmax(const float *values, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}
