/* plain.h -- from rows to what a network sees, without anything random. */
#ifndef MN_DATA_AUGMENT_PLAIN_H
#define MN_DATA_AUGMENT_PLAIN_H

#include <mneme/data.h>

/* Pixels of one channel. */
void mn_normalise(const uint8_t *pixels, int64_t count, float mean, float deviation, float *x);
/* One image, as mn_transform_apply() makes it of a transform without crops, mirrors and views. */
void mn_transform_image(const mn_transform *transform, mn_shape image, mn_row_type type,
                        const void *row, float *x);

#endif
