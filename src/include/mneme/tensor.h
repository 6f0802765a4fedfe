/* tensor.h -- shaped memory, and flat arithmetic on it.
 *
 * A tensor has a shape, an element type and a layout: plain row-major, or one that only the device
 * understands (a convolution's preferred blocking).  Nothing above the tensor floor looks at the
 * elements through a pointer: they are written and read through the functions here, so that a
 * second device is one more folder below and no change above.
 */
#ifndef MNEME_TENSOR_H
#define MNEME_TENSOR_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MN_MAX_RANK 5

typedef struct mn_tensor mn_tensor;

#define MN_DTYPE_MAP(X) X(F32, "f32", 4) X(BF16, "bf16", 2) X(U8, "u8", 1) X(I32, "i32", 4)

typedef enum mn_dtype {
#define X(name, text, bytes) MN_##name,
    MN_DTYPE_MAP(X)
#undef X
} mn_dtype;

typedef struct mn_shape {
    int rank; /* 0 is a scalar */
    int64_t size[MN_MAX_RANK];
} mn_shape;

/* Shapes in expressions: MN_SHAPE(batch, 784).  C++ has no compound literals. */
#ifdef __cplusplus
extern "C++" {
template <typename... sizes> constexpr mn_shape mn_shape_from(sizes... size)
{
    return mn_shape{(int)sizeof...(size), {static_cast<int64_t>(size)...}};
}
}
#define MN_SHAPE(...) mn_shape_from(__VA_ARGS__)
#define MN_SCALAR mn_shape_from()
#else
#define MN_SHAPE(...)                                                                              \
    ((mn_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define MN_SCALAR ((mn_shape){0, {0}})
#endif

MN_API int64_t mn_shape_count(mn_shape shape); /* 1 for a scalar; 0 when an axis is empty */
MN_API bool mn_shape_equal(mn_shape a, mn_shape b);
/* Writes "(32,10)" to text and returns text. */
MN_API const char *mn_shape_text(mn_shape shape, char text[64]);

/* A zero-filled, 64-byte aligned tensor that the caller frees.  MN_NO_MEMORY. */
MN_API mn_status mn_tensor_new(mn_dtype dtype, mn_shape shape, mn_tensor **tensor);
MN_API void mn_tensor_free(mn_tensor *tensor); /* NULL is fine */

MN_API mn_dtype mn_tensor_dtype(const mn_tensor *tensor);
MN_API mn_shape mn_tensor_shape(const mn_tensor *tensor);
MN_API int64_t mn_tensor_count(const mn_tensor *tensor);
MN_API size_t mn_tensor_bytes(const mn_tensor *tensor); /* of the plain, row-major form */

/* Plain row-major elements in and out; `bytes` must be mn_tensor_bytes().  MN_BAD_SHAPE. */
MN_API mn_status mn_tensor_write(mn_tensor *tensor, const void *elements, size_t bytes);
MN_API mn_status mn_tensor_read(const mn_tensor *tensor, void *elements, size_t bytes);

/* Flat f32 arithmetic on tensors of equal count; MN_BAD_SHAPE otherwise.  Reductions are summed in
 * double in a fixed order. */
MN_API mn_status mn_tensor_fill(mn_tensor *y, float value); /* y = v */
MN_API mn_status mn_tensor_copy(mn_tensor *y, const mn_tensor *x); /* y = x */
/* Rows first to before first + count of y alone: y[i] = x[i].  Equal shapes. */
MN_API mn_status mn_tensor_copy_rows(mn_tensor *y, const mn_tensor *x, int64_t first,
                                     int64_t count);
/* y = a x + b y */
MN_API mn_status mn_tensor_axpby(mn_tensor *y, float a, const mn_tensor *x, float b);
MN_API mn_status mn_tensor_mul(mn_tensor *y, const mn_tensor *x); /* y = y x */
MN_API mn_status mn_tensor_div(mn_tensor *y, const mn_tensor *x); /* y = y / x */
MN_API mn_status mn_tensor_clamp(mn_tensor *y, float low, float high); /* y = min(max(y, l), h) */
/* y = y + a w (x - x0): the gradient of a quadratic pull towards an anchor. */
MN_API mn_status mn_tensor_pull(mn_tensor *y, float a, const mn_tensor *weight, const mn_tensor *x,
                                const mn_tensor *anchor);
/* y -= (<x, y> / <x, x>) x where the two disagree, <x, y> < 0; nothing where they do not. */
MN_API mn_status mn_tensor_project(mn_tensor *y, const mn_tensor *x);
MN_API double mn_tensor_dot(const mn_tensor *x, const mn_tensor *y); /* <x, y> */
MN_API double mn_tensor_norm(const mn_tensor *x); /* |x|_2 */

/* The place of the largest of count values on the host, of equals the first; 0 when empty. */
MN_API int64_t mn_argmax(const float *values, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
