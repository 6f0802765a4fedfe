/* packed.c -- opening a packed data set: the header is read, images stay where they are.
 *
 * What the file says of itself is compared with what is asked for, so that a file that was packed
 * at another size, or of other classes, is not taken for these data.  Its digest is compared when
 * the data's is asked for: once at the beginning of a run. */
#include "data/read/packed.h"
#include "base/numbers.h"
#include "base/options.h"
#include "data/read/reader.h"
#include "data/read/source.h"
#include "tensor/file/safetensors.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct packed {
    mn_safetensors *file;
    char *path;
} packed;

static void packed_close(void *from)
{
    packed *p = from;
    mn_safetensors_close(p->file);
    mn_memory_give(p->path);
    mn_memory_give(p);
}

static uint64_t stamp(const mn_dataset *dataset, uint64_t hash)
{
    struct stat found;
    const mn_image_source *source = dataset->source;
    const bool there = stat(source->path, &found) == 0;
    const int64_t seen[] = {source->says, there ? (int64_t)found.st_size : -1,
                            there ? (int64_t)found.st_mtim.tv_sec : 0,
                            there ? (int64_t)found.st_mtim.tv_nsec : 0};
    return mn_hash(hash, seen, sizeof seen);
}

/* --- what was packed ---------------------------------------------------------------------------
 */

cJSON *mn_packed_options(const mn_option *table, const void *values)
{
    cJSON *options = mn_options_to_json(table, values);
    for (const mn_option *option = table; options != NULL && option->name != NULL; option++)
        if (option->changes_no_result)
            cJSON_DeleteItemFromObjectCaseSensitive(options, option->name);
    return options;
}

static mn_status said(const packed *p, const char *key, const char **text)
{
    *text = mn_safetensors_metadata(p->file, key);
    return *text != NULL
               ? MN_OK
               : mn_fail(MN_CORRUPT, "%s: says nothing of '%s'; 'mneme data pack' makes such files",
                         p->path, key);
}

static mn_status compare_option(const packed *p, const cJSON *packed_with, const cJSON *asked)
{
    char *one, *other;
    const cJSON *then = cJSON_GetObjectItemCaseSensitive(packed_with, asked->string);
    if (then == NULL)
        return MN_OK;
    MN_TRY(mn_option_text(then, "dataset", asked->string, &one));
    mn_status status = mn_option_text(asked, "dataset", asked->string, &other);
    if (status == MN_OK && strcmp(one, other) != 0)
        status = mn_fail(MN_BAD_OPTION,
                         "%s: was packed with %s=%s, but dataset.%s is %s; pack the data again, or "
                         "leave dataset.packed out",
                         p->path, asked->string, one, asked->string, other);
    if (status == MN_OK || other != NULL)
        mn_memory_give(other);
    mn_memory_give(one);
    return status;
}

static mn_status compare_options(const packed *p, const cJSON *asked)
{
    cJSON *packed_with;
    const char *text;
    const cJSON *option;
    MN_TRY(said(p, "options", &text));
    MN_TRY(mn_json_parse(text, p->path, &packed_with));
    mn_status status = MN_OK;
    cJSON_ArrayForEach(option, asked)
    {
        if (status == MN_OK)
            status = compare_option(p, packed_with, option);
    }
    cJSON_Delete(packed_with);
    return status;
}

static mn_status check_origin(const packed *p, const char *name, const mn_option *table,
                              const void *values)
{
    const char *of;
    MN_TRY(said(p, "dataset", &of));
    if (strcmp(of, name) != 0)
        return mn_fail(MN_BAD_OPTION, "%s: was packed of the data set '%.60s', not of '%s'",
                       p->path, of, name);
    cJSON *asked = mn_packed_options(table, values);
    if (asked == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", p->path);
    const mn_status status = compare_options(p, asked);
    cJSON_Delete(asked);
    return status;
}

/* --- its tensors -------------------------------------------------------------------------------
 */

static mn_status find(const packed *p, const char *name, const char *dtype, int rank,
                      const mn_safetensor **tensor, const void **bytes)
{
    const int64_t i = mn_safetensors_find(p->file, name);
    if (i >= 0) {
        *tensor = mn_safetensors_at(p->file, i);
        *bytes = mn_safetensors_bytes(p->file, i);
        if (!(*tensor)->foreign && strcmp((*tensor)->dtype, dtype) == 0 &&
            (*tensor)->shape.rank == rank)
            return MN_OK;
    }
    return mn_fail(MN_CORRUPT, "%s: holds no '%s' of %s with %d axes", p->path, name, dtype, rank);
}

static mn_status take_part(const packed *p, const char *x_name, const char *y_name,
                           mn_dataset *dataset, mn_images *images)
{
    const mn_safetensor *x = NULL, *y = NULL;
    const void *pixels = NULL, *labels = NULL;
    MN_TRY(find(p, x_name, "U8", 4, &x, &pixels));
    MN_TRY(find(p, y_name, "I32", 1, &y, &labels));
    const int64_t *size = x->shape.size;
    if (dataset->height == 0) {
        dataset->channels = size[1];
        dataset->height = size[2];
        dataset->width = size[3];
    }
    if (size[0] < 1 || size[0] != y->shape.size[0] || size[1] != dataset->channels ||
        size[2] != dataset->height || size[3] != dataset->width)
        return mn_fail(MN_CORRUPT, "%s: '%s' and '%s' do not fit each other or the other part",
                       p->path, x_name, y_name);
    const size_t bytes = (size_t)size[0] * sizeof *images->labels;
    images->labels = mn_data_take(bytes);
    if (images->labels == NULL)
        return MN_NO_MEMORY;
    memcpy(images->labels, labels, bytes);
    images->count = size[0];
    images->pixels =
        (uint8_t *)(uintptr_t)pixels; /* mapped to be read, which is all that is done */
    return MN_OK;
}

static mn_status take_range(const packed *p, const char *name, const mn_dataset *dataset,
                            float **values)
{
    const mn_safetensor *tensor = NULL;
    const void *bytes = NULL;
    MN_TRY(find(p, name, "F32", 3, &tensor, &bytes));
    if (!mn_shape_equal(tensor->shape, mn_dataset_image(dataset)))
        return mn_fail(MN_CORRUPT, "%s: '%s' does not fit its rows", p->path, name);
    *values = mn_data_take(tensor->end - tensor->begin);
    if (*values == NULL)
        return MN_NO_MEMORY;
    memcpy(*values, bytes, tensor->end - tensor->begin);
    return MN_OK;
}

static mn_status take_listed_names(const packed *p, const cJSON *list, mn_dataset *dataset)
{
    const int64_t count = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count != dataset->classes)
        return mn_fail(MN_CORRUPT, "%s: its names are no list of %lld", p->path,
                       (long long)dataset->classes);
    const char **names = mn_memory_take((size_t)count, sizeof *names);
    int64_t found = 0;
    const cJSON *name;
    cJSON_ArrayForEach(name, list)
    {
        if (names != NULL && cJSON_IsString(name))
            names[found++] = name->valuestring;
    }
    const mn_status status = names == NULL ? mn_fail(MN_NO_MEMORY, "%s: out of memory", p->path)
                             : found == count
                                 ? mn_dataset_name_classes(dataset, count, names)
                                 : mn_fail(MN_CORRUPT, "%s: a name is no text", p->path);
    mn_memory_give(names);
    return status;
}

static mn_status take_classes(const packed *p, mn_dataset *dataset)
{
    const char *count, *names;
    cJSON *list;
    MN_TRY(said(p, "classes", &count));
    MN_TRY(said(p, "names", &names));
    if (!mn_number_whole(count, &dataset->classes) || dataset->classes < 1 ||
        dataset->classes > MN_MAX_CLASSES)
        return mn_fail(MN_CORRUPT, "%s: '%.20s' is no number of classes", p->path, count);
    if (strcmp(names, "null") == 0)
        return MN_OK;
    MN_TRY(mn_json_parse(names, p->path, &list));
    const mn_status status = take_listed_names(p, list, dataset);
    cJSON_Delete(list);
    return status;
}

/* Domains as numbers become the names that they had, which numbers them in the same order. */
static mn_status name_domains(const packed *p, const cJSON *names, mn_dataset *dataset)
{
    const mn_images *const parts[] = {&dataset->train, &dataset->test};
    static const char *const tensors[] = {"domain_train", "domain_test"};
    const int64_t known = cJSON_GetArraySize(names),
                  count = dataset->train.count + dataset->test.count;
    const char **domain = mn_memory_take((size_t)count, sizeof *domain);
    mn_status status = domain != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "%s: out of memory", p->path);
    for (int64_t at = 0, part = 0; part < 2 && status == MN_OK; part++) {
        const mn_safetensor *tensor = NULL;
        const void *bytes = NULL;
        status = find(p, tensors[part], "I32", 1, &tensor, &bytes);
        if (status == MN_OK && tensor->shape.size[0] != parts[part]->count)
            status =
                mn_fail(MN_CORRUPT, "%s: '%s' does not fit its images", p->path, tensors[part]);
        for (int64_t i = 0; status == MN_OK && i < parts[part]->count; i++) {
            const int32_t number = ((const int32_t *)bytes)[i];
            const cJSON *name =
                number >= 0 && number < known ? cJSON_GetArrayItem(names, number) : NULL;
            if (cJSON_IsString(name))
                domain[at++] = name->valuestring;
            else
                status = mn_fail(MN_CORRUPT, "%s: domain %d has no name", p->path, (int)number);
        }
    }
    if (status == MN_OK)
        status = mn_dataset_number_domains(dataset, p->path, domain);
    mn_memory_give(domain);
    return status;
}

static mn_status take_domains(const packed *p, mn_dataset *dataset)
{
    const char *text = mn_safetensors_metadata(p->file, "domains");
    cJSON *names;
    if (text == NULL)
        return MN_OK;
    MN_TRY(mn_json_parse(text, p->path, &names));
    const mn_status status = name_domains(p, names, dataset);
    cJSON_Delete(names);
    return status;
}

static mn_status take_all(const packed *p, mn_dataset *dataset)
{
    const char *digest;
    unsigned says;
    char end;
    MN_TRY(said(p, "digest", &digest));
    if (strlen(digest) != 8 || sscanf(digest, "%8x%c", &says, &end) != 1)
        return mn_fail(MN_CORRUPT, "%s: '%.20s' is no digest", p->path, digest);
    dataset->source->says = says;
    MN_TRY(take_part(p, "x_train", "y_train", dataset, &dataset->train));
    MN_TRY(take_part(p, "x_test", "y_test", dataset, &dataset->test));
    if (mn_safetensors_find(p->file, "scale") >= 0) {
        MN_TRY(take_range(p, "offset", dataset, &dataset->offset));
        MN_TRY(take_range(p, "scale", dataset, &dataset->scale));
    }
    MN_TRY(take_domains(p, dataset));
    return take_classes(p, dataset);
}

/* The data set owns what is opened from here on. */
static mn_status open_packed(const char *path, mn_dataset *dataset, packed **opened)
{
    packed *p = mn_memory_take_zeroed(1, sizeof *p);
    mn_image_source *source = mn_memory_take_zeroed(1, sizeof *source);
    char *copy = mn_memory_take(strlen(path) + 1, 1);
    if (p == NULL || source == NULL || copy == NULL) {
        mn_memory_give(p);
        mn_memory_give(source);
        mn_memory_give(copy);
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    }
    p->path = strcpy(copy, path);
    *source = (mn_image_source){.stamp = stamp, .close = packed_close, .from = p, .path = p->path};
    dataset->source = source;
    *opened = p;
    return mn_safetensors_map(path, &p->file);
}

mn_status mn_packed_read(const char *path, const char *name, const mn_option *table,
                         const void *values, mn_dataset *dataset)
{
    packed *p = NULL;
    MN_TRY(open_packed(path, dataset, &p));
    MN_TRY(check_origin(p, name, table, values));
    return take_all(p, dataset);
}
