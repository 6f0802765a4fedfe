/* dataset.c -- finding a data set by name, reading it, and not believing it unseen.
 *
 * A reader may come from a plugin, so what it hands back is checked here once: sizes, counts, and
 * every label.  Nothing above needs to check again. */
#include "base/options.h"

#include <mneme/data.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { PATH_BYTES = 4096, CANDIDATES = 4, MOST_CHANNELS = 4 };

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Writes the i-th folder where the data set may lie; empty where the environment names none. */
static void candidate(int i, const char *name, char folder[PATH_BYTES])
{
    const char *given = getenv("MNEME_DATA"), *home = getenv("HOME");
    folder[0] = '\0';
    if (i == 0 && given != NULL && given[0] != '\0')
        snprintf(folder, PATH_BYTES, "%s/%s", given, name);
    else if (i == 1)
        snprintf(folder, PATH_BYTES, "../shared/data/%s", name);
    else if (i == 2 && home != NULL && home[0] != '\0')
        snprintf(folder, PATH_BYTES, "%s/.local/share/mneme/%s", home, name);
    else if (i == 3)
        snprintf(folder, PATH_BYTES, "/usr/share/datasets/%s", name);
}

static void free_images(mn_images *images)
{
    free(images->pixels);
    free(images->labels);
    *images = (mn_images){.count = 0};
}

static mn_status read_folder(const mn_dataset_type *type, const void *options, const char *folder,
                             mn_dataset *dataset)
{
    const mn_status status = type->read(options, folder, dataset);
    if (status != MN_OK) {
        free_images(&dataset->train);
        free_images(&dataset->test);
    }
    return status;
}

static mn_status not_found(const mn_dataset_type *type, const char *why)
{
    return mn_fail(MN_NOT_FOUND, "data set '%s': %s; to get it: %s", type->name, why, type->obtain);
}

/* A folder given by the user is that of the data set, or one with a folder for each data set. */
static mn_status read_given(const mn_dataset_type *type, const void *options, const char *given,
                            mn_dataset *dataset)
{
    if (!is_folder(given))
        return mn_fail(MN_NOT_FOUND, "data set '%s': there is no folder %s", type->name, given);
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s/%s", given, type->name);
    const mn_status status =
        read_folder(type, options, is_folder(folder) ? folder : given, dataset);
    return status == MN_NOT_FOUND ? not_found(type, mn_error()) : status;
}

static mn_status search(const mn_dataset_type *type, const void *options, mn_dataset *dataset)
{
    char folder[PATH_BYTES], why[512] = "", looked[512] = "";
    size_t used = 0;
    for (int i = 0; i < CANDIDATES; i++) {
        candidate(i, type->name, folder);
        if (folder[0] != '\0' && used < sizeof looked)
            used += (size_t)snprintf(looked + used, sizeof looked - used, "%s%s",
                                     used > 0 ? ", " : "", folder);
        if (!is_folder(folder))
            continue;
        const mn_status status = read_folder(type, options, folder, dataset);
        if (status != MN_NOT_FOUND)
            return status;
        if (why[0] == '\0') /* a folder that lacks a file says more than one that is absent */
            snprintf(why, sizeof why, "%.500s", mn_error());
    }
    if (why[0] != '\0')
        return not_found(type, why);
    return mn_fail(MN_NOT_FOUND, "data set '%s' is in none of %s; to get it: %s", type->name,
                   looked, type->obtain);
}

static mn_status check_images(const mn_dataset *dataset, const mn_images *images, const char *part)
{
    if (images->count < 1 || images->pixels == NULL || images->labels == NULL)
        return mn_fail(MN_CORRUPT, "data set '%s' has no %s images", dataset->name, part);
    for (int64_t i = 0; i < images->count; i++)
        if (images->labels[i] < 0 || images->labels[i] >= dataset->classes)
            return mn_fail(MN_CORRUPT,
                           "data set '%s': %s image %lld has label %d, expected 0 to %lld",
                           dataset->name, part, (long long)i, images->labels[i],
                           (long long)dataset->classes - 1);
    return MN_OK;
}

static mn_status check(const mn_dataset *dataset)
{
    if (dataset->channels < 1 || dataset->channels > MOST_CHANNELS || dataset->height < 1 ||
        dataset->width < 1)
        return mn_fail(MN_CORRUPT, "data set '%s' has images of %lldx%lldx%lld", dataset->name,
                       (long long)dataset->channels, (long long)dataset->height,
                       (long long)dataset->width);
    if (dataset->classes < 1 || dataset->classes > MN_MAX_CLASSES)
        return mn_fail(MN_UNSUPPORTED, "data set '%s' has %lld classes, expected 1 to %d",
                       dataset->name, (long long)dataset->classes, MN_MAX_CLASSES);
    MN_TRY(check_images(dataset, &dataset->train, "training"));
    return check_images(dataset, &dataset->test, "test");
}

/* Over the bytes in memory: little-endian machines agree on it, which are those mneme runs on. */
static uint32_t digest(const mn_dataset *dataset)
{
    const size_t pixels = (size_t)(dataset->channels * dataset->height * dataset->width);
    const mn_images *parts[] = {&dataset->train, &dataset->test};
    uLong sum = crc32_z(0, NULL, 0);
    for (int i = 0; i < 2; i++) {
        const size_t count = (size_t)parts[i]->count;
        sum = crc32_z(sum, parts[i]->pixels, count * pixels);
        sum = crc32_z(sum, (const Bytef *)parts[i]->labels, count * sizeof *parts[i]->labels);
    }
    return (uint32_t)sum;
}

static mn_status read_by_type(const mn_dataset_type *type, const char *options, const char *folder,
                              mn_dataset *dataset)
{
    void *values = calloc(1, type->options_size + 1); /* a type without options has size 0 */
    if (values == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    mn_options_default(type->options, values);
    mn_status status = mn_options_from_text(type->options, values, type->name, options);
    if (status == MN_OK) {
        snprintf(dataset->name, sizeof dataset->name, "%s", type->name);
        if (type->obtain == NULL) /* drawn, not read */
            status = read_folder(type, values, folder, dataset);
        else if (folder != NULL && folder[0] != '\0')
            status = read_given(type, values, folder, dataset);
        else
            status = search(type, values, dataset);
    }
    free(values);
    return status;
}

mn_status mn_dataset_open(const char *name, const char *options, const char *folder,
                          mn_dataset **dataset)
{
    const mn_dataset_type *type = (const mn_dataset_type *)mn_find(MN_KIND_DATASET, name);
    if (type == NULL)
        return MN_NOT_FOUND;
    mn_dataset *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    mn_status status = read_by_type(type, options, folder, opened);
    if (status == MN_OK)
        status = check(opened);
    if (status != MN_OK) {
        mn_dataset_free(opened);
        return status;
    }
    opened->digest = digest(opened);
    *dataset = opened;
    return MN_OK;
}

void mn_dataset_free(mn_dataset *dataset)
{
    if (dataset == NULL)
        return;
    free_images(&dataset->train);
    free_images(&dataset->test);
    free(dataset);
}
