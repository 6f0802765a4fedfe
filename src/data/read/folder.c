/* folder.c -- a user's own images: one folder a class, PNG and JPEG.
 *
 * The listing comes first and decides everything: classes, their order, and how many images there
 * are.  Then each image is decoded to its place. */
#include "data/read/decode.h"
#include "data/read/picture.h"
#include "data/read/reader.h"
#include "data/read/resize.h"
#include "data/read/split.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct folder_options {
    const char *path;
    int64_t size, channels, resize, fit;
    MN_SPLIT_MEMBERS;
} folder_options;

static const char *const colours[] = {"rgb", "grey", NULL};
static const char *const resizes[] = {"area", "bilinear", NULL}; /* as mn_resize */
static const char *const fits[] = {"crop", "stretch", NULL};     /* as mn_fit */
static const mn_option options_table[] = {
    MN_TEXT(folder_options, path, "",
            "folder with train/ and test/, or with the classes themselves"),
    MN_INT(folder_options, size, 0, 0, 1024,
           "make all images so high and wide; 0: they all have the size of the first"),
    MN_CHOICE(folder_options, channels, 0, colours, "in colour, or in shades of grey"),
    MN_CHOICE(folder_options, resize, 0, resizes,
              "area averages what lies under a pixel; bilinear is for making images larger"),
    MN_CHOICE(folder_options, fit, 0, fits, "cut the middle square out of an image, or squeeze it"),
    MN_SPLIT_OPTIONS(folder_options),
    MN_END,
};

/* --- listing ---------------------------------------------------------------------------------- */

/* The images of one part, by class. */
typedef struct listing {
    char folder[MN_DATA_PATH]; /* in which the classes are */
    mn_names classes;
    mn_names *files; /* (classes) */
    int64_t images;
} listing;

static void listing_free(listing *list)
{
    for (int64_t c = 0; list->files != NULL && c < list->classes.count; c++)
        mn_names_free(&list->files[c]);
    mn_memory_give(list->files);
    mn_names_free(&list->classes);
}

static mn_status check_ending(const char *folder, const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending != NULL && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(ending, endings[i]) == 0)
            return MN_OK;
    return mn_fail(
        MN_BAD_OPTION,
        "%s/%s: expected a .png, .jpg or .jpeg; convert it, or take it out of the folder", folder,
        name);
}

static mn_status list_class(listing *list, int64_t class)
{
    char folder[MN_DATA_PATH + 256];
    snprintf(folder, sizeof folder, "%s/%s", list->folder, list->classes.name[class]);
    mn_names *files = &list->files[class];
    MN_TRY(mn_folder_names(folder, false, files));
    for (int64_t i = 0; i < files->count; i++)
        MN_TRY(check_ending(folder, files->name[i]));
    list->images += files->count;
    return files->count > 0 ? MN_OK : mn_fail(MN_BAD_OPTION, "%s: holds no images", folder);
}

static mn_status list_part(listing *list)
{
    MN_TRY(mn_folder_names(list->folder, true, &list->classes));
    const long long classes = list->classes.count;
    if (classes < 2)
        return mn_fail(MN_BAD_OPTION,
                       "%s: has %lld folder%s of images; expected one a class, at "
                       "least 2",
                       list->folder, classes, classes == 1 ? "" : "s");
    if (classes > MN_MAX_CLASSES)
        return mn_fail(MN_UNSUPPORTED, "%s: has %lld classes; at most %d are supported",
                       list->folder, classes, MN_MAX_CLASSES);
    list->files = mn_memory_take_zeroed((size_t)classes, sizeof *list->files);
    if (list->files == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a listing");
    for (int64_t c = 0; c < classes; c++)
        MN_TRY(list_class(list, c));
    return MN_OK;
}

static mn_status same_classes(const listing *train, const listing *test)
{
    int64_t c = 0;
    while (c < train->classes.count && c < test->classes.count &&
           strcmp(train->classes.name[c], test->classes.name[c]) == 0)
        c++;
    if (c == train->classes.count && c == test->classes.count)
        return MN_OK;
    const bool extra =
        c == train->classes.count ||
        (c < test->classes.count && strcmp(test->classes.name[c], train->classes.name[c]) < 0);
    return mn_fail(MN_BAD_OPTION, "%s: there is no class '%s', which %s has",
                   extra ? train->folder : test->folder,
                   extra ? test->classes.name[c] : train->classes.name[c],
                   extra ? test->folder : train->folder);
}

/* Finds the parts: train/ with test/ or val/, else all in one, to be split. */
static mn_status list_all(const char *path, listing *train, listing *test, bool *split)
{
    static const char *const names[] = {"test", "val"};
    snprintf(train->folder, sizeof train->folder, "%.4000s/train", path);
    *split = !mn_is_folder(train->folder);
    if (*split) {
        snprintf(train->folder, sizeof train->folder, "%s", path);
        return list_part(train);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(test->folder, sizeof test->folder, "%.4000s/%s", path, names[i]);
        if (mn_is_folder(test->folder))
            break;
        if (i == 1)
            return mn_fail(MN_NOT_FOUND, "%s: has train/, but neither test/ nor val/ beside it",
                           path);
    }
    MN_TRY(list_part(train));
    MN_TRY(list_part(test));
    return same_classes(train, test);
}

/* --- reading ---------------------------------------------------------------------------------- */

static mn_status check_size(const folder_options *o, const char *path, const mn_picture *picture,
                            mn_dataset *dataset)
{
    if (dataset->height == 0) {
        dataset->height = o->size > 0 ? o->size : picture->height;
        dataset->width = o->size > 0 ? o->size : picture->width;
    }
    if (o->size == 0 && (picture->height != dataset->height || picture->width != dataset->width))
        return mn_fail(MN_BAD_OPTION,
                       "%s: is %lldx%lld, but the images before it are %lldx%lld; give a size to "
                       "which all are made",
                       path, (long long)picture->width, (long long)picture->height,
                       (long long)dataset->width, (long long)dataset->height);
    return MN_OK;
}

static mn_status read_image(const folder_options *o, const char *path, int64_t count,
                            mn_dataset *dataset, mn_images *images)
{
    mn_picture picture;
    MN_TRY(mn_picture_read(path, &picture));
    mn_status status = check_size(o, path, &picture, dataset);
    if (status == MN_OK && images->pixels == NULL)
        status =
            mn_images_allocate(images, count, dataset->channels, dataset->height, dataset->width);
    const int64_t bytes = dataset->channels * dataset->height * dataset->width;
    if (status == MN_OK)
        status = mn_picture_place(&picture, (mn_resize)o->resize, (mn_fit)o->fit, dataset->channels,
                                  dataset->height, dataset->width,
                                  images->pixels + images->count * bytes);
    mn_picture_free(&picture);
    return status;
}

static mn_status read_part(const folder_options *o, const listing *list, mn_dataset *dataset,
                           mn_images *images)
{
    for (int64_t c = 0; c < list->classes.count; c++)
        for (int64_t i = 0; i < list->files[c].count; i++) {
            char path[MN_DATA_PATH + 512];
            snprintf(path, sizeof path, "%s/%s/%s", list->folder, list->classes.name[c],
                     list->files[c].name[i]);
            MN_TRY(read_image(o, path, list->images, dataset, images));
            images->labels[images->count++] = (int32_t)c;
        }
    return MN_OK;
}

static mn_status read_listed(const folder_options *o, const listing *train, const listing *test,
                             bool split, mn_dataset *dataset)
{
    dataset->channels = o->channels == 0 ? 3 : 1;
    MN_TRY(mn_dataset_name_classes(dataset, train->classes.count,
                                   (const char *const *)train->classes.name));
    MN_TRY(read_part(o, train, dataset, &dataset->train));
    if (split)
        return mn_split_test_off(dataset, o->test_fraction, o->split_seed);
    return read_part(o, test, dataset, &dataset->test);
}

static mn_status read_folder(const void *options, const char *folder, mn_dataset *dataset)
{
    const folder_options *o = options;
    char path[MN_DATA_PATH];
    MN_TRY(mn_data_find("folder.path", folder, o->path, path));
    if (!mn_is_folder(path))
        return mn_fail(MN_BAD_OPTION, "folder.path: %s is no folder", path);
    listing train = {.images = 0}, test = {.images = 0};
    bool split = false;
    mn_status status = list_all(path, &train, &test, &split);
    if (status == MN_OK)
        status = read_listed(o, &train, &test, split, dataset);
    listing_free(&train);
    listing_free(&test);
    return status;
}

MN_DATASET(folder) = {
    MN_DATASET_HEADER,
    .name = "folder",
    .summary = "your own PNG and JPEG images: one folder a class",
    .options = options_table,
    .options_size = sizeof(folder_options),
    .read = read_folder,
};
