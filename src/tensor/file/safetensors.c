/* safetensors.c -- reads tensors from the safetensors format, which PyTorch's users save.
 *
 * The file is read whole and every announced number is checked against its size before a value is
 * touched.  The format has no checksum, but its tensors must fill the file exactly, so that what
 * was cut off or appended is noticed. */
#include "tensor/file/safetensors.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "tensor/file/half.h"

#include <errno.h>
#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { LENGTH_BYTES = 8, LONGEST_HEADER = 100000000 /* the format's own limit */ };

static const double most_exact = 0x1p53; /* JSON's numbers are exact up to here */

struct mn_safetensors {
    char *path;
    char *bytes; /* (size) */
    bool mapped; /* from the file, instead of read */
    size_t size, header_bytes;
    cJSON *header; /* names and dtypes point into it */
    mn_safetensor *tensor;
    int64_t count;
};

static const char *values_of(const mn_safetensors *file)
{
    return file->bytes + LENGTH_BYTES + file->header_bytes;
}

static size_t values_bytes(const mn_safetensors *file)
{
    return file->size - LENGTH_BYTES - file->header_bytes;
}

/* --- element types --- */

static const struct {
    const char *name;
    size_t bytes;
    bool floating;
} dtypes[] = {{"F64", 8, true},  {"F32", 4, true},  {"F16", 2, true},  {"BF16", 2, true},
              {"I64", 8, false}, {"I32", 4, false}, {"I16", 2, false}, {"I8", 1, false},
              {"U64", 8, false}, {"U32", 4, false}, {"U16", 2, false}, {"U8", 1, false},
              {"BOOL", 1, false}};

static float float_at(const char *bytes, const char *dtype, int64_t i)
{
    if (strcmp(dtype, "F64") == 0) {
        double value;
        memcpy(&value, bytes + 8 * i, sizeof value);
        return (float)value;
    }
    if (strcmp(dtype, "F32") == 0) {
        float value;
        memcpy(&value, bytes + 4 * i, sizeof value);
        return value;
    }
    uint16_t bits;
    memcpy(&bits, bytes + 2 * i, sizeof bits);
    if (strcmp(dtype, "F16") == 0)
        return mn_half_value(bits);
    const uint32_t wide = (uint32_t)bits << 16; /* BF16: the upper half of an F32 */
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

/* --- the header --- */

static mn_status read_length(mn_safetensors *file)
{
    uint64_t length = 0;
    if (file->size < LENGTH_BYTES + 2)
        return mn_fail(MN_CORRUPT, "%s: %zu bytes are no safetensors file", file->path, file->size);
    for (int i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)(unsigned char)file->bytes[i] << 8 * i;
    if (length > file->size - LENGTH_BYTES || length > LONGEST_HEADER)
        return mn_fail(MN_CORRUPT,
                       "%s: a header of %llu bytes is announced in a file of %zu; it is cut short, "
                       "or no safetensors file",
                       file->path, (unsigned long long)length, file->size);
    file->header_bytes = (size_t)length;
    return MN_OK;
}

static mn_status parse_header(mn_safetensors *file)
{
    const char *text = file->bytes + LENGTH_BYTES;
    if (file->header_bytes == 0 || text[0] != '{' || memchr(text, '\0', file->header_bytes) != NULL)
        return mn_fail(MN_CORRUPT, "%s: no JSON object where a safetensors header should be",
                       file->path);
    char *copy = mn_text_copy_of(text, file->header_bytes);
    const mn_status status = copy != NULL ? mn_json_parse(copy, "header", &file->header)
                                          : mn_fail(MN_NO_MEMORY, "out of memory for its header");
    mn_memory_give(copy);
    if (status == MN_OK)
        return MN_OK;
    return mn_fail_in(status == MN_NO_MEMORY ? MN_NO_MEMORY : MN_CORRUPT, "%s", file->path);
}

static mn_status damaged(const mn_safetensors *file, const char *name, const char *why)
{
    return mn_fail(MN_CORRUPT, "%s: tensor '%.100s': %s", file->path, name, why);
}

/* A number of bytes or elements. */
static bool is_size(const cJSON *number)
{
    return cJSON_IsNumber(number) && number->valuedouble >= 0 &&
           number->valuedouble <= most_exact && number->valuedouble == floor(number->valuedouble);
}

static mn_status read_shape(const mn_safetensors *file, const cJSON *sizes, mn_safetensor *tensor)
{
    const int axes = cJSON_GetArraySize(sizes);
    if (!cJSON_IsArray(sizes))
        return damaged(file, tensor->name, "shape is no list");
    tensor->foreign = axes > MN_MAX_RANK;
    const cJSON *size;
    double count = 1; /* of the axes that are not empty: later products must not overflow */
    cJSON_ArrayForEach(size, sizes)
    {
        count *= is_size(size) ? fmax(size->valuedouble, 1) : 2 * most_exact;
        if (count > most_exact)
            return damaged(file, tensor->name, "shape holds what is no size");
        if (!tensor->foreign)
            tensor->shape.size[tensor->shape.rank++] = (int64_t)size->valuedouble;
    }
    return MN_OK;
}

static mn_status read_offsets(const mn_safetensors *file, const cJSON *offsets,
                              mn_safetensor *tensor)
{
    const cJSON *begin = cJSON_GetArrayItem(offsets, 0), *end = cJSON_GetArrayItem(offsets, 1);
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 || !is_size(begin) ||
        !is_size(end) || begin->valuedouble > end->valuedouble)
        return damaged(file, tensor->name, "data_offsets are no [begin, end]");
    if (end->valuedouble > (double)values_bytes(file))
        return mn_fail(MN_CORRUPT,
                       "%s: tensor '%.100s' ends at byte %.0f, but the file has %zu; it is cut "
                       "short",
                       file->path, tensor->name, end->valuedouble, values_bytes(file));
    tensor->begin = (size_t)begin->valuedouble;
    tensor->end = (size_t)end->valuedouble;
    return MN_OK;
}

static mn_status read_dtype(const mn_safetensors *file, const cJSON *name, mn_safetensor *tensor)
{
    const size_t known = sizeof dtypes / sizeof dtypes[0], bytes = tensor->end - tensor->begin;
    size_t i = 0;
    if (!cJSON_IsString(name))
        return damaged(file, tensor->name, "dtype is no text");
    while (i < known && strcmp(name->valuestring, dtypes[i].name) != 0)
        i++;
    tensor->foreign = tensor->foreign || i == known;
    tensor->dtype = i < known ? dtypes[i].name : name->valuestring;
    if (tensor->foreign)
        return MN_OK;
    tensor->floating = dtypes[i].floating;
    if ((size_t)mn_shape_count(tensor->shape) * dtypes[i].bytes != bytes)
        return mn_fail(MN_CORRUPT, "%s: tensor '%.100s' has %zu bytes, which is no %s of its shape",
                       file->path, tensor->name, bytes, tensor->dtype);
    return MN_OK;
}

static mn_status read_tensor(const mn_safetensors *file, const cJSON *entry, mn_safetensor *tensor)
{
    *tensor = (mn_safetensor){.name = entry->string};
    if (!cJSON_IsObject(entry))
        return damaged(file, tensor->name, "its entry in the header is no object");
    MN_TRY(read_shape(file, cJSON_GetObjectItemCaseSensitive(entry, "shape"), tensor));
    MN_TRY(read_offsets(file, cJSON_GetObjectItemCaseSensitive(entry, "data_offsets"), tensor));
    return read_dtype(file, cJSON_GetObjectItemCaseSensitive(entry, "dtype"), tensor);
}

static int by_name(const void *a, const void *b)
{
    const mn_safetensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_place(const void *a, const void *b)
{
    const mn_safetensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static mn_status check_names(mn_safetensors *file)
{
    qsort(file->tensor, (size_t)file->count, sizeof *file->tensor, by_name);
    for (int64_t i = 1; i < file->count; i++)
        if (strcmp(file->tensor[i - 1].name, file->tensor[i].name) == 0)
            return damaged(file, file->tensor[i].name, "is in the header twice");
    return MN_OK;
}

static mn_status check_places(mn_safetensors *file)
{
    size_t end = 0;
    qsort(file->tensor, (size_t)file->count, sizeof *file->tensor, by_place);
    for (int64_t i = 0; i < file->count; i++) {
        if (file->tensor[i].begin != end)
            return mn_fail(MN_CORRUPT,
                           "%s: tensor '%.100s' begins at byte %zu, but the one before it ends at "
                           "%zu",
                           file->path, file->tensor[i].name, file->tensor[i].begin, end);
        end = file->tensor[i].end;
    }
    if (end != values_bytes(file))
        return mn_fail(MN_CORRUPT, "%s: %zu bytes of values are there, the header names %zu",
                       file->path, values_bytes(file), end);
    return MN_OK;
}

static mn_status map_bytes(mn_safetensors *file)
{
    int descriptor;
    struct stat found = {.st_size = -1};
    MN_TRY(mn_file_open(file->path, &descriptor));
    void *bytes = MAP_FAILED;
    if (fstat(descriptor, &found) == 0 && found.st_size > 0)
        bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int why = errno;
    close(descriptor);
    if (bytes == MAP_FAILED)
        return found.st_size == 0
                   ? mn_fail(MN_CORRUPT, "%s: is empty, and no safetensors file", file->path)
                   : mn_fail(MN_IO_FAILED, "%s: cannot be mapped: %s", file->path, strerror(why));
    file->bytes = bytes;
    file->size = (size_t)found.st_size;
    return MN_OK;
}

static mn_status read_file(mn_safetensors *file)
{
    MN_TRY(file->mapped ? map_bytes(file) : mn_file_read(file->path, &file->bytes, &file->size));
    MN_TRY(read_length(file));
    MN_TRY(parse_header(file));
    const size_t most = (size_t)cJSON_GetArraySize(file->header);
    file->tensor = mn_memory_take_zeroed(most, sizeof *file->tensor);
    if (file->tensor == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for %zu tensors", file->path, most);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, file->header)
    {
        if (strcmp(entry->string, "__metadata__") != 0) /* free text */
            MN_TRY(read_tensor(file, entry, &file->tensor[file->count++]));
    }
    MN_TRY(check_names(file));
    return check_places(file);
}

static mn_status open_file(const char *path, bool mapped, mn_safetensors **file)
{
    mn_status status = MN_NO_MEMORY;
    *file = mn_memory_take_zeroed(1, sizeof **file);
    if (*file != NULL) {
        (*file)->path = mn_text_copy(path);
        (*file)->mapped = mapped;
    }
    if (*file == NULL || (*file)->path == NULL)
        (void)mn_fail(status, "%s: out of memory", path);
    else
        status = read_file(*file);
    if (status != MN_OK) {
        mn_safetensors_close(*file);
        *file = NULL;
    }
    return status;
}

mn_status mn_safetensors_open(const char *path, mn_safetensors **file)
{
    return open_file(path, false, file);
}

mn_status mn_safetensors_map(const char *path, mn_safetensors **file)
{
    return open_file(path, true, file);
}

void mn_safetensors_close(mn_safetensors *file)
{
    if (file == NULL)
        return;
    cJSON_Delete(file->header);
    mn_memory_give(file->tensor);
    if (!file->mapped)
        mn_memory_give(file->bytes);
    else if (file->bytes != NULL)
        munmap(file->bytes, file->size);
    mn_memory_give(file->path);
    mn_memory_give(file);
}

/* --- what is in it --- */

int64_t mn_safetensors_count(const mn_safetensors *file)
{
    return file->count;
}

const mn_safetensor *mn_safetensors_at(const mn_safetensors *file, int64_t i)
{
    return &file->tensor[i];
}

const char *mn_safetensors_metadata(const mn_safetensors *file, const char *key)
{
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->header, "__metadata__");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, key));
}

int64_t mn_safetensors_find(const mn_safetensors *file, const char *name)
{
    for (int64_t i = 0; i < file->count; i++)
        if (strcmp(file->tensor[i].name, name) == 0)
            return i;
    return -1;
}

mn_status mn_safetensors_known(const mn_safetensors *file, int64_t i)
{
    const mn_safetensor *tensor = &file->tensor[i];
    return !tensor->foreign
               ? MN_OK
               : mn_fail(MN_UNSUPPORTED,
                         "%s: tensor '%.100s', of dtype %.20s, has another type or more axes than "
                         "are read; save it as F32 with at most %d axes",
                         file->path, tensor->name, tensor->dtype, MN_MAX_RANK);
}

mn_status mn_safetensors_floats(const mn_safetensors *file, int64_t i, float **values)
{
    const mn_safetensor *tensor = &file->tensor[i];
    *values = NULL;
    MN_TRY(mn_safetensors_known(file, i));
    if (!tensor->floating)
        return mn_fail(MN_UNSUPPORTED, "%s: tensor '%.100s' is %s; F32, F16, BF16 or F64 is needed",
                       file->path, tensor->name, tensor->dtype);
    const int64_t count = mn_shape_count(tensor->shape);
    float *floats = mn_memory_take((size_t)count, sizeof *floats);
    if (floats == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for tensor '%.100s'", file->path,
                       tensor->name);
    for (int64_t j = 0; j < count; j++) {
        floats[j] = float_at(values_of(file) + tensor->begin, tensor->dtype, j);
        if (!isfinite(floats[j])) {
            mn_memory_give(floats);
            return mn_fail(MN_BAD_VALUE, "%s: tensor '%.100s': value %lld is no finite number",
                           file->path, tensor->name, (long long)j);
        }
    }
    *values = floats;
    return MN_OK;
}

const void *mn_safetensors_bytes(const mn_safetensors *file, int64_t i)
{
    return values_of(file) + file->tensor[i].begin;
}

bool mn_safetensors_equal(const mn_safetensors *file, int64_t i, int64_t j)
{
    const mn_safetensor *a = &file->tensor[i], *b = &file->tensor[j];
    return a->dtype == b->dtype && mn_shape_equal(a->shape, b->shape) &&
           memcmp(values_of(file) + a->begin, values_of(file) + b->begin, a->end - a->begin) == 0;
}

uint32_t mn_safetensors_crc(const mn_safetensors *file)
{
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), (const unsigned char *)file->bytes, file->size);
}

void mn_safetensors_digest(const mn_safetensors *file, char digest[MN_DIGEST_TEXT])
{
    snprintf(digest, MN_DIGEST_TEXT, "%08x", (unsigned)mn_safetensors_crc(file));
}

mn_status mn_safetensors_file_digest(const char *path, char digest[MN_DIGEST_TEXT])
{
    mn_safetensors *file;
    MN_TRY(mn_safetensors_open(path, &file));
    mn_safetensors_digest(file, digest);
    mn_safetensors_close(file);
    return MN_OK;
}
