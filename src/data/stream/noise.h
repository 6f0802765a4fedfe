/* noise.h -- labels that are wrong. */
#ifndef MN_DATA_STREAM_NOISE_H
#define MN_DATA_STREAM_NOISE_H

#include <mneme/stream.h>

typedef struct mn_noise {
    double part; /* of the labelled images of each class of the task */
    bool pairs;  /* the next class of the task, and the first after the last; else any other */
    int64_t classes;
    mn_key key;
} mn_noise;

/* Gives llround(part * n) of the n labelled images of each class of task `task` the label of
 * another class of the task; the key draws which images, and which label.  places: (count), the
 * task's training images; labels: by place, or MN_UNLABELLED; changed[place] becomes true of those.
 * A task of one class: MN_BAD_OPTION. */
mn_status mn_noise_add(const mn_noise *noise, int64_t task, const int64_t *places, int64_t count,
                       int32_t *labels, bool *changed);

#endif
