/* registry.h -- the side of the registry that fills it. */
#ifndef MN_BASE_REGISTRY_H
#define MN_BASE_REGISTRY_H

#include <mneme/registry.h>

typedef struct mn_builtin {
    mn_kind kind;
    const void *descriptor;
} mn_builtin;

/* Written by the build from the file names of each floor; ended by a NULL descriptor. */
extern const mn_builtin mn_builtins[];

/* Registers a descriptor for the life of the process (tests, plugins). */
mn_status mn_register(mn_kind kind, const void *descriptor);

bool mn_is_builtin(mn_kind kind, const char *name);
/* mn_plugin_load(), with what it brought. */
mn_status mn_plugin_open(const char *path, mn_kind *kind, const mn_descriptor **descriptor);
/* The absolute path of the plugin that brought the name, NULL when it is built in or unknown; it
 * lives as long as the process. */
const char *mn_plugin_path(mn_kind kind, const char *name);
/* The digest of that plugin's bytes as they were loaded; NULL likewise. */
const char *mn_plugin_digest(mn_kind kind, const char *name);

#endif
