/* layout_kernels.h -- where the elements of a tensor lie, when not row by row, as a device says.
 *
 * A layout is immutable, lives as long as the program, and equal ones are one object: pointers are
 * compared.  It belongs to one shape.  Its memory may be longer than the elements need; what pads
 * it is zero, and stays zero under functions that map 0 to 0. */
#ifndef MN_TENSOR_LAYOUT_KERNELS_H
#define MN_TENSOR_LAYOUT_KERNELS_H

#include "tensor/tensor.h"

/* With what pads it: the size of its memory. */
size_t mn_tensor_stored_bytes(const mn_tensor *tensor);
static inline int64_t mn_tensor_stored_count(const mn_tensor *tensor)
{
    return (int64_t)(mn_tensor_stored_bytes(tensor) / mn_dtype_bytes(tensor->dtype));
}

size_t mn_layout_bytes(const mn_layout *layout);
mn_dtype mn_layout_dtype(const mn_layout *layout); /* of the elements: f32 or bf16 */
/* The same order of elements in that type; NULL stands for plain f32, here too. */
mn_status mn_layout_in(const mn_layout *layout, mn_dtype dtype, const mn_layout **twin);
/* Gives the tensor that layout and the type of its elements. */
static inline void mn_tensor_lie(mn_tensor *tensor, const mn_layout *layout)
{
    tensor->layout = layout;
    tensor->dtype = mn_layout_dtype(layout);
}
/* y (+)= x, each in its own layout and type of elements; shapes are equal. */
mn_status mn_kernel_reorder(const mn_tensor *x, mn_tensor *y, bool add);

#endif
