/* export.c -- the shared network's weights out of a run file, under PyTorch's names, and after them
 * the tensors that strategies train by themselves, as STRATEGY/NAME. */
#include "base/escape.h"
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
#include <stdlib.h>
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

static mn_status write_all(const exported *all, const cJSON *metadata, const char *out)
{
    mn_named_values *tensors = mn_memory_take_zeroed((size_t)all->count, sizeof *tensors);
    if (tensors == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld tensors", (long long)all->count);
    for (int64_t i = 0; i < all->count; i++)
        tensors[i] = (mn_named_values){all->tensor[i].name, all->tensor[i].shape,
                                       all->tensor[i].values, MN_VALUES_F32};
    const mn_status status = mn_safetensors_write_with(out, metadata, tensors, all->count);
    mn_memory_give(tensors);
    return status;
}

/* --- what a program must know to use them --- */

static bool add_text(cJSON *metadata, const char *key, const char *text)
{
    return text == NULL || cJSON_AddStringToObject(metadata, key, text) != NULL;
}

/* A member of a section of the configuration, as it was set. */
static const char *setting_of(const cJSON *config, const char *section, const char *key)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(config, section);
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* "0,0,0": of pixels that are not normalised. */
static void repeat(const char *number, int64_t count, char *text, size_t bytes)
{
    text[0] = '\0';
    for (int64_t i = 0; i < count; i++)
        snprintf(text + strlen(text), bytes - strlen(text), "%s%s", i > 0 ? "," : "", number);
}

/* "measured" stands in the configuration, and what was measured in the run; a number for each
 * channel, so that nobody has to know what none means. */
static bool add_normalisation(cJSON *metadata, const mn_results *results, const cJSON *config)
{
    static const struct {
        const char *key, *measured, *otherwise;
    } lists[] = {{"mean", "normalise_mean", "0"}, {"deviation", "normalise_deviation", "1"}};
    int64_t channels = 1, height, width;
    if (!mn_results_image(results, &channels, &height, &width) || channels > 4)
        channels = 1;
    for (int i = 0; i < 2; i++) {
        char text[16];
        const char *value = mn_results_value(results, lists[i].measured);
        if (value == NULL)
            value = setting_of(config, "normalise", lists[i].key);
        repeat(lists[i].otherwise, channels, text, sizeof text);
        if (!add_text(metadata, lists[i].key, value != NULL && value[0] != '\0' ? value : text))
            return false;
    }
    return true;
}

/* The names of the outputs, in their order, as a JSON list. */
static bool add_classes(cJSON *metadata, const mn_results *results)
{
    const char *all = mn_results_value(results, "classes");
    cJSON *list = cJSON_CreateArray();
    const int64_t count = all != NULL ? strtoll(all, NULL, 10) : 0;
    bool whole = list != NULL;
    for (int64_t label = 0; label < count && whole; label++) {
        char shown[1024]; /* a name may hold any byte, JSON may not */
        const char *name = mn_results_class_name(results, label);
        mn_visible(name != NULL ? name : "", shown, sizeof shown);
        whole = cJSON_AddItemToArray(list, cJSON_CreateString(shown));
    }
    char *text = whole ? cJSON_PrintUnformatted(list) : NULL;
    whole = text != NULL && add_text(metadata, "classes", text);
    cJSON_free(text);
    cJSON_Delete(list);
    return whole;
}

static bool add_image(cJSON *metadata, const mn_results *results)
{
    char text[96];
    int64_t channels, height, width;
    if (!mn_results_image(results, &channels, &height, &width))
        return true;
    snprintf(text, sizeof text, "%lld,%lld,%lld", (long long)channels, (long long)height,
             (long long)width);
    return add_text(metadata, "image", text);
}

static bool fill_metadata(cJSON *metadata, const mn_results *results)
{
    const char *value = mn_results_value(results, "config");
    cJSON *config = value != NULL ? cJSON_Parse(value) : NULL;
    cJSON *network = cJSON_GetObjectItemCaseSensitive(config, "network");
    char *text = network != NULL ? cJSON_PrintUnformatted(network) : NULL;
    const bool whole = add_text(metadata, "format", "pt") && add_classes(metadata, results) &&
                       add_image(metadata, results) &&
                       add_normalisation(metadata, results, config) &&
                       add_text(metadata, "network", text) &&
                       add_text(metadata, "benchmark", mn_results_value(results, "benchmark")) &&
                       add_text(metadata, "strategy", mn_results_value(results, "strategy"));
    cJSON_free(text);
    cJSON_Delete(config);
    return whole;
}

static mn_status make_metadata(const char *path, cJSON **metadata)
{
    mn_results *results;
    MN_TRY(mn_results_open_uncalibrated(path, &results));
    *metadata = cJSON_CreateObject();
    const bool whole = *metadata != NULL && fill_metadata(*metadata, results);
    mn_results_free(results);
    return whole ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for what weights are of");
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
    cJSON *metadata = NULL;
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    mn_status status = mn_runfile_read_tensors(file, network_prefix, collect, &all);
    if (status == MN_OK && all.count == 0)
        status = mn_fail(MN_NOT_FOUND, "%s holds no weights yet", path);
    if (status == MN_OK)
        status = collect_own(file, &all);
    if (status == MN_OK)
        status = make_metadata(path, &metadata);
    if (status == MN_OK)
        status = write_all(&all, metadata, out);
    cJSON_Delete(metadata);
    for (int64_t i = 0; i < all.count; i++) {
        mn_memory_give(all.tensor[i].name);
        mn_memory_give(all.tensor[i].values);
    }
    mn_memory_give(all.tensor);
    const mn_status closed = mn_runfile_close(file);
    return status == MN_OK ? closed : status;
}
