/* general.h -- the order and the angles of a general stream. */
#ifndef MN_DATA_STREAM_GENERAL_H
#define MN_DATA_STREAM_GENERAL_H

#include <mneme/stream.h>

typedef struct mn_class_images {
    const int32_t *labels;  /* by place, as the data set has them */
    const int32_t *arrival; /* of a label: its class */
    int64_t classes, count;
    int64_t *places; /* (count) */
} mn_class_images;
/* Puts the places in the order in which a general stream shows them, and writes the degrees of each
 * to angles, by place. */
mn_status mn_general_order(const mn_class_images *images, int64_t rounds, mn_key key,
                           float *angles);
/* Of images that are only evaluated: each class turns once, in the order given. */
mn_status mn_general_angles(const mn_class_images *images, float *angles);

#endif
