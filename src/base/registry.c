/* registry.c -- descriptors by kind and name, built in or brought by plugins.
 *
 * Lists are kept in order of name.  The registry only grows and a plugin is never closed, so a
 * descriptor once found stays valid. */
#include "base/registry.h"
#include "base/options.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { MOST_OF_A_KIND = 256 };

static const mn_descriptor *registered[MN_KINDS][MOST_OF_A_KIND + 1];
static int registered_count[MN_KINDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t builtins_once = PTHREAD_ONCE_INIT;

static const struct {
    const char *one, *many;
    uint32_t abi;
} kinds[MN_KINDS] = {
#define X(name, one, many, abi) {one, many, abi},
    MN_KIND_MAP(X)
#undef X
};

const char *mn_kind_name(mn_kind kind, bool plural)
{
    return plural ? kinds[kind].many : kinds[kind].one;
}

static mn_status insert(mn_kind kind, const mn_descriptor *descriptor)
{
    const mn_descriptor **list = registered[kind];
    int at = 0;
    while (at < registered_count[kind] && strcmp(list[at]->name, descriptor->name) < 0)
        at++;
    if (at < registered_count[kind] && strcmp(list[at]->name, descriptor->name) == 0)
        return list[at] == descriptor
                   ? MN_OK
                   : mn_fail(MN_BAD_OPTION,
                             "a %s named '%s' is already there; rename one of the two",
                             kinds[kind].one, descriptor->name);
    if (registered_count[kind] == MOST_OF_A_KIND)
        return mn_fail(MN_UNSUPPORTED, "more than %d %s", MOST_OF_A_KIND, kinds[kind].many);
    memmove(list + at + 1, list + at, (size_t)(registered_count[kind] - at) * sizeof *list);
    list[at] = descriptor;
    registered_count[kind]++;
    return MN_OK;
}

static void register_builtins(void)
{
    for (const mn_builtin *builtin = mn_builtins; builtin->descriptor != NULL; builtin++)
        (void)insert(builtin->kind, builtin->descriptor);
}

mn_status mn_register(mn_kind kind, const void *descriptor)
{
    pthread_once(&builtins_once, register_builtins);
    pthread_mutex_lock(&lock);
    const mn_status status = insert(kind, descriptor);
    pthread_mutex_unlock(&lock);
    return status;
}

const mn_descriptor *mn_registered(mn_kind kind, int i)
{
    pthread_once(&builtins_once, register_builtins);
    return i >= 0 && i < registered_count[kind] ? registered[kind][i] : NULL;
}

const mn_descriptor *mn_find(mn_kind kind, const char *name)
{
    const char *names[MOST_OF_A_KIND + 1];
    int n = 0;
    for (const mn_descriptor *known; (known = mn_registered(kind, n)) != NULL; n++) {
        if (strcmp(known->name, name) == 0)
            return known;
        names[n] = known->name;
    }
    names[n] = NULL;
    const char *nearest = mn_nearest(name, names);
    if (nearest != NULL)
        (void)mn_fail(MN_NOT_FOUND, "no %s is called '%s'; did you mean '%s'?", kinds[kind].one,
                      name, nearest);
    else
        (void)mn_fail(MN_NOT_FOUND, "no %s is called '%s'; 'mneme list %s' shows them",
                      kinds[kind].one, name, kinds[kind].many);
    return NULL;
}

/* ISO C has no cast from an object pointer to a function; POSIX promises that this works. */
typedef const mn_plugin *(*plugin_query)(void);

static plugin_query entry_point(void *library)
{
    plugin_query query = NULL;
    void *symbol = dlsym(library, "mn_plugin_query");
    memcpy(&query, &symbol, sizeof query);
    return query;
}

static mn_status check_plugin(const char *path, const mn_plugin *plugin)
{
    if (plugin->abi != MN_PLUGIN_ABI)
        return mn_fail(MN_WRONG_VERSION, "%s: built for plugin ABI %u, this mneme speaks %u", path,
                       plugin->abi, MN_PLUGIN_ABI);
    if (plugin->kind >= MN_KINDS || plugin->descriptor == NULL)
        return mn_fail(MN_WRONG_VERSION, "%s: brings something this mneme does not know (kind %u)",
                       path, plugin->kind);
    const mn_descriptor *descriptor = plugin->descriptor;
    if (descriptor->abi != kinds[plugin->kind].abi)
        return mn_fail(MN_WRONG_VERSION,
                       "%s: built for %s ABI %u, this mneme speaks %u; rebuild it against the "
                       "installed headers",
                       path, kinds[plugin->kind].one, descriptor->abi, kinds[plugin->kind].abi);
    return MN_OK;
}

mn_status mn_plugin_load(const char *path, const char **name)
{
    if (access(path, R_OK) != 0)
        return mn_fail(MN_NOT_FOUND, "%s: no such plugin, or it cannot be read", path);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return mn_fail(MN_BAD_OPTION, "%s is not a plugin: %s", path, dlerror());
    const plugin_query query = entry_point(library);
    mn_status status = MN_OK;
    if (query == NULL)
        status = mn_fail(MN_BAD_OPTION,
                         "%s is not a plugin: it exports no mn_plugin_query (compile with "
                         "-DMN_PLUGIN)",
                         path);
    else
        status = check_plugin(path, query());
    if (status == MN_OK)
        status = mn_register((mn_kind)query()->kind, query()->descriptor);
    if (status != MN_OK) {
        dlclose(library);
        return status;
    }
    *name = ((const mn_descriptor *)query()->descriptor)->name;
    return MN_OK;
}
