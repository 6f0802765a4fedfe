/* source.c -- images one at a time, wherever they come from, and the digest of all of them.
 *
 * The digest is over pixels and labels, and not over files: a data set has one, whether it was
 * decoded into memory, is decoded when needed, or was packed.  So it asks for every image once.
 * What saves that at a resume is the stamp: files that look as they did have the digest that they
 * had. */
#include "data/read/source.h"
#include "data/read/reader.h"

#include <inttypes.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

mn_images *mn_images_of(mn_dataset *dataset, int part)
{
    return part == MN_TRAIN_PART ? &dataset->train : &dataset->test;
}

static int64_t values_of(const mn_dataset *dataset)
{
    return dataset->channels * dataset->height * dataset->width;
}

static size_t bytes_of(const mn_dataset *dataset)
{
    return mn_row_bytes(dataset->type, values_of(dataset));
}

mn_status mn_dataset_pixels(const mn_dataset *dataset, const mn_images *part, int64_t i,
                            uint8_t *pixels)
{
    const size_t bytes = bytes_of(dataset);
    if (part->pixels == NULL)
        return dataset->source->read(
            dataset, part == &dataset->train ? MN_TRAIN_PART : MN_TEST_PART, i, pixels);
    memcpy(pixels, part->pixels + (size_t)i * bytes, bytes);
    return MN_OK;
}

bool mn_dataset_decodes(const mn_dataset *dataset)
{
    return dataset->train.pixels == NULL;
}

void mn_source_close(mn_dataset *dataset)
{
    mn_image_source *source = dataset->source;
    if (source == NULL)
        return;
    if (source->read == NULL)
        dataset->train.pixels = dataset->test.pixels = NULL;
    if (source->close != NULL)
        source->close(source->from);
    mn_memory_give(source);
    dataset->source = NULL;
}

int64_t mn_source_bytes(const mn_dataset *dataset)
{
    int64_t bytes = dataset->channels;
    const bool huge =
        __builtin_mul_overflow(bytes, dataset->height, &bytes) ||
        __builtin_mul_overflow(bytes, dataset->width, &bytes) ||
        __builtin_mul_overflow(bytes, dataset->train.count + dataset->test.count, &bytes);
    return huge ? INT64_MAX : bytes;
}

mn_status mn_source_advise(mn_status status)
{
    return status != MN_CORRUPT
               ? status
               : mn_fail(status, "%s; get it again, or take it out of its folder", mn_error());
}

/* pixels (count, image): all images of a part. */
static mn_status read_part(const mn_dataset *dataset, int part, int64_t count, uint8_t *pixels)
{
    const size_t bytes = bytes_of(dataset);
    mn_status status = MN_OK;
    for (int64_t i = 0; i < count && status == MN_OK; i++)
        status = dataset->source->read(dataset, part, i, pixels + (size_t)i * bytes);
    return mn_source_advise(status);
}

mn_status mn_source_read_all(mn_dataset *dataset)
{
    uint8_t *pixels[MN_PARTS] = {NULL};
    mn_status status = MN_OK;
    for (int part = 0; part < MN_PARTS && status == MN_OK; part++) {
        const int64_t count = mn_images_of(dataset, part)->count;
        status = mn_pixels_allocate(dataset->type, count, dataset->channels, dataset->height,
                                    dataset->width, &pixels[part]);
        if (status == MN_OK)
            status = read_part(dataset, part, count, pixels[part]);
    }
    if (status != MN_OK) {
        mn_memory_give(pixels[MN_TRAIN_PART]);
        mn_memory_give(pixels[MN_TEST_PART]);
        return status;
    }
    mn_source_close(dataset);
    dataset->train.pixels = pixels[MN_TRAIN_PART];
    dataset->test.pixels = pixels[MN_TEST_PART];
    return MN_OK;
}

/* --- the digest ------------------------------------------------------------------------------- */

static mn_status add_pixels(const mn_dataset *dataset, const mn_images *images, uint8_t *image,
                            uLong *sum)
{
    const size_t bytes = bytes_of(dataset);
    if (images->pixels != NULL) {
        *sum = crc32_z(*sum, images->pixels, (size_t)images->count * bytes);
        return MN_OK;
    }
    for (int64_t i = 0; i < images->count; i++) {
        MN_TRY(mn_source_advise(mn_dataset_pixels(dataset, images, i, image)));
        *sum = crc32_z(*sum, image, bytes);
    }
    return MN_OK;
}

/* Over the bytes in memory: little-endian machines agree on it, which are those mneme runs on. */
static mn_status add_all(const mn_dataset *dataset, uint8_t *image, uint32_t *digest)
{
    const mn_images *const parts[] = {&dataset->train, &dataset->test};
    uLong sum = crc32_z(0, NULL, 0);
    for (int i = 0; i < MN_PARTS; i++) {
        MN_TRY(add_pixels(dataset, parts[i], image, &sum));
        sum = crc32_z(sum, (const Bytef *)parts[i]->labels,
                      (size_t)parts[i]->count * sizeof *parts[i]->labels);
        if (parts[i]->domains != NULL)
            sum = crc32_z(sum, (const Bytef *)parts[i]->domains,
                          (size_t)parts[i]->count * sizeof *parts[i]->domains);
    }
    if (dataset->scale != NULL) {
        const size_t bytes = (size_t)values_of(dataset) * sizeof *dataset->scale;
        sum = crc32_z(sum, (const Bytef *)dataset->offset, bytes);
        sum = crc32_z(sum, (const Bytef *)dataset->scale, bytes);
    }
    *digest = (uint32_t)sum;
    return MN_OK;
}

static mn_status find_digest(const mn_dataset *dataset, uint32_t *digest)
{
    const mn_image_source *source = dataset->source;
    uint8_t *image = mn_memory_take(bytes_of(dataset), 1);
    const mn_status status = image != NULL ? add_all(dataset, image, digest)
                                           : mn_fail(MN_NO_MEMORY, "out of memory for an image");
    mn_memory_give(image);
    MN_TRY(status);
    return source == NULL || source->path == NULL || source->says == *digest
               ? MN_OK
               : mn_fail(MN_CORRUPT,
                         "%s: its images have digest %08x, and it says %08x; it is damaged: pack "
                         "the data again",
                         source->path, (unsigned)*digest, (unsigned)source->says);
}

mn_status mn_dataset_digest(const mn_dataset *dataset, uint32_t *digest)
{
    mn_image_source *source = dataset->source;
    if (source == NULL) {
        *digest = dataset->digest;
        return MN_OK;
    }
    if (!source->digested)
        MN_TRY(find_digest(dataset, &source->digest));
    source->digested = true;
    *digest = source->digest;
    return MN_OK;
}

void mn_dataset_take_rows(mn_dataset *dataset, mn_dataset *from)
{
    if (dataset->source != NULL)
        mn_source_close(dataset);
    mn_memory_give(dataset->offset);
    mn_memory_give(dataset->scale);
    dataset->offset = from->offset;
    dataset->scale = from->scale;
    from->offset = from->scale = NULL;
    for (int part = 0; part < MN_PARTS; part++) {
        mn_memory_give(mn_images_of(dataset, part)->pixels);
        mn_images_of(dataset, part)->pixels = mn_images_of(from, part)->pixels;
        mn_images_of(from, part)->pixels = NULL;
    }
    dataset->type = from->type;
    dataset->channels = from->channels;
    dataset->height = from->height;
    dataset->width = from->width;
}

const char *mn_dataset_stamp(const mn_dataset *dataset)
{
    return dataset->source != NULL ? dataset->source->seen : "";
}

mn_status mn_dataset_is(const mn_dataset *dataset, const char *digest, const char *stamp,
                        bool *same, char found[MN_DIGEST])
{
    mn_image_source *source = dataset->source;
    unsigned then;
    uint32_t now = 0;
    if (source != NULL && !source->digested && stamp != NULL && source->seen[0] != '\0' &&
        strcmp(stamp, source->seen) == 0 && sscanf(digest, "%8x", &then) == 1) {
        source->digest = then;
        source->digested = true;
    }
    MN_TRY(mn_dataset_digest(dataset, &now));
    snprintf(found, MN_DIGEST, "%08x", (unsigned)now);
    *same = strcmp(digest, found) == 0;
    return MN_OK;
}

uint64_t mn_hash(uint64_t hash, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

mn_status mn_source_end(mn_dataset *dataset)
{
    mn_image_source *source = dataset->source;
    if (source == NULL)
        return find_digest(dataset, &dataset->digest);
    const int64_t shape[] = {dataset->channels, dataset->height,      dataset->width,
                             dataset->classes,  dataset->train.count, dataset->test.count};
    uint64_t hash = mn_hash(UINT64_C(0xcbf29ce484222325), shape, sizeof shape);
    for (int part = 0; part < MN_PARTS; part++) {
        const mn_images *images = mn_images_of(dataset, part);
        hash = mn_hash(hash, images->labels, (size_t)images->count * sizeof *images->labels);
        if (images->domains != NULL)
            hash = mn_hash(hash, images->domains, (size_t)images->count * sizeof *images->domains);
    }
    snprintf(source->seen, MN_STAMP, "%016" PRIx64, source->stamp(dataset, hash));
    return MN_OK;
}
