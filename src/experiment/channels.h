/* channels.h -- lists of a number for each channel. */
#ifndef MN_EXPERIMENT_CHANNELS_H
#define MN_EXPERIMENT_CHANNELS_H

#include <mneme/data.h>
#include <mneme/transform.h>

/* Numbers, one a channel, or "measured", which is `otherwise` until somebody measures. */
mn_status mn_channels_parse(const char *where, const char *text, int64_t channels, float otherwise,
                            float *values);
/* Means, deviations or both are what the training images at `places` have (NULL: the first
 * `count`); a channel that does not vary keeps its deviation. */
mn_status mn_channels_measure(const mn_dataset *dataset, const int64_t *places, int64_t count,
                              bool mean, bool deviation, mn_transform *transform);
bool mn_is_measured(const char *text);

#endif
