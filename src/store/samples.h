/* samples.h -- images that stand for what was remembered of a class. */
#ifndef MN_STORE_SAMPLES_H
#define MN_STORE_SAMPLES_H

#include "store/handle.h"

/* Of a class after a task, the `place`-th of them. */
mn_status mn_runfile_put_sample(mn_runfile *file, int64_t after_task, int32_t label, int64_t place,
                                const uint8_t *image, size_t bytes);
typedef struct mn_sample {
    int64_t after_task, place;
    int32_t label;
    const uint8_t *image;
    size_t bytes;
} mn_sample;
/* Calls `each` for every sample in order of label, task, place; a failure of it ends the walk. */
typedef mn_status (*mn_sample_reader)(void *context, const mn_sample *sample);
mn_status mn_runfile_read_samples(mn_runfile *file, mn_sample_reader each, void *context);

#endif
