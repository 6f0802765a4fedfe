/* reader.c -- memory of images and of the names of classes, for readers. */
#include "data/read/reader.h"
#include "base/numbers.h"

#include <mneme/memory.h>
#include <stdlib.h>
#include <string.h>

mn_status mn_pixels_allocate(mn_row_type type, int64_t count, int64_t channels, int64_t height,
                             int64_t width, uint8_t **pixels)
{
    int64_t bytes = (int64_t)mn_row_bytes(type, channels * height * width);
    *pixels = NULL;
    if (!__builtin_mul_overflow(bytes, count, &bytes) && bytes > 0)
        *pixels = mn_data_take((size_t)bytes);
    return *pixels != NULL
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for %lld images of %lldx%lldx%lld",
                         (long long)count, (long long)channels, (long long)height,
                         (long long)width);
}

mn_status mn_images_allocate(mn_images *images, mn_row_type type, int64_t count, int64_t channels,
                             int64_t height, int64_t width)
{
    MN_TRY(mn_pixels_allocate(type, count, channels, height, width, &images->pixels));
    images->labels = mn_data_take((size_t)count * sizeof *images->labels);
    return images->labels != NULL
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for %lld labels", (long long)count);
}

/* Names in one block with the table of them. */
static mn_status name_block(const char *const *names, int64_t count, const char ***block)
{
    size_t bytes = (size_t)count * sizeof(char *);
    for (int64_t i = 0; i < count; i++)
        bytes += strlen(names[i]) + 1;
    const char **table = *block = mn_data_take(bytes);
    if (table == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for names");
    char *text = (char *)(table + count);
    for (int64_t i = 0; i < count; i++) {
        table[i] = strcpy(text, names[i]);
        text += strlen(text) + 1;
    }
    return MN_OK;
}

mn_status mn_dataset_name_classes(mn_dataset *dataset, int64_t classes, const char *const *names)
{
    const char **table = NULL;
    MN_TRY(name_block(names, classes, &table));
    dataset->memory = (void *)table;
    dataset->class_names = table;
    dataset->classes = classes;
    return MN_OK;
}

static mn_status number_part(const mn_dataset *dataset, const char *const *domain,
                             mn_images *images)
{
    if (images->count == 0)
        return MN_OK;
    images->domains = mn_data_take((size_t)images->count * sizeof *images->domains);
    if (images->domains == NULL)
        return MN_NO_MEMORY;
    for (int64_t i = 0; i < images->count; i++) {
        const char **found = bsearch(&domain[i], dataset->domain_names, (size_t)dataset->domains,
                                     sizeof *dataset->domain_names, mn_by_class_name);
        images->domains[i] = (int32_t)(found - dataset->domain_names);
    }
    return MN_OK;
}

mn_status mn_dataset_number_domains(mn_dataset *dataset, const char *path,
                                    const char *const *domain)
{
    const int64_t count = dataset->train.count + dataset->test.count;
    const char **sorted = mn_memory_take((size_t)count + 1, sizeof *sorted);
    int64_t domains = 0;
    if (sorted == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for its domains", path);
    memcpy(sorted, domain, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, mn_by_class_name);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || strcmp(sorted[i], sorted[domains - 1]) != 0)
            sorted[domains++] = sorted[i];
    mn_status status =
        domains > MN_MAX_TASKS
            ? mn_fail(MN_UNSUPPORTED, "%s: has %lld different domains; at most %d are supported",
                      path, (long long)domains, MN_MAX_TASKS)
            : name_block(sorted, domains, &dataset->domain_names);
    mn_memory_give(sorted);
    MN_TRY(status);
    dataset->domains = domains;
    MN_TRY(number_part(dataset, domain, &dataset->train));
    return number_part(dataset, domain + dataset->train.count, &dataset->test);
}

mn_status mn_note_idle(mn_dataset *dataset, bool set, const char *option, const char *why)
{
    return set ? mn_dataset_note(dataset, "%s.%s does nothing: %s", dataset->name, option, why)
               : MN_OK;
}

int mn_by_class_name(const void *a, const void *b)
{
    const char *one = *(const char *const *)a, *other = *(const char *const *)b;
    double first, second;
    const bool number = mn_number_real(one, &first), numbers = mn_number_real(other, &second);
    if (number != numbers)
        return numbers - number;
    return number && first != second ? (first > second) - (first < second) : strcmp(one, other);
}
