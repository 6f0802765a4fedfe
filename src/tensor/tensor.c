/* tensor.c -- shapes, and tensors that own their memory.
 *
 * A tensor made here is one allocation, the struct before its elements, so that freeing it is one
 * step and views and tensors in an arena are the same struct without any flag. */
#include "tensor/tensor.h"
#include "base/memory.h"
#include "tensor/kernels.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static const size_t dtype_bytes[] = {
#define X(name, text, bytes) bytes,
    MN_DTYPE_MAP(X)
#undef X
};
static const char *const dtype_texts[] = {
#define X(name, text, bytes) text,
    MN_DTYPE_MAP(X)
#undef X
};

static atomic_uint_fast64_t changes;

uint64_t mn_tensor_changes(void)
{
    return atomic_load_explicit(&changes, memory_order_relaxed);
}

void mn_tensor_changed(void)
{
    atomic_fetch_add_explicit(&changes, 1, memory_order_relaxed);
}

size_t mn_dtype_bytes(mn_dtype dtype)
{
    return dtype_bytes[dtype];
}

mn_status mn_tensor_precision(mn_dtype dtype)
{
    return mn_kernels_precision(dtype);
}

const char *mn_dtype_text(mn_dtype dtype)
{
    return dtype_texts[dtype];
}

int64_t mn_shape_count(mn_shape shape)
{
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++)
        count *= shape.size[i];
    return count;
}

bool mn_shape_equal(mn_shape a, mn_shape b)
{
    if (a.rank != b.rank)
        return false;
    for (int i = 0; i < a.rank; i++)
        if (a.size[i] != b.size[i])
            return false;
    return true;
}

const char *mn_shape_text(mn_shape shape, char text[64])
{
    const size_t bytes = 64;
    size_t used = (size_t)snprintf(text, bytes, "(");
    for (int i = 0; i < shape.rank && i < MN_MAX_RANK && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%" PRId64, i > 0 ? "," : "",
                                 shape.size[i]);
    if (used < bytes)
        snprintf(text + used, bytes - used, ")");
    return text;
}

mn_status mn_shape_check(mn_shape shape)
{
    const int64_t most = INT64_MAX >> 20; /* times an element's bytes: no address space is larger */
    if (shape.rank < 0 || shape.rank > MN_MAX_RANK)
        return mn_fail(MN_BAD_SHAPE, "%d axes; a tensor has 0 to %d", shape.rank, MN_MAX_RANK);
    int64_t count = 1; /* of the axes that are not empty */
    for (int i = 0; i < shape.rank; i++) {
        const int64_t size = shape.size[i];
        char text[64];
        if (size < 0 || (size > 0 && count > most / size))
            return mn_fail(MN_BAD_SHAPE, "%s is not a possible shape", mn_shape_text(shape, text));
        count *= size > 0 ? size : 1;
    }
    return MN_OK;
}

mn_status mn_shapes_differ(mn_shape a, mn_shape b)
{
    char a_text[64], b_text[64];
    return mn_fail(MN_BAD_SHAPE, "%s vs %s", mn_shape_text(a, a_text), mn_shape_text(b, b_text));
}

mn_status mn_tensor_new(mn_dtype dtype, mn_shape shape, mn_tensor **tensor)
{
    *tensor = NULL;
    MN_TRY(mn_shape_check(shape));
    const size_t header = (sizeof **tensor + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const size_t bytes = (size_t)mn_shape_count(shape) * dtype_bytes[dtype];
    const size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *memory = mn_memory_take_aligned(ALIGNMENT, header + rounded);
    if (memory == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for a tensor of %zu bytes", bytes);
    memset(memory + header, 0, rounded);
    *tensor = (mn_tensor *)(void *)memory;
    mn_tensor_place(*tensor, dtype, shape, memory + header);
    return MN_OK;
}

void mn_tensor_free(mn_tensor *tensor)
{
    mn_memory_give(tensor);
}

void mn_tensor_place(mn_tensor *tensor, mn_dtype dtype, mn_shape shape, void *data)
{
    *tensor = (mn_tensor){.data = data, .shape = shape, .dtype = dtype};
}

mn_status mn_tensor_view(const mn_tensor *slab, int64_t offset, mn_shape shape, mn_tensor *view)
{
    MN_TRY(mn_shape_check(shape));
    const int64_t count = mn_shape_count(shape), all = mn_tensor_count(slab);
    char text[64];
    if (slab->layout != NULL || offset < 0 || offset > all || count > all - offset)
        return mn_fail(MN_BAD_SHAPE, "a view %s at %" PRId64 " of a tensor of %" PRId64 " elements",
                       mn_shape_text(shape, text), offset, all);
    const size_t bytes = dtype_bytes[slab->dtype];
    mn_tensor_place(view, slab->dtype, shape, (char *)slab->data + (size_t)offset * bytes);
    return MN_OK;
}

mn_dtype mn_tensor_dtype(const mn_tensor *tensor)
{
    return tensor->dtype;
}

mn_shape mn_tensor_shape(const mn_tensor *tensor)
{
    return tensor->shape;
}

int64_t mn_tensor_count(const mn_tensor *tensor)
{
    return mn_shape_count(tensor->shape);
}

size_t mn_tensor_bytes(const mn_tensor *tensor)
{
    return (size_t)mn_tensor_count(tensor) * dtype_bytes[tensor->dtype];
}
