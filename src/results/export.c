/* export.c -- the shared network's weights out of a run file, under PyTorch's names, and after them
 * the tensors that strategies train by themselves, as STRATEGY/NAME. */
#include "base/text.h"
#include "store/query.h"
#include "store/records.h"
#include "store/runfile.h"
#include "store/tensors.h"
#include "tensor/file/safetensors.h"
#include "tensor/file/safetensors_write.h"

#include <mneme/memory.h>
#include <mneme/results.h>
#include <stdio.h>
#include <string.h>

static const char network_prefix[] = "run/network/", only_parameter[] = "/value";

typedef struct exported_tensor {
    char *name;
    mn_shape shape;
    float *values;
} exported_tensor;

typedef struct exported {
    exported_tensor *tensor; /* (count) */
    int64_t count, room;
    bool own; /* strategies' tensors, and not the network's */
} exported;

static mn_status grow(exported *all)
{
    const int64_t room = all->room > 0 ? 2 * all->room : 64;
    exported_tensor *larger = mn_memory_resize(all->tensor, (size_t)room, sizeof *larger);
    if (larger == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld tensors", (long long)room);
    all->tensor = larger;
    all->room = room;
    return MN_OK;
}

static mn_status collect(void *context, const char *name, const mn_tensor *tensor)
{
    exported *all = context;
    if (all->count == all->room)
        MN_TRY(grow(all));
    const size_t bytes = mn_tensor_bytes(tensor);
    exported_tensor *added = &all->tensor[all->count++];
    added->name = mn_text_copy(all->own ? name : name + strlen(network_prefix));
    if (all->own && added->name != NULL) /* "condense/images/value" */
        added->name[strlen(name) - strlen(only_parameter)] = '\0';
    added->shape = mn_tensor_shape(tensor);
    added->values = mn_memory_take(bytes, 1);
    if (added->name == NULL || added->values == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for tensor '%s'", name);
    if (mn_tensor_dtype(tensor) != MN_F32)
        return mn_fail(MN_UNSUPPORTED, "tensor '%s' is not of 32-bit floats", name);
    return mn_tensor_read(tensor, added->values, bytes);
}

static mn_status write_all(const exported *all, const char *out)
{
    mn_named_values *tensors = mn_memory_take_zeroed((size_t)all->count, sizeof *tensors);
    if (tensors == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld tensors", (long long)all->count);
    for (int64_t i = 0; i < all->count; i++)
        tensors[i] = (mn_named_values){all->tensor[i].name, all->tensor[i].shape,
                                       all->tensor[i].values, MN_VALUES_F32};
    const mn_status status = mn_safetensors_write(out, tensors, all->count);
    mn_memory_give(tensors);
    return status;
}

/* Every tensor that a strategy trains without a network around it. */
static mn_status collect_own(mn_runfile *file, exported *all)
{
    static const char sql[] =
        "SELECT owner, name FROM network WHERE type = ?1 ORDER BY owner, name";
    char name[256];
    bool row = false;
    mn_query *query;
    MN_TRY(mn_query_new(file, sql, &query));
    mn_query_set_text(query, 1, MN_PARAMETERS);
    all->own = true;
    mn_status status = mn_query_next(query, &row);
    while (status == MN_OK && row) {
        snprintf(name, sizeof name, "%s/%s%s", mn_query_text(query, 0), mn_query_text(query, 1),
                 only_parameter);
        status = mn_runfile_read_tensors(file, name, collect, all);
        if (status == MN_OK)
            status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    return status;
}

mn_status mn_export_weights(const char *path, const char *out)
{
    mn_runfile *file;
    exported all = {.tensor = NULL};
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    mn_status status = mn_runfile_read_tensors(file, network_prefix, collect, &all);
    if (status == MN_OK && all.count == 0)
        status = mn_fail(MN_NOT_FOUND, "%s holds no weights yet", path);
    if (status == MN_OK)
        status = collect_own(file, &all);
    if (status == MN_OK)
        status = write_all(&all, out);
    for (int64_t i = 0; i < all.count; i++) {
        mn_memory_give(all.tensor[i].name);
        mn_memory_give(all.tensor[i].values);
    }
    mn_memory_give(all.tensor);
    const mn_status closed = mn_runfile_close(file);
    return status == MN_OK ? closed : status;
}
