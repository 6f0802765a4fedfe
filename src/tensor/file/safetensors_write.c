/* safetensors_write.c -- writes tensors in the safetensors format.
 *
 * The order of tensors, the spacing and the padding are those of the format's reference library,
 * so that equal tensors give equal files, whoever wrote them. */
#include "tensor/file/safetensors_write.h"
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };

/* In the order of the reference library, which puts wide types first: all values lie aligned. */
static const struct {
    const char *text;
    size_t bytes;
} types[] = {[MN_VALUES_F32] = {"F32", 4},
             [MN_VALUES_I32] = {"I32", 4},
             [MN_VALUES_F16] = {"F16", 2},
             [MN_VALUES_U8] = {"U8", 1}};

static int by_type_and_name(const void *a, const void *b)
{
    const mn_named_values *x = a, *y = b;
    return x->type != y->type ? (int)x->type - (int)y->type : strcmp(x->name, y->name);
}

static size_t bytes_of(const mn_named_values *tensor)
{
    return (size_t)mn_shape_count(tensor->shape) * types[tensor->type].bytes;
}

/* The header's text, padded with spaces so that the values begin at a multiple of ALIGNMENT. */
static char *header_of(const cJSON *metadata, const mn_named_values *tensors, int64_t count)
{
    cJSON *header = cJSON_CreateObject();
    size_t at = 0;
    if (metadata != NULL)
        cJSON_AddItemToObject(header, "__metadata__", cJSON_Duplicate(metadata, true));
    for (int64_t i = 0; i < count; i++) {
        cJSON *entry = cJSON_AddObjectToObject(header, tensors[i].name);
        cJSON_AddStringToObject(entry, "dtype", types[tensors[i].type].text);
        cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
        for (int axis = 0; axis < tensors[i].shape.rank; axis++)
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)tensors[i].shape.size[axis]));
        cJSON *offsets = cJSON_AddArrayToObject(entry, "data_offsets");
        cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)at));
        at += bytes_of(&tensors[i]);
        cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)at));
    }
    char *text = cJSON_PrintUnformatted(header);
    cJSON_Delete(header);
    const size_t length = text != NULL ? strlen(text) : 0;
    const size_t padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *header_text = text != NULL ? mn_memory_take(padded + 1, 1) : NULL;
    if (header_text != NULL)
        snprintf(header_text, padded + 1, "%-*s", (int)padded, text);
    cJSON_free(text);
    return header_text;
}

static bool write_all(int descriptor, const void *bytes, size_t count)
{
    for (const char *next = bytes; count > 0;) {
        const ssize_t written = write(descriptor, next, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        next += written;
        count -= (size_t)written;
    }
    return true;
}

static bool write_tensors(int descriptor, const char *header, const mn_named_values *tensors,
                          int64_t count)
{
    const uint64_t length = strlen(header);
    unsigned char bytes[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
    if (!write_all(descriptor, bytes, sizeof bytes) || !write_all(descriptor, header, length))
        return false;
    for (int64_t i = 0; i < count; i++)
        if (!write_all(descriptor, tensors[i].values, bytes_of(&tensors[i])))
            return false;
    return fsync(descriptor) == 0;
}

static mn_status cannot(const char *path)
{
    return mn_fail(errno == ENOSPC || errno == EDQUOT ? MN_DISK_FULL : MN_IO_FAILED,
                   "%s: cannot be written: %s", path, strerror(errno));
}

static mn_status write_beside(const char *path, const char *header, const mn_named_values *tensors,
                              int64_t count)
{
    char beside[4096];
    if (snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid()) >= (int)sizeof beside)
        return mn_fail(MN_BAD_OPTION, "%.60s...: the path is too long", path);
    const int descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return cannot(path);
    const bool written = write_tensors(descriptor, header, tensors, count);
    mn_status status = written ? MN_OK : cannot(path);
    if (close(descriptor) != 0 && status == MN_OK)
        status = cannot(path);
    if (status == MN_OK)
        status = mn_folder_take_name(beside, path);
    if (status != MN_OK)
        (void)unlink(beside);
    return status;
}

mn_status mn_safetensors_write(const char *path, mn_named_values *tensors, int64_t count)
{
    return mn_safetensors_write_with(path, NULL, tensors, count);
}

mn_status mn_safetensors_write_with(const char *path, const cJSON *metadata,
                                    mn_named_values *tensors, int64_t count)
{
    if (count > 0)
        qsort(tensors, (size_t)count, sizeof *tensors, by_type_and_name);
    char *header = header_of(metadata, tensors, count);
    if (header == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for its header", path);
    const mn_status status = write_beside(path, header, tensors, count);
    mn_memory_give(header);
    return status;
}
