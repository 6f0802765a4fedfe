/* registry.h -- what this mneme knows by name: strategies, buffer policies, networks, data sets.
 *
 * Each is a `static const` descriptor that begins with the same members.  Built-in ones come
 * from a list the build makes from the file names; a plugin is a shared object made from the same
 * source with MN_PLUGIN defined, which exports one function.
 */
#ifndef MNEME_REGISTRY_H
#define MNEME_REGISTRY_H

#include <mneme/option.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A plugin and its host must have been compiled with equal structs.  A kind's number is raised when
 * a struct or a constant that its plugins see changes in layout or meaning:
 *
 *   each number        mn_descriptor, mn_option, mn_shape, mn_key; mn_status, mn_dtype
 *   STRATEGY, POLICY   mn_batch, mn_batch_column
 *   STRATEGY, POLICY, DATASET   mn_row_type
 *   STRATEGY, NETWORK  what network.h, optimiser.h, layers.h and autograd.h define
 *   STRATEGY           what strategy.h, services.h, keep.h, forward.h, early_stopping.h, mixing.h
 *                      and views.h define; mn_transform
 *   POLICY             what buffer.h defines
 *   DATASET            mn_dataset_type, mn_dataset, mn_images, mn_channel_values
 *   MN_PLUGIN_ABI      mn_plugin
 *
 * tests/lint/abi.c holds their sizes, offsets and values beside the numbers.  Only mn_strategy may
 * grow without a new number, at its end, as its `size` says how far it goes.  Arrays of structs
 * (options, phases, updates, probes) carry no sizes and have no spare words: the number refuses a
 * plugin whose elements are larger or smaller, and compiling it again is all that it needs. */
#define MN_STRATEGY_ABI 6u
#define MN_POLICY_ABI   4u
#define MN_NETWORK_ABI  3u
#define MN_DATASET_ABI  8u

#define MN_KIND_MAP(X)                                                                             \
    X(STRATEGY, "strategy", "strategies", MN_STRATEGY_ABI)                                         \
    X(POLICY, "buffer policy", "buffers", MN_POLICY_ABI)                                           \
    X(NETWORK, "network", "networks", MN_NETWORK_ABI)                                              \
    X(DATASET, "data set", "datasets", MN_DATASET_ABI)

typedef enum mn_kind {
#define X(name, one, many, abi) MN_KIND_##name,
    MN_KIND_MAP(X)
#undef X
        MN_KINDS
} mn_kind;

/* The first members of every descriptor. */
typedef struct mn_descriptor {
    uint32_t abi;        /* of its kind, exactly: MN_STRATEGY_ABI, ... */
    uint32_t size;       /* sizeof the descriptor where it was compiled; a host reads no further */
    const char *name;    /* [a-z0-9_-]+ */
    const char *summary; /* one sentence */
    const char *cite;    /* paper, or NULL */
    const mn_option *options; /* NULL: none */
    size_t options_size;      /* of the struct that `options` describes; the host allocates it */
} mn_descriptor;

#define MN_PLUGIN_ABI 1u

/* The return value of a plugin's exported function. */
typedef struct mn_plugin {
    uint32_t abi; /* MN_PLUGIN_ABI */
    uint32_t kind;
    const void *descriptor;
} mn_plugin;

/* Begins the definition of a descriptor: MN_STRATEGY(er) = {...};  With MN_PLUGIN defined, also
 * the entry point of the shared object. */
#ifdef __cplusplus
#define MN_EXTERN_C extern "C"
#else
#define MN_EXTERN_C
#endif
#ifdef MN_PLUGIN
#define MN_DEFINE(type, kind, symbol)                                                              \
    extern const type symbol;                                                                      \
    MN_EXTERN_C MN_API const mn_plugin *mn_plugin_query(void);                                     \
    const mn_plugin *mn_plugin_query(void)                                                         \
    {                                                                                              \
        static const mn_plugin plugin = {MN_PLUGIN_ABI, kind, &symbol};                            \
        return &plugin;                                                                            \
    }                                                                                              \
    const type symbol
#else
#define MN_DEFINE(type, kind, symbol)                                                              \
    extern const type symbol;                                                                      \
    const type symbol
#endif

/* The descriptor of that name; NULL, with the nearest name in the message, when there is none. */
MN_API const mn_descriptor *mn_find(mn_kind kind, const char *name);
/* The i-th of a kind in order of name; NULL past the end. */
MN_API const mn_descriptor *mn_registered(mn_kind kind, int i);
MN_API const char *mn_kind_name(mn_kind kind, bool plural);

/* Loads the plugin at `path` for the life of the process and registers what it brings; the name
 * is written to *name.  It takes the place of a built-in descriptor of the same name.  Refused with
 * one line: no file, not a shared object, no entry point, another ABI (both numbers), a name taken
 * by another plugin, members that a later mneme added. */
MN_API mn_status mn_plugin_load(const char *path, const char **name);

#ifdef __cplusplus
}
#endif
#endif
