/* dataset.c -- finding a data set by name, reading it, and verifying it.
 *
 * A reader may come from a plugin, so what it hands back is checked here once: sizes, counts, and
 * every label.  Nothing above needs to check again. */
#include "data/read/dataset.h"
#include "base/escape.h"
#include "base/hook.h"
#include "base/options.h"
#include "data/read/image_options.h"
#include "data/read/packed.h"
#include "data/read/resize.h"
#include "data/read/search.h"
#include "data/read/source.h"

#include <mneme/data.h>
#include <mneme/memory.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The built-in readers also hand over memory that they let grow with mn_memory_resize(), which is
 * the same.
 */
void *mn_data_take(size_t bytes)
{
    void *memory = mn_memory_take(bytes, 1);
    if (memory == NULL)
        (void)mn_fail(MN_NO_MEMORY, "out of memory for %zu bytes of a data set", bytes);
    return memory;
}

mn_status mn_dataset_note(mn_dataset *dataset, const char *format, ...)
{
    char text[1024], line[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    mn_visible(text, line, sizeof line); /* one line, whatever found its way into it */
    const size_t before = dataset->notes != NULL ? strlen(dataset->notes) : 0;
    char *notes = mn_data_take(before + strlen(line) + 2);
    if (notes == NULL)
        return MN_NO_MEMORY;
    snprintf(notes, before + strlen(line) + 2, "%s%s\n", before > 0 ? dataset->notes : "", line);
    mn_memory_give(dataset->notes);
    dataset->notes = notes;
    return MN_OK;
}

static void free_images(mn_images *images)
{
    mn_memory_give(images->pixels);
    mn_memory_give(images->labels);
    mn_memory_give(images->domains);
    *images = (mn_images){.count = 0};
}

static void free_contents(mn_dataset *dataset)
{
    mn_source_close(dataset);
    free_images(&dataset->train);
    free_images(&dataset->test);
    mn_memory_give(dataset->memory);
    mn_memory_give(dataset->offset);
    mn_memory_give(dataset->scale);
    mn_memory_give(dataset->notes);
    mn_memory_give((void *)dataset->domain_names);
    dataset->domain_names = NULL;
    dataset->domains = 0;
    dataset->notes = NULL;
    dataset->memory = NULL;
    dataset->offset = dataset->scale = NULL;
}

static mn_status read_folder(const mn_dataset_type *type, const void *options, const char *folder,
                             mn_dataset *dataset)
{
    const mn_hook_place before = mn_hook_enter(type->name, "read");
    const mn_status status = mn_hook_leave(before, type->read(options, folder, dataset));
    if (status != MN_OK)
        free_contents(dataset); /* another folder may be tried */
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
    if (!mn_is_folder(given))
        return mn_fail(MN_NOT_FOUND, "data set '%s': there is no folder %s", type->name, given);
    char folder[MN_DATA_PATH];
    snprintf(folder, sizeof folder, "%s/%s", given, type->name);
    const mn_status status =
        read_folder(type, options, mn_is_folder(folder) ? folder : given, dataset);
    return status == MN_NOT_FOUND ? not_found(type, mn_error()) : status;
}

static mn_status search(const mn_dataset_type *type, const void *options, mn_dataset *dataset)
{
    char folder[MN_DATA_PATH], why[512] = "", looked[512] = "";
    size_t used = 0;
    for (int i = 0; i < MN_DATA_PLACES; i++) {
        mn_data_place(i, type->name, folder);
        if (folder[0] != '\0' && used < sizeof looked)
            used += (size_t)snprintf(looked + used, sizeof looked - used, "%s%s",
                                     used > 0 ? ", " : "", folder);
        if (!mn_is_folder(folder))
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
    const bool there = images->pixels != NULL || dataset->source != NULL;
    if (images->count < 1 || !there || images->labels == NULL)
        return mn_fail(MN_CORRUPT, "data set '%s' has no %s images", dataset->name, part);
    for (int64_t i = 0; i < images->count; i++)
        if (images->labels[i] < 0 || images->labels[i] >= dataset->classes)
            return mn_fail(MN_CORRUPT,
                           "data set '%s': %s image %lld has label %d, expected 0 to %lld",
                           dataset->name, part, (long long)i, images->labels[i],
                           (long long)dataset->classes - 1);
    for (int64_t i = 0; i < images->count && dataset->domains > 0; i++)
        if (images->domains == NULL || images->domains[i] < 0 ||
            images->domains[i] >= dataset->domains)
            return mn_fail(MN_CORRUPT, "data set '%s': %s image %lld has no domain from 0 to %lld",
                           dataset->name, part, (long long)i, (long long)dataset->domains - 1);
    return MN_OK;
}

static mn_status check(const mn_dataset *dataset)
{
    const bool images = dataset->type == MN_ROW_U8;
    if (dataset->channels < 1 || (images && dataset->channels > MN_MOST_CHANNELS) ||
        dataset->height < 1 || dataset->width < 1)
        return mn_fail(MN_CORRUPT, "data set '%s' has images of %lldx%lldx%lld", dataset->name,
                       (long long)dataset->channels, (long long)dataset->height,
                       (long long)dataset->width);
    if (!images && (dataset->offset == NULL || dataset->scale == NULL))
        return mn_fail(MN_CORRUPT, "data set '%s' has rows of floats, but no range of each place",
                       dataset->name);
    if (dataset->classes < 2 || dataset->classes > MN_MAX_CLASSES)
        return mn_fail(MN_UNSUPPORTED, "data set '%s' has %lld class%s, expected 2 to %d",
                       dataset->name, (long long)dataset->classes,
                       dataset->classes == 1 ? "" : "es", MN_MAX_CLASSES);
    if (dataset->domains < 0 || dataset->domains > MN_MAX_TASKS ||
        (dataset->domains > 0 && dataset->domain_names == NULL))
        return mn_fail(MN_UNSUPPORTED, "data set '%s' has %lld domains, expected names for 0 to %d",
                       dataset->name, (long long)dataset->domains, MN_MAX_TASKS);
    MN_TRY(check_images(dataset, &dataset->train, "training"));
    return check_images(dataset, &dataset->test, "test");
}

static mn_status read_anywhere(const mn_dataset_type *type, const void *values, const char *folder,
                               mn_dataset *dataset)
{
    if (type->obtain == NULL) /* drawn, or read from where its options say */
        return read_folder(type, values, folder, dataset);
    return folder != NULL && folder[0] != '\0' ? read_given(type, values, folder, dataset)
                                               : search(type, values, dataset);
}

static mn_image_options *common_of(const mn_request *request)
{
    return (void *)(uintptr_t)mn_image_options_in(request->type, request->values);
}

mn_status mn_request_new(const char *name, const char *options, mn_request *request)
{
    size_t bytes;
    *request = (mn_request){.type = (const void *)mn_find(MN_KIND_DATASET, name)};
    if (request->type == NULL)
        return MN_NOT_FOUND;
    MN_TRY(mn_dataset_table(request->type, &request->table, &bytes));
    request->values = mn_memory_take_zeroed(1, bytes);
    if (request->values == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    mn_options_default(mn_dataset_options(), common_of(request));
    mn_options_default(request->table, request->values);
    const mn_status status =
        mn_options_from_text(request->table, request->values, request->type->name, options);
    if (status != MN_OK)
        mn_request_free(request);
    return status;
}

void mn_request_free(mn_request *request)
{
    mn_memory_give(request->values);
    request->values = NULL;
}

void mn_request_as_needed(mn_request *request)
{
    mn_image_options *common = common_of(request);
    common->decode = MN_DECODE_WHEN_NEEDED;
    common->packed = "";
}

static mn_status read_data(const mn_request *request, const char *folder, mn_dataset *dataset)
{
    const mn_image_options *common = common_of(request);
    snprintf(dataset->name, sizeof dataset->name, "%s", request->type->name);
    if (common->packed[0] != '\0') {
        MN_TRY(mn_packed_read(common->packed, request->type->name, request->table, request->values,
                              dataset));
    } else {
        MN_TRY(read_anywhere(request->type, request->values, folder, dataset));
        if (dataset->source == NULL) /* of pictures in files the size is not known yet */
            MN_TRY(check(dataset));
        MN_TRY(mn_images_apply(common, dataset));
    }
    MN_TRY(check(dataset));
    return mn_source_end(dataset);
}

mn_status mn_request_read(const mn_request *request, const char *folder, mn_dataset **dataset)
{
    mn_dataset *opened = mn_memory_take_zeroed(1, sizeof *opened);
    if (opened == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    const mn_status status = read_data(request, folder, opened);
    if (status != MN_OK) {
        mn_dataset_free(opened);
        return status;
    }
    *dataset = opened;
    return MN_OK;
}

mn_status mn_dataset_open(const char *name, const char *options, const char *folder,
                          mn_dataset **dataset)
{
    mn_request request;
    MN_TRY(mn_request_new(name, options, &request));
    const mn_status status = mn_request_read(&request, folder, dataset);
    mn_request_free(&request);
    return status;
}

void mn_dataset_free(mn_dataset *dataset)
{
    if (dataset == NULL)
        return;
    free_contents(dataset);
    mn_memory_give(dataset);
}

mn_shape mn_dataset_image(const mn_dataset *dataset)
{
    return MN_SHAPE(dataset->channels, dataset->height, dataset->width);
}
