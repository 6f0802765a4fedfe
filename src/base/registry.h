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

#endif
