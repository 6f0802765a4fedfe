/* channels.h -- lists of a number for each channel. */
#ifndef MN_EXPERIMENT_CHANNELS_H
#define MN_EXPERIMENT_CHANNELS_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

/* Numbers, one a channel, or "measured", which is `otherwise` until somebody measures. */
mn_status mn_channels_parse(const char *where, const char *text, int64_t channels, float otherwise,
                            float *values);
bool mn_is_measured(const char *text);

#endif
