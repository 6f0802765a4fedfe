/* again.h -- which task each image comes in, where classes or domains come again, or borders are
 * blurred. */
#ifndef MN_DATA_STREAM_AGAIN_H
#define MN_DATA_STREAM_AGAIN_H

#include <mneme/stream.h>

/* Images of one part, and the task that each comes in. */
typedef struct mn_grouped {
    const mn_images *images;
    const int32_t *arrival; /* of a label: its class; -1: in no task */
    const uint8_t *kind; /* (count) images of one kind are dealt out evenly; NULL: all are of one */
    int32_t *group;      /* (count); -1: none */
} mn_grouped;

/* MN_CLASS_REPETITION: how many classes there are, and original[arrival], in the order in which
 * they first come.  original: (dataset->classes). */
mn_status mn_repetition_order(const mn_stream_spec *spec, const mn_dataset *dataset,
                              int64_t *classes, int64_t *original);
/* Deals the images of each class out to the tasks that list it: as many to each, and one more to
 * the earlier where they do not divide; the key draws which. */
mn_status mn_repetition_deal(const mn_stream_spec *spec, const mn_grouped *part, int64_t classes,
                             mn_key key);
/* Of streams whose tasks are the data's domains: which one a task is. */
int64_t mn_domain_of_task(const mn_stream_spec *spec, int64_t task);
/* Each image to the task of its domain. */
void mn_domain_groups(const mn_stream_spec *spec, const mn_grouped *part);
/* Sends round(fraction * n) of the n images of each task, drawn by the key, to other tasks, each to
 * one that is drawn evenly, and marks them in `moved`.  indices[first[t]..first[t + 1]) are the
 * images of task t. */
mn_status mn_blur(double fraction, int64_t tasks, const int64_t *first, const int64_t *indices,
                  mn_key key, int32_t *group, bool *moved);

#endif
