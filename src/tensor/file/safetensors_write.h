/* safetensors_write.h -- tensors by name into one file, in the format that safetensors.h describes.
 */
#ifndef MN_TENSOR_FILE_SAFETENSORS_WRITE_H
#define MN_TENSOR_FILE_SAFETENSORS_WRITE_H

#include "base/json.h"

#include <mneme/tensor.h>

typedef enum mn_value_type {
    MN_VALUES_F32,
    MN_VALUES_I32,
    MN_VALUES_F16,
    MN_VALUES_U8
} mn_value_type;

typedef struct mn_named_values {
    const char *name;
    mn_shape shape;
    const void *values; /* mn_shape_count(shape), of the type */
    mn_value_type type;
} mn_named_values;

/* Writes tensors into a file, byte for byte as the format's own library would: wide types first,
 * and in order of name.  It is there whole or not at all: written beside `path`, then renamed.
 * Sorts `tensors`. */
mn_status mn_safetensors_write(const char *path, mn_named_values *tensors, int64_t count);
/* The same with texts for the header's "__metadata__", an object of strings. */
mn_status mn_safetensors_write_with(const char *path, const cJSON *metadata,
                                    mn_named_values *tensors, int64_t count);

#endif
