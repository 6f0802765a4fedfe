/* registry.c -- descriptors by kind and name, built in or brought by plugins.
 *
 * Lists are kept in order of name.  A plugin that was accepted is never closed, so a descriptor
 * once found stays valid.  A plugin may be older or newer than its host: descriptors grow at
 * their end, so one of another size is copied into one of the host's size before anybody looks. */
#include "base/registry.h"
#include "base/digest.h"
#include "base/names.h"
#include "base/options.h"

#include <dlfcn.h>
#include <limits.h>
#include <mneme/memory.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_OF_A_KIND = 256, MOST_OPTIONS = 256, MOST_CHOICES = 256 };

typedef struct entry {
    const mn_descriptor *descriptor; /* of the host's size */
    const void *brought;             /* as the plugin has it: says whether it was loaded before */
    const char *path, *digest;       /* of the plugin; NULL: none */
} entry;

static entry registered[MN_KINDS][MOST_OF_A_KIND + 1];
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

/* Where a name stands in the list of its kind, or belongs. */
static int position_of(mn_kind kind, const char *name)
{
    int at = 0;
    while (at < registered_count[kind] && strcmp(registered[kind][at].descriptor->name, name) < 0)
        at++;
    return at;
}

static bool is_at(mn_kind kind, int at, const char *name)
{
    return at < registered_count[kind] && strcmp(registered[kind][at].descriptor->name, name) == 0;
}

static mn_status insert(mn_kind kind, const entry *added)
{
    const int at = position_of(kind, added->descriptor->name);
    entry *list = registered[kind];
    if (is_at(kind, at, added->descriptor->name)) {
        if (list[at].brought == added->brought)
            return MN_OK;
        if (added->path != NULL && mn_is_builtin(kind, added->descriptor->name) &&
            list[at].path == NULL) {
            list[at] = *added;
            return MN_OK;
        }
        return mn_fail(MN_BAD_OPTION, "a %s named '%s' is already there%s%s; rename one of the two",
                       kinds[kind].one, added->descriptor->name,
                       list[at].path != NULL ? ", from " : "",
                       list[at].path != NULL ? list[at].path : "");
    }
    if (registered_count[kind] == MOST_OF_A_KIND)
        return mn_fail(MN_UNSUPPORTED, "more than %d %s", MOST_OF_A_KIND, kinds[kind].many);
    memmove(list + at + 1, list + at, (size_t)(registered_count[kind] - at) * sizeof *list);
    list[at] = *added;
    registered_count[kind]++;
    return MN_OK;
}

static mn_status insert_own(mn_kind kind, const void *descriptor)
{
    return insert(kind, &(entry){.descriptor = descriptor, .brought = descriptor});
}

static void register_builtins(void)
{
    for (const mn_builtin *builtin = mn_builtins; builtin->descriptor != NULL; builtin++)
        (void)insert_own(builtin->kind, builtin->descriptor);
}

/* The lists are read and written between these two; built-in descriptors are in them by then. */
static void lock_lists(void)
{
    pthread_once(&builtins_once, register_builtins);
    pthread_mutex_lock(&lock);
}

static void unlock_lists(void)
{
    pthread_mutex_unlock(&lock);
}

mn_status mn_register(mn_kind kind, const void *descriptor)
{
    lock_lists();
    const mn_status status = insert_own(kind, descriptor);
    unlock_lists();
    return status;
}

bool mn_is_builtin(mn_kind kind, const char *name)
{
    for (const mn_builtin *builtin = mn_builtins; builtin->descriptor != NULL; builtin++)
        if (builtin->kind == kind &&
            strcmp(((const mn_descriptor *)builtin->descriptor)->name, name) == 0)
            return true;
    return false;
}

const mn_descriptor *mn_registered(mn_kind kind, int i)
{
    lock_lists();
    const bool found = i >= 0 && i < registered_count[kind];
    const mn_descriptor *descriptor = found ? registered[kind][i].descriptor : NULL;
    unlock_lists();
    return descriptor;
}

/* The descriptor of that name; else NULL, and the nearest name, which stays valid. */
static const mn_descriptor *find(mn_kind kind, const char *name, const char **nearest)
{
    const char *names[MOST_OF_A_KIND + 1];
    int n = 0;
    lock_lists();
    const int at = position_of(kind, name);
    const mn_descriptor *descriptor =
        is_at(kind, at, name) ? registered[kind][at].descriptor : NULL;
    for (; n < registered_count[kind]; n++)
        names[n] = registered[kind][n].descriptor->name;
    unlock_lists();
    names[n] = NULL;
    *nearest = descriptor == NULL ? mn_nearest(name, names) : NULL;
    return descriptor;
}

const mn_descriptor *mn_find(mn_kind kind, const char *name)
{
    const char *nearest;
    const mn_descriptor *descriptor = find(kind, name, &nearest);
    if (descriptor == NULL && nearest != NULL)
        (void)mn_fail(MN_NOT_FOUND, "no %s is called '%s'; did you mean '%s'?", kinds[kind].one,
                      name, nearest);
    else if (descriptor == NULL)
        (void)mn_fail(MN_NOT_FOUND, "no %s is called '%s'; 'mneme list %s' shows them",
                      kinds[kind].one, name, kinds[kind].many);
    return descriptor;
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

/* The size of a kind's descriptors in this mneme, as its built-in ones say. */
static size_t host_size(mn_kind kind)
{
    for (const mn_builtin *builtin = mn_builtins; builtin->descriptor != NULL; builtin++)
        if (builtin->kind == kind)
            return ((const mn_descriptor *)builtin->descriptor)->size;
    return sizeof(mn_descriptor);
}

static mn_status check_name(const char *path, const mn_descriptor *descriptor)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *name = descriptor->name;
    if (name == NULL || name[0] == '\0' || strspn(name, allowed) != strlen(name))
        return mn_fail(MN_BAD_VALUE,
                       "%s: '%.60s' is no name for what it brings; use a-z, 0-9, '-' and '_'", path,
                       name != NULL ? name : "");
    if (descriptor->summary == NULL)
        return mn_fail(MN_BAD_VALUE, "%s: '%s' has no summary; give it one sentence", path, name);
    return MN_OK;
}

/* --- the options of a descriptor --- */

static const char *fault_of_value(const mn_option *o)
{
    int choices = 0;
    switch (o->type) {
    case MN_OPTION_BOOL: return NULL;
    case MN_OPTION_TEXT: return o->default_text != NULL ? NULL : "has no default text";
    case MN_OPTION_INT:
        return o->least <= (double)o->default_int && (double)o->default_int <= o->most
                   ? NULL
                   : "has a default outside of its range";
    case MN_OPTION_REAL:
        return o->least <= o->default_real && o->default_real <= o->most
                   ? NULL
                   : "has a default outside of its range";
    case MN_OPTION_CHOICE:
        while (o->choices != NULL && choices < MOST_CHOICES && o->choices[choices] != NULL)
            choices++;
        return o->choices == NULL        ? "has no choices"
               : choices == MOST_CHOICES ? "has choices without an end (NULL)"
               : o->default_int >= 0 && o->default_int < choices
                   ? NULL
                   : "has a default that is no choice";
    }
    return "is of no type; does the table end in MN_END?";
}

static size_t bytes_of(const mn_option *o)
{
    return o->type == MN_OPTION_BOOL   ? sizeof(bool)
           : o->type == MN_OPTION_TEXT ? sizeof(char *)
                                       : sizeof(int64_t);
}

/* What is wrong with the option at `at`; NULL: nothing. */
static const char *fault_of(const mn_descriptor *descriptor, int at)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    const mn_option *o = &descriptor->options[at];
    if (o->name[0] == '\0' || o->name[strspn(o->name, allowed)] != '\0')
        return "is no name; use a-z, 0-9 and '_' (does the table end in MN_END?)";
    for (int i = 0; i < at; i++)
        if (strcmp(descriptor->options[i].name, o->name) == 0)
            return "is there twice";
    const char *fault = fault_of_value(o);
    if (fault != NULL)
        return fault;
    if (o->help == NULL)
        return "has no help; give it one sentence";
    return descriptor->options_size >= bytes_of(o) &&
                   o->offset <= descriptor->options_size - bytes_of(o)
               ? NULL
               : "lies outside of the struct; is options_size its sizeof?";
}

static mn_status check_options(const char *path, const mn_descriptor *descriptor)
{
    if (descriptor->options == NULL)
        return MN_OK;
    for (int i = 0; descriptor->options[i].name != NULL; i++) {
        const char *fault = i < MOST_OPTIONS ? fault_of(descriptor, i)
                                             : "is one too many; does the table end in MN_END?";
        if (fault != NULL)
            return mn_fail(MN_BAD_VALUE, "%s: %s: option '%.60s' %s", path, descriptor->name,
                           descriptor->options[i].name, fault);
    }
    return MN_OK;
}

static mn_status check_plugin(const char *path, const mn_plugin *plugin)
{
    if (plugin == NULL)
        return mn_fail(MN_BAD_OPTION, "%s is not a plugin: its mn_plugin_query returns NULL", path);
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
    if (descriptor->size < sizeof(mn_descriptor))
        return mn_fail(MN_WRONG_VERSION,
                       "%s: its descriptor has %u bytes, and a %s needs at least %zu; begin it "
                       "with the macro of its kind's header",
                       path, descriptor->size, kinds[plugin->kind].one, sizeof(mn_descriptor));
    MN_TRY(check_name(path, descriptor));
    return check_options(path, descriptor);
}

/* A descriptor of the host's size: what an older plugin lacks is zero; what a newer one has in
 * addition must be zero, for it would never be called. */
static mn_status resize(const char *path, mn_kind kind, const mn_descriptor *brought,
                        const mn_descriptor **descriptor)
{
    const size_t host = host_size(kind), size = brought->size;
    const unsigned char *bytes = (const void *)brought;
    for (size_t i = host; i < size; i++)
        if (bytes[i] != 0)
            return mn_fail(MN_WRONG_VERSION,
                           "%s: '%s' uses what a later mneme added to a %s; update mneme", path,
                           brought->name, kinds[kind].one);
    *descriptor = brought;
    if (size >= host)
        return MN_OK;
    void *copy = mn_memory_take_zeroed(1, host); /* stays as long as the registry */
    if (copy == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    memcpy(copy, brought, size);
    *descriptor = copy;
    return MN_OK;
}

static const entry *loaded_before(mn_kind kind, const void *brought)
{
    for (int i = 0; i < registered_count[kind]; i++)
        if (registered[kind][i].brought == brought)
            return &registered[kind][i];
    return NULL;
}

static mn_status register_plugin(const char *path, const mn_plugin *plugin,
                                 const mn_descriptor **descriptor)
{
    const mn_kind kind = (mn_kind)plugin->kind;
    const entry *known = loaded_before(kind, plugin->descriptor);
    if (known != NULL) {
        *descriptor = known->descriptor;
        return MN_OK;
    }
    char digest[MN_FILE_DIGEST];
    const char *kept, *kept_digest;
    MN_TRY(mn_file_digest(path, digest));
    MN_TRY(mn_keep_text(digest, &kept_digest));
    MN_TRY(mn_keep_text(path, &kept));
    MN_TRY(resize(path, kind, plugin->descriptor, descriptor));
    const mn_status status =
        insert(kind, &(entry){*descriptor, plugin->descriptor, kept, kept_digest});
    if (status != MN_OK && (const void *)*descriptor != plugin->descriptor)
        mn_memory_give((void *)(uintptr_t)*descriptor);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s", path);
}

static mn_status open_library(const char *path, mn_kind *kind, const mn_descriptor **descriptor)
{
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
    if (status == MN_OK) {
        *kind = (mn_kind)query()->kind;
        lock_lists();
        status = register_plugin(path, query(), descriptor);
        unlock_lists();
    }
    if (status != MN_OK)
        dlclose(library);
    return status;
}

mn_status mn_plugin_open(const char *path, mn_kind *kind, const mn_descriptor **descriptor)
{
    char absolute[PATH_MAX]; /* dlopen would search its own path for a bare name */
    if (realpath(path, absolute) == NULL || access(absolute, R_OK) != 0)
        return mn_fail(MN_NOT_FOUND, "%s: no such plugin, or it cannot be read", path);
    return open_library(absolute, kind, descriptor);
}

mn_status mn_plugin_load(const char *path, const char **name)
{
    mn_kind kind;
    const mn_descriptor *descriptor;
    MN_TRY(mn_plugin_open(path, &kind, &descriptor));
    *name = descriptor->name;
    return MN_OK;
}

static entry entry_of(mn_kind kind, const char *name)
{
    lock_lists();
    const int at = position_of(kind, name);
    const entry found = is_at(kind, at, name) ? registered[kind][at] : (entry){.path = NULL};
    unlock_lists();
    return found;
}

const char *mn_plugin_path(mn_kind kind, const char *name)
{
    return entry_of(kind, name).path;
}

const char *mn_plugin_digest(mn_kind kind, const char *name)
{
    return entry_of(kind, name).digest;
}
