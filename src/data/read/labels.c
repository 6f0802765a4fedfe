/* labels.c -- classes that a user's labels name. */
#include "data/read/labels.h"
#include "base/numbers.h"
#include "data/read/reader.h"

#include <mneme/memory.h>
#include <stdlib.h>
#include <string.h>

/* Of labels in order: two that are one number would be two classes. */
static mn_status check_numbers(const char *path, const char *const *sorted, int64_t classes)
{
    for (int64_t i = 1; i < classes; i++) {
        double before, number;
        if (mn_number_real(sorted[i - 1], &before) && mn_number_real(sorted[i], &number) &&
            before == number)
            return mn_fail(MN_CORRUPT,
                           "%s: '%.40s' and '%.40s' are labels and the same number; write it in "
                           "one way",
                           path, sorted[i - 1], sorted[i]);
    }
    return MN_OK;
}

static mn_status name_sorted(const char *path, const char *hint, const char **sorted, int64_t count,
                             mn_dataset *dataset)
{
    int64_t classes = 0;
    qsort(sorted, (size_t)count, sizeof *sorted, mn_by_class_name);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || strcmp(sorted[i], sorted[classes - 1]) != 0)
            sorted[classes++] = sorted[i];
    if (classes > MN_MAX_CLASSES)
        return mn_fail(MN_UNSUPPORTED, "%s: has %lld different labels; at most %d are supported%s",
                       path, (long long)classes, MN_MAX_CLASSES, hint);
    MN_TRY(check_numbers(path, sorted, classes));
    return mn_dataset_name_classes(dataset, classes, sorted);
}

mn_status mn_labels_name_classes(const char *path, const char *hint, const char *const *labels,
                                 int64_t count, mn_dataset *dataset)
{
    const char **sorted = mn_memory_take((size_t)count + 1, sizeof *sorted);
    if (sorted == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for its labels", path);
    if (count > 0)
        memcpy(sorted, labels, (size_t)count * sizeof *sorted);
    const mn_status status = name_sorted(path, hint, sorted, count, dataset);
    mn_memory_give(sorted);
    return status;
}

/* Test rows of whole numbers may go with labels of 1.0. */
static int by_class(const void *label, const void *class)
{
    double one, other;
    if (mn_number_real(*(const char *const *)label, &one) &&
        mn_number_real(*(const char *const *)class, &other) && one == other)
        return 0;
    return mn_by_class_name(label, class);
}

int32_t mn_label_class(const mn_dataset *dataset, const char *label)
{
    const char *const *found = bsearch(&label, dataset->class_names, (size_t)dataset->classes,
                                       sizeof *dataset->class_names, by_class);
    return found == NULL ? -1 : (int32_t)(found - dataset->class_names);
}
