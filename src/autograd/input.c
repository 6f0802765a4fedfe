/* input.c -- what is brought onto the tape: borrowed parameters and constants, copies, fills. */
#include "autograd/input.h"
#include "autograd/memory.h"
#include "autograd/tape.h"
#include "tensor/kernels.h"

mn_var *mn_tape_var(mn_tape *tape, mn_shape shape, void *data)
{
    mn_var *x = mn_tape_take(tape, sizeof *x);
    if (x != NULL && data == NULL)
        data = mn_tape_take(tape, (size_t)mn_shape_count(shape) * sizeof(float));
    if (x == NULL || data == NULL)
        return NULL;
    *x = (mn_var){.tape = tape};
    mn_tensor_place(&x->value, MN_F32, shape, data);
    return x;
}

static mn_var *borrow(mn_tape *tape, const char *name, const mn_tensor *value)
{
    if (tape == NULL || tape->status != MN_OK)
        return mn_tape_poison(tape);
    mn_status status = MN_OK;
    if (value == NULL)
        status = mn_fail(MN_BAD_VALUE, "there is no tensor");
    else if (value->dtype != MN_F32)
        status = mn_fail(MN_UNSUPPORTED, "the tensor is %s; arithmetic is done in f32",
                         mn_dtype_text(value->dtype));
    if (status != MN_OK) {
        mn_tape_fail(tape, name, status);
        return &tape->poison;
    }
    mn_var *x = mn_tape_var(tape, value->shape, value->data);
    if (x == NULL)
        return &tape->poison;
    mn_tensor_lie(&x->value, value->layout);
    return x;
}

mn_var *mn_const(mn_tape *tape, const mn_tensor *value)
{
    return borrow(tape, "const", value);
}

mn_var *mn_leaf(mn_tape *tape, const mn_tensor *value, mn_tensor *gradient)
{
    mn_var *x = borrow(tape, "leaf", value);
    if (x == mn_tape_poison(tape) || gradient == NULL)
        return x;
    if (!mn_shape_equal(value->shape, gradient->shape)) {
        mn_tape_fail(tape, "leaf", mn_shapes_differ(value->shape, gradient->shape));
        return &tape->poison;
    }
    x->parameter = gradient;
    x->to_parameter = true;
    return x;
}

static mn_var *blank(mn_tape *tape, const char *name, mn_shape shape)
{
    if (tape == NULL || tape->status != MN_OK)
        return mn_tape_poison(tape);
    const mn_status status = mn_shape_check(shape);
    if (status != MN_OK) {
        mn_tape_fail(tape, name, status);
        return &tape->poison;
    }
    mn_var *x = mn_tape_var(tape, shape, NULL);
    return x != NULL ? x : &tape->poison;
}

mn_var *mn_input(mn_tape *tape, mn_shape shape, const float *elements, bool differentiable)
{
    mn_var *x = blank(tape, "input", shape);
    if (x == mn_tape_poison(tape))
        return x;
    const int64_t count = mn_shape_count(shape);
    if (elements == NULL && count > 0) {
        mn_tape_fail(tape, "input", mn_fail(MN_BAD_VALUE, "there are no elements"));
        return &tape->poison;
    }
    mn_kernel_upload(x->value.data, elements, (size_t)count * sizeof *elements);
    x->to_input = differentiable;
    return x;
}

mn_var *mn_zeros(mn_tape *tape, mn_shape shape)
{
    mn_var *x = blank(tape, "zeros", shape);
    if (x != mn_tape_poison(tape))
        mn_kernel_fill(mn_shape_count(shape), 0, x->value.data);
    return x;
}

mn_var *mn_one_hot(mn_tape *tape, const int32_t *labels, int64_t count, int64_t classes)
{
    mn_var *x = mn_zeros(tape, MN_SHAPE(count, classes));
    const float one = 1;
    for (int64_t i = 0; i < count && x != mn_tape_poison(tape); i++) {
        if (labels[i] < 0 || labels[i] >= classes) {
            mn_tape_fail(tape, "one_hot",
                         mn_fail(MN_BAD_VALUE, "row %lld has label %d, expected 0 to %lld",
                                 (long long)i, labels[i], (long long)classes - 1));
            return &tape->poison;
        }
        mn_kernel_upload(mn_tensor_floats(&x->value) + i * classes + labels[i], &one, sizeof one);
    }
    return x;
}

mn_var *mn_detach(mn_var *x)
{
    if (x == NULL || x->tape->status != MN_OK)
        return x != NULL ? &x->tape->poison : NULL;
    mn_var *constant = mn_tape_var(x->tape, x->value.shape, x->value.data);
    if (constant == NULL)
        return &x->tape->poison;
    mn_tensor_lie(&constant->value, x->value.layout);
    return constant;
}
