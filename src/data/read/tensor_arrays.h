/* tensor_arrays.h -- arrays out of safetensors. */
#ifndef MN_DATA_READ_TENSOR_ARRAYS_H
#define MN_DATA_READ_TENSOR_ARRAYS_H

#include "data/read/array.h"

/* Reads the tensors of a safetensors file that are called names[0..n-1]; the same for what is not
 * there.  Floating ones come as f32. */
mn_status mn_safetensors_arrays(const char *path, int n, const char *const *names,
                                mn_array *arrays);

#endif
