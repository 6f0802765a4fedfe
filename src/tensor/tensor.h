/* tensor.h -- the inside of a tensor, for the floors that place tensors in memory of their own. */
#ifndef MN_TENSOR_TENSOR_H
#define MN_TENSOR_TENSOR_H

#include <mneme/tensor.h>

typedef struct mn_layout mn_layout; /* opaque: only the device's kernels know what is in it */

struct mn_tensor {
    void *data; /* the device's memory: above the tensor floor nobody dereferences it */
    const mn_layout *layout; /* NULL: plain row-major */
    mn_shape shape;
    mn_dtype dtype;
    bool forgotten; /* of a gradient: stands for zeros, whatever is in the memory */
};

/* Makes `tensor` stand for plain memory that somebody else owns and frees. */
void mn_tensor_place(mn_tensor *tensor, mn_dtype dtype, mn_shape shape, void *data);
/* Makes `view`, embedded in whatever the caller owns, stand for the elements offset.. of a plain
 * `slab`, whose memory it shares.  Never mn_tensor_free() a view.  MN_BAD_SHAPE. */
mn_status mn_tensor_view(const mn_tensor *slab, int64_t offset, mn_shape shape, mn_tensor *view);

/* MN_UNSUPPORTED unless convolutions in that type are faster than in f32 on this processor. */
mn_status mn_tensor_precision(mn_dtype dtype);
size_t mn_dtype_bytes(mn_dtype dtype);
const char *mn_dtype_text(mn_dtype dtype);
/* Counts the changes that the functions of mneme/tensor.h, and those that call mn_tensor_changed(),
 * have made to any tensor: what was derived from one is good for as long as the count stands. */
uint64_t mn_tensor_changes(void);
void mn_tensor_changed(void);
/* MN_BAD_SHAPE when the rank or a size makes no sense or the bytes would not fit in memory. */
mn_status mn_shape_check(mn_shape shape);
/* MN_BAD_SHAPE: "(32,10) vs (32,7)". */
mn_status mn_shapes_differ(mn_shape a, mn_shape b);

/* The memory of an f32 tensor, to be handed to kernels. */
static inline float *mn_tensor_floats(const mn_tensor *tensor)
{
    return tensor->data;
}

#endif
