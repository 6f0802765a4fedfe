/* pack.c -- a data set written into one file, image by image as they are decoded.
 *
 * The file takes its name when it is whole and on the disk; until then it is called FILE.part.  Its
 * header is written first, with room for the digest, which is known at the end. */
#include "base/folder.h"
#include "base/text.h"
#include "data/read/dataset.h"
#include "data/read/packed.h"
#include "data/read/source.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };
static const char no_digest[] = "--------"; /* in its place until it is known */

typedef struct packing {
    const mn_dataset *dataset;
    const char *path;
    FILE *out;
    size_t image;   /* bytes */
    long digest_at; /* where it stands in the file */
    uLong digest;
    int64_t done;
    const mn_pack_watch *watch;
} packing;

static mn_status cannot(const char *path)
{
    return mn_fail(errno == ENOSPC || errno == EDQUOT ? MN_DISK_FULL : MN_IO_FAILED,
                   "%s: cannot be written: %s", path, strerror(errno));
}

static mn_status put(const packing *p, const void *bytes, size_t count)
{
    return count == 0 || fwrite(bytes, 1, count, p->out) == count ? MN_OK : cannot(p->path);
}

/* --- the header --------------------------------------------------------------------------------
 */

static bool add_tensor(cJSON *header, const char *name, const char *dtype, size_t item,
                       mn_shape shape, size_t *at)
{
    const size_t end = *at + (size_t)mn_shape_count(shape) * item;
    const double offsets[] = {(double)*at, (double)end};
    cJSON *entry = cJSON_AddObjectToObject(header, name);
    cJSON *sizes = cJSON_AddArrayToObject(entry, "shape");
    cJSON *places = cJSON_CreateDoubleArray(offsets, 2);
    bool whole = cJSON_AddStringToObject(entry, "dtype", dtype) != NULL && sizes != NULL;
    for (int i = 0; whole && i < shape.rank; i++)
        whole = cJSON_AddItemToArray(sizes, cJSON_CreateNumber((double)shape.size[i]));
    if (!whole || places == NULL || !cJSON_AddItemToObject(entry, "data_offsets", places)) {
        cJSON_Delete(places);
        return false;
    }
    *at = end;
    return true;
}

/* Labels come before images, so that each begins at a multiple of its size. */
static bool add_tensors(cJSON *header, const mn_dataset *dataset)
{
    const mn_shape image = mn_dataset_image(dataset);
    const int64_t *of = image.size, train = dataset->train.count, test = dataset->test.count;
    const mn_shape all_train = MN_SHAPE(train, of[0], of[1], of[2]);
    const mn_shape all_test = MN_SHAPE(test, of[0], of[1], of[2]);
    size_t at = 0;
    return add_tensor(header, "y_train", "I32", sizeof(int32_t), MN_SHAPE(train), &at) &&
           add_tensor(header, "y_test", "I32", sizeof(int32_t), MN_SHAPE(test), &at) &&
           (dataset->domains == 0 ||
            (add_tensor(header, "domain_train", "I32", sizeof(int32_t), MN_SHAPE(train), &at) &&
             add_tensor(header, "domain_test", "I32", sizeof(int32_t), MN_SHAPE(test), &at))) &&
           (dataset->scale == NULL ||
            (add_tensor(header, "offset", "F32", sizeof(float), image, &at) &&
             add_tensor(header, "scale", "F32", sizeof(float), image, &at))) &&
           add_tensor(header, "x_train", "U8", 1, all_train, &at) &&
           add_tensor(header, "x_test", "U8", 1, all_test, &at);
}

static char *listed(const char *const *names, int64_t count)
{
    if (names == NULL)
        return mn_text_copy("null");
    cJSON *list = cJSON_CreateStringArray(names, (int)count);
    char *text = list != NULL ? cJSON_PrintUnformatted(list) : NULL;
    cJSON_Delete(list);
    return text;
}

static bool add_metadata(cJSON *header, const mn_dataset *dataset, const cJSON *options)
{
    char classes[32];
    cJSON *metadata = cJSON_AddObjectToObject(header, "__metadata__");
    char *names = listed(dataset->class_names, dataset->classes),
         *domains = listed(dataset->domain_names, dataset->domains),
         *text = cJSON_PrintUnformatted(options);
    snprintf(classes, sizeof classes, "%lld", (long long)dataset->classes);
    const bool whole =
        names != NULL && text != NULL && domains != NULL &&
        cJSON_AddStringToObject(metadata, "digest", no_digest) != NULL &&
        cJSON_AddStringToObject(metadata, "dataset", dataset->name) != NULL &&
        cJSON_AddStringToObject(metadata, "options", text) != NULL &&
        cJSON_AddStringToObject(metadata, "classes", classes) != NULL &&
        cJSON_AddStringToObject(metadata, "names", names) != NULL &&
        (dataset->domains == 0 || cJSON_AddStringToObject(metadata, "domains", domains) != NULL);
    mn_memory_give(names);
    mn_memory_give(domains);
    mn_memory_give(text);
    return whole;
}

static mn_status write_text(packing *p, const char *text)
{
    const size_t length = strlen(text), padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    unsigned char bytes[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++)
        bytes[i] = (unsigned char)((uint64_t)padded >> 8 * i);
    MN_TRY(put(p, bytes, sizeof bytes));
    MN_TRY(put(p, text, length));
    MN_TRY(put(p, "       ", padded - length));
    p->digest_at =
        (long)LENGTH_BYTES + (strstr(text, no_digest) - text); /* the first, of all texts */
    return MN_OK;
}

static mn_status write_header(packing *p, const cJSON *options)
{
    cJSON *header = cJSON_CreateObject();
    const bool whole = add_metadata(header, p->dataset, options) && add_tensors(header, p->dataset);
    char *text = whole ? cJSON_PrintUnformatted(header) : NULL;
    cJSON_Delete(header);
    const mn_status status =
        text != NULL ? write_text(p, text)
                     : mn_fail(MN_NO_MEMORY, "%s: out of memory for its header", p->path);
    mn_memory_give(text);
    return status;
}

/* --- what follows it ---------------------------------------------------------------------------
 */

static mn_status write_images(packing *p, const mn_images *images, uint8_t *image)
{
    const int64_t all = p->dataset->train.count + p->dataset->test.count;
    for (int64_t i = 0; i < images->count; i++) {
        if (p->watch != NULL && !p->watch->go_on(p->watch->context, p->done, all))
            return mn_fail(MN_INTERRUPTED, "%s: stopped after %lld of %lld images; it is not there",
                           p->path, (long long)p->done, (long long)all);
        MN_TRY(mn_source_advise(mn_dataset_pixels(p->dataset, images, i, image)));
        MN_TRY(put(p, image, p->image));
        p->digest = crc32_z(p->digest, image, p->image);
        p->done++;
    }
    p->digest = crc32_z(p->digest, (const Bytef *)images->labels,
                        (size_t)images->count * sizeof *images->labels);
    if (images->domains != NULL)
        p->digest = crc32_z(p->digest, (const Bytef *)images->domains,
                            (size_t)images->count * sizeof *images->domains);
    return MN_OK;
}

static mn_status write_rest(packing *p, uint8_t *image)
{
    const mn_dataset *dataset = p->dataset;
    const mn_images *const parts[] = {&dataset->train, &dataset->test};
    const float *const ranges[] = {dataset->offset, dataset->scale};
    const size_t range = dataset->scale != NULL ? p->image * sizeof(float) : 0;
    for (int i = 0; i < MN_PARTS; i++)
        MN_TRY(put(p, parts[i]->labels, (size_t)parts[i]->count * sizeof *parts[i]->labels));
    for (int i = 0; i < MN_PARTS && dataset->domains > 0; i++)
        MN_TRY(put(p, parts[i]->domains, (size_t)parts[i]->count * sizeof *parts[i]->domains));
    for (int i = 0; i < 2; i++)
        MN_TRY(put(p, ranges[i], range));
    for (int i = 0; i < MN_PARTS; i++)
        MN_TRY(write_images(p, parts[i], image));
    for (int i = 0; i < 2 && range > 0; i++)
        p->digest = crc32_z(p->digest, (const Bytef *)ranges[i], range);
    return MN_OK;
}

static mn_status write_digest(const packing *p)
{
    char text[MN_DIGEST];
    snprintf(text, sizeof text, "%08lx", p->digest);
    return fseek(p->out, p->digest_at, SEEK_SET) == 0 && fputs(text, p->out) >= 0 &&
                   fflush(p->out) == 0
               ? MN_OK
               : cannot(p->path);
}

static mn_status write_whole(packing *p, const cJSON *options)
{
    uint8_t *image = mn_memory_take(p->image, 1);
    mn_status status = image != NULL ? write_header(p, options)
                                     : mn_fail(MN_NO_MEMORY, "%s: out of memory", p->path);
    if (status == MN_OK)
        status = write_rest(p, image);
    mn_memory_give(image);
    return status == MN_OK ? write_digest(p) : status;
}

/* Opened for this process alone: another that packs into the same file is not disturbed. */
static mn_status open_part(const char *part, FILE **out)
{
    const int descriptor = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return cannot(part);
    const bool free_to_write = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    *out = free_to_write && ftruncate(descriptor, 0) == 0 ? fdopen(descriptor, "r+b") : NULL;
    if (*out != NULL)
        return MN_OK;
    const mn_status status = free_to_write
                                 ? cannot(part)
                                 : mn_fail(MN_BUSY, "%s: another process is packing into it", part);
    close(descriptor);
    return status;
}

static mn_status write_beside(packing *p, const cJSON *options)
{
    char part[4096];
    if (snprintf(part, sizeof part, "%s.part", p->path) >= (int)sizeof part)
        return mn_fail(MN_BAD_OPTION, "%.60s...: the path is too long", p->path);
    MN_TRY(mn_folder_make_above(p->path));
    MN_TRY(open_part(part, &p->out));
    mn_status status = write_whole(p, options);
    if (status == MN_OK)
        status = mn_folder_take_name(part, p->path);
    if (status != MN_OK)
        (void)unlink(part);
    if (fclose(p->out) != 0 && status == MN_OK)
        status = cannot(p->path);
    return status;
}

static mn_status pack_opened(const mn_request *request, const mn_dataset *dataset, const char *path,
                             const mn_pack_watch *watch)
{
    packing p = {.dataset = dataset,
                 .path = path,
                 .image = (size_t)mn_shape_count(mn_dataset_image(dataset)),
                 .digest = crc32_z(0, NULL, 0),
                 .watch = watch};
    cJSON *options = mn_packed_options(request->table, request->values);
    const mn_status status = options != NULL ? write_beside(&p, options)
                                             : mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    cJSON_Delete(options);
    return status;
}

mn_status mn_dataset_pack(const char *name, const char *options, const char *folder,
                          const char *path, const mn_pack_watch *watch)
{
    mn_request request;
    mn_dataset *dataset;
    MN_TRY(mn_request_new(name, options, &request));
    mn_request_as_needed(&request);
    mn_status status = mn_request_read(&request, folder, &dataset);
    if (status == MN_OK) {
        status = dataset->type == MN_ROW_U8
                     ? pack_opened(&request, dataset, path, watch)
                     : mn_fail(MN_UNSUPPORTED,
                               "data set '%s': its rows are floats already, which nothing decodes; "
                               "packing is for images",
                               dataset->name);
        mn_dataset_free(dataset);
    }
    mn_request_free(&request);
    return status;
}
