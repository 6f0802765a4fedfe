/* read.c -- what a value on the tape holds, on the host or in a tensor. */
#include "autograd/layout.h"
#include "autograd/tape.h"
#include "tensor/kernels.h"

#include <inttypes.h>
#include <math.h>

mn_shape mn_shape_of(const mn_var *x)
{
    return x != NULL ? x->value.shape : MN_SCALAR;
}

int64_t mn_rows_of(const mn_var *x)
{
    return x != NULL && x->value.shape.rank > 0 ? x->value.shape.size[0] : 1;
}

double mn_item(const mn_var *scalar)
{
    float item = NAN;
    if (scalar != NULL && scalar->tape->status == MN_OK && mn_tensor_count(&scalar->value) == 1)
        mn_kernel_download(&item, scalar->value.data, sizeof item);
    return (double)item;
}

/* On the CPU, plain elements are where they are; NULL for a value that is gone. */
const float *mn_host(mn_var *x)
{
    if (x == NULL || x->tape->status != MN_OK)
        return NULL;
    if (x->value.layout == NULL || x->value.data == NULL)
        return mn_tensor_floats(&x->value);
    const mn_var *plain = mn_in_layout(mn_detach(x), NULL);
    return x->tape->status == MN_OK ? mn_tensor_floats(&plain->value) : NULL;
}

mn_status mn_values(mn_var *x, const float **values)
{
    *values = mn_host(x);
    if (*values != NULL)
        return MN_OK;
    if (x == NULL)
        return mn_fail(MN_BAD_VALUE, "there is no variable to read");
    if (x->tape->status != MN_OK)
        return mn_fail(x->tape->status, "%s", mn_tape_error(x->tape));
    return mn_fail(MN_OUT_OF_ORDER,
                   "its values are gone; after mn_backward_now() logits and features can be read");
}

mn_status mn_store(mn_var *x, mn_tensor *tensor)
{
    const float *values;
    MN_TRY(mn_values(x, &values));
    return mn_tensor_write(tensor, values, (size_t)mn_tensor_count(&x->value) * sizeof *values);
}

static mn_status check_rows(const mn_var *x, const mn_tensor *tensor)
{
    char what[64], where[64];
    mn_shape whole = x->value.shape;
    if (whole.rank > 0)
        whole.size[0] = tensor->shape.size[0];
    return whole.rank > 0 && mn_shape_equal(whole, tensor->shape)
               ? MN_OK
               : mn_fail(MN_BAD_SHAPE,
                         "store: %s are no rows of %s; axes but the first must be equal",
                         mn_shape_text(x->value.shape, what), mn_shape_text(tensor->shape, where));
}

mn_status mn_store_rows(mn_var *x, mn_tensor *tensor, int64_t first)
{
    const float *values;
    MN_TRY(mn_values(x, &values));
    MN_TRY(check_rows(x, tensor));
    const int64_t rows = x->value.shape.size[0];
    if (first < 0 || first > tensor->shape.size[0] - rows)
        return mn_fail(MN_BAD_SHAPE,
                       "store: %" PRId64 " rows from row %" PRId64 " on do not fit in %" PRId64,
                       rows, first, tensor->shape.size[0]);
    if (rows == 0)
        return MN_OK;
    mn_tensor view;
    MN_TRY(
        mn_tensor_view(tensor, first * (mn_tensor_count(&x->value) / rows), x->value.shape, &view));
    return mn_tensor_write(&view, values, (size_t)mn_tensor_count(&x->value) * sizeof *values);
}

mn_status mn_store_at(mn_var *x, mn_tensor *tensor, const int64_t *places)
{
    const float *values;
    MN_TRY(mn_values(x, &values));
    MN_TRY(check_rows(x, tensor));
    const int64_t rows = x->value.shape.size[0], all = tensor->shape.size[0];
    for (int64_t i = 0; i < rows; i++)
        if (places[i] < 0 || places[i] >= all)
            return mn_fail(MN_BAD_VALUE, "store: there is no row %" PRId64 " in %" PRId64,
                           places[i], all);
    mn_shape one = x->value.shape;
    one.size[0] = 1;
    const int64_t width = mn_shape_count(one);
    for (int64_t i = 0; i < rows; i++) {
        mn_tensor row;
        MN_TRY(mn_tensor_view(tensor, places[i] * width, one, &row));
        MN_TRY(mn_tensor_write(&row, values + i * width, (size_t)width * sizeof *values));
    }
    return MN_OK;
}
