/* settings.h -- the side of a run's settings that fills them. */
#ifndef MN_RESULTS_SETTINGS_H
#define MN_RESULTS_SETTINGS_H

#include <mneme/groups.h>

/* The setting gets this value, whether or not it was there. */
mn_status mn_settings_put(mn_settings *settings, const char *key, const char *value);

#endif
