/* safetensors_write.h -- tensors by name into one file, in the format that safetensors.h describes.
 */
#ifndef MN_TENSOR_FILE_SAFETENSORS_WRITE_H
#define MN_TENSOR_FILE_SAFETENSORS_WRITE_H

#include <mneme/tensor.h>

typedef struct mn_named_values {
    const char *name;
    mn_shape shape;
    const float *values; /* mn_shape_count(shape) */
} mn_named_values;

/* Writes a file of F32 tensors in order of name, byte for byte as the format's own library would.
 * It is there whole or not at all: written beside `path`, then renamed.  Sorts `tensors`. */
mn_status mn_safetensors_write(const char *path, mn_named_values *tensors, int64_t count);

#endif
