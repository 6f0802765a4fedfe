/* tape.c -- the tape: its arena, its sticky error, and what is brought onto it.
 *
 * The poison var is a scalar NaN embedded in the tape.  Any function may be given it, and asks the
 * tape, not the var, whether all is well. */
#include "autograd/done.h"
#include "autograd/node.h"
#include "autograd/profile.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct prepared {
    struct prepared *next;
    const void *weight;
    const mn_layout *layout;
    uint64_t changes;
    void *memory;
} prepared;

struct mn_tape {
    mn_arena arena;
    mn_node *last;
    prepared *prepared;
    mn_profile *profile;
    mn_sweep sweep;
    mn_var poison;
    float not_a_number;
    bool recording;
    mn_dtype precision;
    mn_status status;
    char error[512];
    char scope[64];
};

mn_status mn_tape_new(mn_tape **tape)
{
    *tape = calloc(1, sizeof **tape);
    if (*tape == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for a tape");
    (*tape)->recording = true;
    (*tape)->not_a_number = NAN;
    (*tape)->poison.tape = *tape;
    mn_tensor_place(&(*tape)->poison.value, MN_F32, MN_SCALAR, &(*tape)->not_a_number);
    return MN_OK;
}

void mn_tape_free(mn_tape *tape)
{
    if (tape != NULL)
        mn_arena_free(&tape->arena);
    free(tape);
}

/* Whether the tape records is a mode, not a part of the step: it stays. */
void mn_tape_reset(mn_tape *tape)
{
    mn_arena_reset(&tape->arena);
    tape->last = NULL;
    tape->prepared = NULL;
    tape->status = MN_OK;
    tape->error[0] = '\0';
    tape->scope[0] = '\0';
}

void mn_tape_record(mn_tape *tape, bool gradients)
{
    tape->recording = gradients;
}

bool mn_tape_recording(const mn_tape *tape)
{
    return tape->recording;
}

mn_status mn_tape_precision(mn_tape *tape, mn_dtype precision)
{
    MN_TRY(mn_kernels_precision(precision));
    tape->precision = precision;
    return MN_OK;
}

mn_dtype mn_tape_precision_of(const mn_tape *tape)
{
    return tape->precision;
}

void mn_tape_scope(mn_tape *tape, const char *label)
{
    snprintf(tape->scope, sizeof tape->scope, "%s", label != NULL ? label : "");
}

mn_status mn_tape_status(const mn_tape *tape)
{
    return tape->status;
}

const char *mn_tape_error(const mn_tape *tape)
{
    return tape->error;
}

size_t mn_tape_bytes(const mn_tape *tape)
{
    return mn_arena_high_water(&tape->arena);
}

mn_var *mn_tape_poison(mn_tape *tape)
{
    return tape != NULL ? &tape->poison : NULL;
}

void mn_tape_fail(mn_tape *tape, const char *op, mn_status status)
{
    if (tape == NULL || tape->status != MN_OK)
        return;
    tape->status = status;
    const bool scoped = tape->scope[0] != '\0';
    snprintf(tape->error, sizeof tape->error, "%s: %s%s%s", op, mn_error(), scoped ? " in " : "",
             tape->scope);
    mn_fail(status, "%s", tape->error);
}

void *mn_tape_take(mn_tape *tape, size_t bytes)
{
    void *memory = mn_arena_take(&tape->arena, bytes);
    if (memory == NULL)
        mn_tape_fail(tape, "tape", mn_fail(MN_NO_MEMORY, "no memory for %zu more bytes", bytes));
    return memory;
}

void mn_tape_give(mn_tape *tape, mn_tensor *tensor)
{
    if (mn_arena_give(&tape->arena, tensor->data, mn_tensor_stored_bytes(tensor)))
        tensor->data = NULL;
}

void mn_var_done(mn_var *result)
{
    mn_tape *tape = mn_tape_of(result);
    if (tape != NULL && result != &tape->poison && !result->to_parameter && !result->to_input)
        mn_tape_give(tape, &result->value);
}

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

const mn_arena *mn_tape_arena(const mn_tape *tape)
{
    return &tape->arena;
}

void mn_tape_append(mn_tape *tape, mn_node *node)
{
    node->previous = tape->last;
    if (tape->last != NULL)
        tape->last->next = node;
    tape->last = node;
}

void *mn_tape_prepared(mn_tape *tape, const void *weight, const mn_layout *layout, bool *fresh)
{
    prepared *p = tape->prepared;
    while (p != NULL && (p->weight != weight || p->layout != layout))
        p = p->next;
    *fresh = p == NULL || p->changes != mn_tensor_changes();
    if (p == NULL) {
        p = mn_tape_take(tape, sizeof *p);
        void *memory = mn_tape_take(tape, mn_layout_bytes(layout));
        if (p == NULL || memory == NULL)
            return NULL;
        *p = (prepared){tape->prepared, weight, layout, 0, memory};
        tape->prepared = p;
    }
    p->changes = mn_tensor_changes();
    return p->memory;
}

void mn_tape_profile(mn_tape *tape, mn_profile *profile)
{
    tape->profile = profile;
}

mn_profile *mn_tape_profile_of(const mn_tape *tape)
{
    return tape->profile;
}

void mn_var_name(mn_var *leaf, const char *name)
{
    if (leaf != mn_tape_poison(leaf->tape))
        leaf->name = name;
}

mn_sweep *mn_tape_sweep(mn_tape *tape)
{
    return &tape->sweep;
}

/* --- bringing memory onto the tape --- */

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

/* --- reading --- */

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

static mn_status values_of(mn_var *x, const float **values)
{
    *values = mn_host(x);
    if (x == NULL || (*values == NULL && x->tape->status == MN_OK))
        return mn_fail(MN_BAD_VALUE, "store: there is no value");
    if (*values == NULL)
        return mn_fail(x->tape->status, "%s", mn_tape_error(x->tape));
    return MN_OK;
}

mn_status mn_store(mn_var *x, mn_tensor *tensor)
{
    const float *values;
    MN_TRY(values_of(x, &values));
    return mn_tensor_write(tensor, values, (size_t)mn_tensor_count(&x->value) * sizeof *values);
}

mn_status mn_store_rows(mn_var *x, mn_tensor *tensor, int64_t first)
{
    const float *values;
    MN_TRY(values_of(x, &values));
    char what[64], where[64];
    mn_shape whole = x->value.shape;
    if (whole.rank > 0)
        whole.size[0] = tensor->shape.size[0];
    if (whole.rank == 0 || !mn_shape_equal(whole, tensor->shape))
        return mn_fail(MN_BAD_SHAPE,
                       "store: %s are no rows of %s; axes but the first must be equal",
                       mn_shape_text(x->value.shape, what), mn_shape_text(tensor->shape, where));
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

mn_tape *mn_tape_of(const mn_var *x)
{
    return x != NULL ? x->tape : NULL;
}

mn_var *mn_tape_refuse(mn_tape *tape, const char *what, mn_status status)
{
    mn_tape_fail(tape, what, status);
    return mn_tape_poison(tape);
}
