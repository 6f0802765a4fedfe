/* strong.h -- views of an image that differ more than those of training do. */
#ifndef MN_DATA_STRONG_H
#define MN_DATA_STRONG_H

#include <mneme/data.h>

/* pixels (count, image) -> x (count, image), normalised as `transform` says; what its random part
 * would be is not used.  Row i has the random numbers of place first + i under `key`.  Measurements
 * kept as bytes are no pictures: they come as they are. */
void mn_strong_apply(const mn_transform *transform, mn_shape image, int64_t count,
                     const uint8_t *pixels, mn_key key, int64_t first, float *x);

#endif
