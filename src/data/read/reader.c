/* reader.c -- memory of images and of the names of classes, for readers. */
#include "data/read/reader.h"
#include "base/numbers.h"

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

/* The names live in one block with the table of them. */
mn_status mn_dataset_name_classes(mn_dataset *dataset, int64_t classes, const char *const *names)
{
    size_t bytes = (size_t)classes * sizeof(char *);
    for (int64_t c = 0; c < classes; c++)
        bytes += strlen(names[c]) + 1;
    const char **table = dataset->memory = mn_data_take(bytes);
    if (table == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the names of classes");
    char *text = (char *)(table + classes);
    for (int64_t c = 0; c < classes; c++) {
        table[c] = strcpy(text, names[c]);
        text += strlen(text) + 1;
    }
    dataset->class_names = table;
    dataset->classes = classes;
    return MN_OK;
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
