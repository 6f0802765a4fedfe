/* pictures.c -- pictures in files of their own, each decoded when it is asked for. */
#include "data/read/pictures.h"
#include "data/read/decode.h"
#include "data/read/reader.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct pictures {
    mn_picture_files of;
    int64_t *number[MN_PARTS]; /* (count) of each part's pictures */
    bool resized;
    mn_resize resize;
    mn_fit fit;
} pictures;

static void pictures_close(void *from)
{
    pictures *p = from;
    p->of.close(p->of.files);
    mn_memory_give(p->number[MN_TRAIN_PART]);
    mn_memory_give(p->number[MN_TEST_PART]);
    mn_memory_give(p);
}

static mn_status place(const mn_dataset *dataset, const pictures *p, const char *path,
                       const mn_picture *picture, uint8_t *pixels)
{
    if (!p->resized && (picture->height != dataset->height || picture->width != dataset->width))
        return mn_fail(MN_BAD_OPTION,
                       "%s: is %lldx%lld, but the images before it are %lldx%lld; give a size to "
                       "which all are made",
                       path, (long long)picture->width, (long long)picture->height,
                       (long long)dataset->width, (long long)dataset->height);
    const mn_raster raster = mn_raster_of_picture(picture);
    return mn_raster_place(&raster, p->resize, p->fit, dataset->channels, dataset->height,
                           dataset->width, pixels);
}

static mn_status read_image(const mn_dataset *dataset, int part, int64_t i, uint8_t *pixels)
{
    const pictures *p = dataset->source->from;
    char path[MN_PICTURE_PATH];
    mn_picture picture;
    p->of.path(p->of.files, p->number[part][i], path);
    MN_TRY(mn_picture_read(path, &picture));
    const mn_status status = place(dataset, p, path, &picture, pixels);
    mn_picture_free(&picture);
    return status;
}

static int64_t count_of(const mn_dataset *dataset, int part)
{
    return part == MN_TRAIN_PART ? dataset->train.count : dataset->test.count;
}

/* Names, sizes and times of change of the files, and what is made of them. */
static uint64_t stamp(const mn_dataset *dataset, uint64_t hash)
{
    const pictures *p = dataset->source->from;
    const int64_t made[] = {p->resized, p->resize, p->fit};
    hash = mn_hash(hash, made, sizeof made);
    for (int part = 0; part < MN_PARTS; part++)
        for (int64_t i = 0; i < count_of(dataset, part); i++) {
            char path[MN_PICTURE_PATH];
            struct stat found;
            p->of.path(p->of.files, p->number[part][i], path);
            const bool there = stat(path, &found) == 0;
            const int64_t seen[] = {there ? (int64_t)found.st_size : -1,
                                    there ? (int64_t)found.st_mtim.tv_sec : 0,
                                    there ? (int64_t)found.st_mtim.tv_nsec : 0};
            hash = mn_hash(mn_hash(hash, path, strlen(path) + 1), seen, sizeof seen);
        }
    return hash;
}

static mn_status number_part(mn_images *images, int64_t first, int64_t count, int64_t **number)
{
    images->count = count;
    if (count == 0)
        return MN_OK;
    *number = mn_data_take((size_t)count * sizeof **number);
    images->labels = mn_data_take((size_t)count * sizeof *images->labels);
    if (*number == NULL || images->labels == NULL)
        return MN_NO_MEMORY;
    for (int64_t i = 0; i < count; i++)
        (*number)[i] = first + i;
    return MN_OK;
}

mn_status mn_pictures_new(mn_dataset *dataset, mn_picture_files files)
{
    pictures *p = mn_memory_take_zeroed(1, sizeof *p);
    mn_image_source *source = mn_memory_take_zeroed(1, sizeof *source);
    if (p == NULL || source == NULL) {
        files.close(files.files);
        mn_memory_give(p);
        mn_memory_give(source);
        return mn_fail(MN_NO_MEMORY, "out of memory for a listing");
    }
    p->of = files;
    *source =
        (mn_image_source){.read = read_image, .stamp = stamp, .close = pictures_close, .from = p};
    dataset->source = source;
    int64_t first = 0;
    for (int part = 0; part < MN_PARTS; part++) {
        const int64_t count = files.count[part];
        MN_TRY(number_part(mn_images_of(dataset, part), first, count, &p->number[part]));
        first += count;
    }
    return MN_OK;
}

int64_t **mn_pictures_numbers(const mn_dataset *dataset, int part)
{
    const mn_image_source *source = dataset->source;
    return source != NULL && source->read == read_image ? &((pictures *)source->from)->number[part]
                                                        : NULL;
}

/* The size of the first picture. */
static mn_status measure(const pictures *p, int64_t *height, int64_t *width)
{
    char path[MN_PICTURE_PATH];
    mn_picture picture;
    p->of.path(p->of.files, 0, path);
    MN_TRY(mn_source_advise(mn_picture_read(path, &picture)));
    *height = picture.height;
    *width = picture.width;
    mn_picture_free(&picture);
    return MN_OK;
}

mn_status mn_pictures_size(mn_dataset *dataset, int64_t height, int64_t width, mn_resize resize,
                           mn_fit fit)
{
    pictures *p = dataset->source->from;
    p->resized = height > 0;
    p->resize = resize;
    p->fit = fit;
    if (!p->resized)
        MN_TRY(measure(p, &height, &width));
    dataset->height = height;
    dataset->width = width;
    return MN_OK;
}

void mn_pictures_made(const mn_dataset *dataset, mn_resize *resize, mn_fit *fit)
{
    const bool own = dataset->source != NULL && dataset->source->read == read_image;
    const pictures *p = own ? dataset->source->from : NULL;
    *resize = p != NULL && p->resized ? p->resize : MN_RESIZE_AREA;
    *fit = p != NULL && p->resized ? p->fit : MN_FIT_CROP;
}

/* --- which files are pictures --- */

static bool ends_in(const char *name, const char *const *endings)
{
    const char *ending = strrchr(name, '.');
    for (; ending != NULL && *endings != NULL; endings++)
        if (strcasecmp(ending, *endings) == 0)
            return true;
    return false;
}

mn_status mn_is_image(const char *folder, const char *name, bool *image)
{
    static const char *const ours[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", NULL};
    static const char *const others[] = {".gif", ".bmp",  ".webp", ".tif", ".tiff", ".ppm",
                                         ".pgm", ".heic", ".avif", ".jp2", ".svg",  NULL};
    *image = ends_in(name, ours);
    if (!ends_in(name, others))
        return MN_OK;
    return mn_fail(
        MN_BAD_OPTION,
        "%s/%s: expected a .png, .jpg or .jpeg; convert it, or take it out of the folder", folder,
        name);
}
