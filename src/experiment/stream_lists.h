/* stream_lists.h -- the lists of a stream: classes of each task, and the order of classes. */
#ifndef MN_EXPERIMENT_STREAM_LISTS_H
#define MN_EXPERIMENT_STREAM_LISTS_H

#include "experiment/configuration.h"

#include <mneme/data.h>

typedef struct mn_stream_lists {
    int64_t task_classes[MN_MAX_TASKS], class_order[MN_MAX_CLASSES], domain_order[MN_MAX_TASKS];
    int64_t tasks, classes, domains; /* how many are listed; 0: no list is given */
} mn_stream_lists;

/* Reads the section's lists.  Before data are read `dataset` is NULL: what needs their classes is
 * not told then, and class_order holds nothing. */
mn_status mn_stream_lists_read(const mn_stream_settings *stream, const mn_dataset *dataset,
                               mn_stream_lists *lists);

#endif
