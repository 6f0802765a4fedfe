/* exchange.c -- JSON that describes tensors beside one flat file that holds them. */
#include "tests/parity/exchange.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *path_of(char path[1024], const char *folder, const char *name)
{
    snprintf(path, 1024, "%s/%s", folder, name);
    return path;
}

mn_status exchange_open(exchange *e, const char *folder)
{
    char path[1024], *bytes;
    size_t size;
    *e = (exchange){0};
    MN_TRY(mn_json_read(path_of(path, folder, "cases.json"), &e->cases));
    MN_TRY(mn_file_read(path_of(path, folder, "cases.f32"), &bytes, &size));
    e->floats = (float *)(void *)bytes;
    e->float_count = (int64_t)(size / sizeof *e->floats);
    e->results = cJSON_CreateArray();
    e->written = fopen(path_of(path, folder, "results.f32"), "wb");
    return e->written != NULL ? MN_OK : mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(errno));
}

static mn_status write_json(const cJSON *json, const char *path)
{
    char *text = cJSON_PrintUnformatted(json);
    FILE *file = fopen(path, "w");
    const bool written = text != NULL && file != NULL && fputs(text, file) >= 0;
    const bool closed = file != NULL && fclose(file) == 0;
    cJSON_free(text);
    return written && closed ? MN_OK : mn_fail(MN_IO_FAILED, "%s: cannot be written", path);
}

mn_status exchange_close(exchange *e, const char *folder)
{
    char path[1024];
    mn_status status = MN_OK;
    if (e->written != NULL && fclose(e->written) != 0)
        status = mn_fail(MN_IO_FAILED, "%s", path_of(path, folder, "results.f32"));
    if (status == MN_OK && e->results != NULL)
        status = write_json(e->results, path_of(path, folder, "results.json"));
    cJSON_Delete(e->cases);
    cJSON_Delete(e->results);
    free(e->floats);
    return status;
}

mn_status exchange_shape(const cJSON *described, mn_shape *shape)
{
    const cJSON *size;
    *shape = MN_SCALAR;
    cJSON_ArrayForEach(size, cJSON_GetObjectItem(described, "shape"))
    {
        if (shape->rank == MN_MAX_RANK)
            return mn_fail(MN_BAD_SHAPE, "more than %d axes", MN_MAX_RANK);
        shape->size[shape->rank++] = (int64_t)size->valuedouble;
    }
    return MN_OK;
}

mn_status exchange_floats(const exchange *e, const cJSON *described, mn_shape *shape,
                          const float **floats)
{
    const cJSON *at = cJSON_GetObjectItem(described, "at");
    *floats = NULL;
    MN_TRY(exchange_shape(described, shape));
    if (!cJSON_IsNumber(at))
        return mn_fail(MN_BAD_VALUE, "a tensor without its place, 'at'");
    const int64_t first = (int64_t)at->valuedouble;
    if (first < 0 || mn_shape_count(*shape) > e->float_count - first)
        return mn_fail(MN_BAD_VALUE, "a tensor beyond the end of cases.f32");
    *floats = e->floats + first;
    return MN_OK;
}

mn_status exchange_tensor(const exchange *e, const cJSON *described, mn_tensor **tensor)
{
    mn_shape shape;
    const float *floats;
    *tensor = NULL;
    MN_TRY(exchange_floats(e, described, &shape, &floats));
    MN_TRY(mn_tensor_new(MN_F32, shape, tensor));
    return mn_tensor_write(*tensor, floats, mn_tensor_bytes(*tensor));
}

mn_status exchange_put(exchange *e, cJSON *list, mn_shape shape, const float *elements)
{
    const size_t count = (size_t)mn_shape_count(shape);
    cJSON *described = cJSON_CreateObject();
    cJSON_AddNumberToObject(described, "at", (double)e->written_count);
    cJSON *sizes = cJSON_AddArrayToObject(described, "shape");
    for (int i = 0; i < shape.rank; i++)
        cJSON_AddItemToArray(sizes, cJSON_CreateNumber((double)shape.size[i]));
    cJSON_AddItemToArray(list, described);
    e->written_count += (int64_t)count;
    return fwrite(elements, sizeof *elements, count, e->written) == count
               ? MN_OK
               : mn_fail(MN_IO_FAILED, "results.f32: %s", strerror(errno));
}

mn_status exchange_put_tensor(exchange *e, cJSON *list, const mn_tensor *tensor)
{
    float *elements = malloc(mn_tensor_bytes(tensor) + 1);
    if (elements == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for results");
    mn_status status = mn_tensor_read(tensor, elements, mn_tensor_bytes(tensor));
    if (status == MN_OK)
        status = exchange_put(e, list, mn_tensor_shape(tensor), elements);
    free(elements);
    return status;
}
