/* plugins.h -- plugins in a configuration: given by path, kept as a name and a path. */
#ifndef MN_EXPERIMENT_PLUGINS_H
#define MN_EXPERIMENT_PLUGINS_H

#include "experiment/configuration.h"

/* A name that is the path of a plugin becomes the name of what it brings, of `kind`. */
mn_status mn_plugin_named(mn_kind kind, const char **name);
/* The i-th of the strategies, data set, network and policy, and the path of its plugin, NULL when
 * it is built in; false past the last. */
bool mn_plugin_used(const mn_experiment *experiment, int i, mn_kind *kind, const char **name,
                    const char **path);
/* For the configuration: all paths, as an array of texts; NULL when memory ran out. */
cJSON *mn_plugins_used(const mn_experiment *experiment);
mn_status mn_plugins_load(const cJSON *paths);
/* For the configuration: "my_idea 86f25c9a1b537ce9, other ...", names and digests; "none" where all
 * is built in.  The caller gives it back; NULL when memory ran out. */
char *mn_plugins_made_of(const mn_experiment *experiment);
/* A plugin that this process loaded for another run must not slip into a restored one. */
/* Nor may another build of the plugin that the run began with. */
mn_status mn_plugins_check(const mn_experiment *experiment);

#endif
