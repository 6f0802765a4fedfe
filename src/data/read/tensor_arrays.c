/* tensor_arrays.c -- arrays out of a safetensors file, as a feature extractor of PyTorch saves
 * them.
 *
 * All but BF16 keep their bytes: a float of 64 bits may be a time stamp, of which one of 32 keeps
 * nothing that matters. */
#include "data/read/tensor_arrays.h"
#include "tensor/file/safetensors.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static mn_status take_bytes(const mn_safetensors *file, int64_t i, mn_array *array)
{
    const mn_safetensor *tensor = mn_safetensors_at(file, i);
    const size_t bytes = tensor->end - tensor->begin;
    array->type = tensor->floating          ? MN_ARRAY_FLOAT
                  : tensor->dtype[0] == 'I' ? MN_ARRAY_SIGNED
                  : tensor->dtype[0] == 'B' ? MN_ARRAY_BOOL
                                            : MN_ARRAY_UNSIGNED;
    array->item = array->count > 0 ? (int64_t)bytes / array->count : 1;
    array->block = mn_memory_take(bytes + 1, 1);
    if (array->block == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for '%s'", tensor->name);
    memcpy(array->block, mn_safetensors_bytes(file, i), bytes);
    return MN_OK;
}

/* BF16, which nothing else here knows, becomes f32. */
static mn_status take_floats(const mn_safetensors *file, int64_t i, mn_array *array)
{
    float *values;
    MN_TRY(mn_safetensors_floats(file, i, &values));
    array->type = MN_ARRAY_FLOAT;
    array->item = sizeof *values;
    array->block = (uint8_t *)values;
    return MN_OK;
}

static mn_status take(const char *path, const mn_safetensors *file, int64_t i, mn_array *array)
{
    const mn_safetensor *tensor = mn_safetensors_at(file, i);
    MN_TRY(mn_safetensors_known(file, i));
    if (tensor->shape.rank > MN_ARRAY_MAX_RANK)
        return mn_fail(MN_BAD_SHAPE, "%s: '%s' has %d axes; at most %d are supported", path,
                       tensor->name, tensor->shape.rank, MN_ARRAY_MAX_RANK);
    array->rank = tensor->shape.rank;
    array->count = mn_shape_count(tensor->shape);
    for (int axis = 0; axis < array->rank; axis++)
        array->size[axis] = tensor->shape.size[axis];
    const bool widened = strcmp(tensor->dtype, "BF16") == 0;
    MN_TRY((widened ? take_floats : take_bytes)(file, i, array));
    array->values = array->block;
    return MN_OK;
}

mn_status mn_safetensors_arrays(const char *path, int n, const char *const *names, mn_array *arrays)
{
    mn_safetensors *file;
    MN_TRY(mn_safetensors_open(path, &file));
    mn_status status = MN_OK;
    for (int64_t i = 0; i < mn_safetensors_count(file); i++)
        for (int k = 0; k < n && status == MN_OK; k++)
            if (strcmp(mn_safetensors_at(file, i)->name, names[k]) == 0 && arrays[k].block == NULL)
                status = take(path, file, i, &arrays[k]);
    mn_safetensors_close(file);
    return status;
}
