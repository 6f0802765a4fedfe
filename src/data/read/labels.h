/* labels.h -- classes that a user's labels name. */
#ifndef MN_DATA_READ_LABELS_H
#define MN_DATA_READ_LABELS_H

#include <mneme/data.h>

/* Makes the different labels of the training images the data set's classes, in the order of classes
 * (reader.h).  Two that are one number, as 1 and 1.0, are refused, and more than MN_MAX_CLASSES.
 * `path` and `hint`, which may be empty, stand in messages. */
mn_status mn_labels_name_classes(const char *path, const char *hint, const char *const *labels,
                                 int64_t count, mn_dataset *dataset);

/* The class that a label names, a number in any notation; -1: no training image has it. */
int32_t mn_label_class(const mn_dataset *dataset, const char *label);

#endif
