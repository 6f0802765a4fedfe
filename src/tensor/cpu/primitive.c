/* primitive.c -- primitives, the plans made of them, and scratch memory: one set a thread. */
#include "tensor/cpu/primitive.h"
#include "base/memory.h"
#include "base/reserve.h"
#include "tensor/cpu/dnnl_error.h"
#include "tensor/kernels.h"

#include <pthread.h>
#include <string.h>

enum { BUCKETS = 256, ALIGNMENT = 64 };

struct mn_primitive {
    mn_primitive *next; /* among all of this thread */
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t desc;
    dnnl_exec_arg_t argument[MN_MOST_ARGUMENTS + 1]; /* the last is scratch memory */
    int n;
    size_t scratch_bytes;
    const char *name;
};

typedef struct plan {
    struct plan *next;
    mn_plan_key key;
    void *plan;
    void (*free_plan)(void *);
} plan;

typedef struct device {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    plan *plans[BUCKETS];
    mn_primitive *primitives;
    void *scratch[MN_SCRATCHES];
    size_t scratch_bytes[MN_SCRATCHES];
} device;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t device_key;
static _Thread_local device *this_device;

static void device_free(void *data)
{
    device *d = data;
    for (int i = 0; i < BUCKETS; i++)
        for (plan *p = d->plans[i], *next; p != NULL; p = next) {
            next = p->next;
            p->free_plan(p->plan);
            mn_memory_give(p);
        }
    for (int i = 0; i < MN_SCRATCHES; i++)
        mn_memory_give(d->scratch[i]);
    dnnl_stream_destroy(d->stream);
    dnnl_engine_destroy(d->engine);
    mn_memory_give(d);
    this_device = NULL;
}

static void make_key(void)
{
    pthread_key_create(&device_key, device_free);
}

static mn_status open_device(void)
{
    MN_TRY(mn_reserve_hold());
    if (this_device != NULL)
        return MN_OK;
    device *d = mn_memory_take_zeroed(1, sizeof *d);
    if (d == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for oneDNN");
    dnnl_status_t status = dnnl_engine_create(&d->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        dnnl_engine_destroy(d->engine);
        mn_memory_give(d);
        return mn_dnnl_check(status, "to start", "on this CPU");
    }
    pthread_once(&once, make_key);
    pthread_setspecific(device_key, d);
    this_device = d;
    return MN_OK;
}

dnnl_engine_t mn_dnnl_engine(void)
{
    return open_device() == MN_OK ? this_device->engine : NULL;
}

/* --- one primitive --- */

mn_status mn_primitive_attributes(dnnl_primitive_attr_t *attr)
{
    MN_TRY(open_device());
    MN_TRY(mn_dnnl_check(dnnl_primitive_attr_create(attr), "attributes", ""));
    return mn_dnnl_check(dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user),
                         "attributes", "");
}

static dnnl_status_t add_argument(mn_primitive *made, int at, int name, mn_dnnl_ref desc)
{
    dnnl_exec_arg_t *argument = &made->argument[at];
    argument->arg = name;
    return dnnl_memory_create(&argument->memory, desc, this_device->engine, DNNL_MEMORY_NONE);
}

static dnnl_status_t finish(mn_primitive *made, const mn_argument *arguments)
{
    mn_dnnl_ref scratch = dnnl_primitive_desc_query_md(made->desc, dnnl_query_scratchpad_md, 0);
    dnnl_status_t status = dnnl_primitive_create(&made->primitive, made->desc);
    for (int i = 0; i < made->n && status == dnnl_success; i++)
        status = add_argument(made, i, arguments[i].name, arguments[i].desc);
    if (status == dnnl_success && scratch != NULL) {
        made->scratch_bytes = dnnl_memory_desc_get_size(scratch);
        if (made->scratch_bytes > 0)
            status = add_argument(made, made->n, DNNL_ARG_SCRATCHPAD, scratch);
    }
    if (status == dnnl_success)
        status =
            dnnl_primitive_desc_query(made->desc, dnnl_query_impl_info_str, 0, (void *)&made->name);
    return status;
}

mn_status mn_primitive_make(dnnl_primitive_desc_t desc, int n, const mn_argument *arguments,
                            mn_primitive **primitive)
{
    mn_primitive *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL) {
        dnnl_primitive_desc_destroy(desc);
        return mn_fail(MN_NO_MEMORY, "no memory for a primitive");
    }
    made->desc = desc;
    made->n = n;
    const dnnl_status_t status = finish(made, arguments);
    made->next = this_device->primitives;
    this_device->primitives = made;
    if (status != dnnl_success) {
        mn_primitive_free(made);
        return mn_dnnl_check(status, "a primitive", "");
    }
    *primitive = made;
    return MN_OK;
}

void mn_primitive_free(void *primitive)
{
    mn_primitive *made = primitive;
    if (made == NULL)
        return;
    for (mn_primitive **at = &this_device->primitives; *at != NULL; at = &(*at)->next)
        if (*at == made) {
            *at = made->next;
            break;
        }
    for (int i = 0; i <= made->n; i++)
        dnnl_memory_destroy(made->argument[i].memory);
    dnnl_primitive_destroy(made->primitive);
    dnnl_primitive_desc_destroy(made->desc);
    mn_memory_give(made);
}

/* oneDNN writes to what is its output alone, and takes all memory as not const. */
static void *not_const(const void *memory)
{
    return (void *)(uintptr_t)memory;
}

mn_status mn_primitive_run(mn_primitive *primitive, const void *const *memory)
{
    int n = primitive->n;
    MN_TRY(mn_reserve_hold());
    for (int i = 0; i < n; i++)
        MN_TRY(mn_dnnl_check(
            dnnl_memory_set_data_handle(primitive->argument[i].memory, not_const(memory[i])),
            "memory of", primitive->name));
    if (primitive->scratch_bytes > 0) {
        void *scratch = mn_scratch_take(MN_SCRATCH_PRIMITIVE, primitive->scratch_bytes);
        if (scratch == NULL)
            return MN_NO_MEMORY;
        dnnl_memory_set_data_handle(primitive->argument[n++].memory, scratch);
    }
    dnnl_stream_t stream = this_device->stream;
    mn_kernels_begin();
    dnnl_status_t status =
        dnnl_primitive_execute(primitive->primitive, stream, n, primitive->argument);
    if (status == dnnl_success)
        status = dnnl_stream_wait(stream);
    mn_kernels_end();
    return mn_dnnl_check(status, "to run", primitive->name);
}

const_dnnl_primitive_desc_t mn_primitive_desc(const mn_primitive *primitive)
{
    return primitive->desc;
}

const char *mn_primitive_name(const mn_primitive *primitive)
{
    return primitive->name;
}

void mn_primitive_each(void (*visit)(const char *name, void *closure), void *closure)
{
    if (this_device == NULL)
        return;
    for (const mn_primitive *p = this_device->primitives; p != NULL; p = p->next)
        visit(p->name, closure);
}

/* --- what is kept --- */

static size_t bucket_of(const mn_plan_key *key)
{
    const unsigned char *byte = (const void *)key;
    uint64_t hash = 14695981039346656037u; /* Fowler, Noll and Vo's */
    for (size_t i = 0; i < sizeof *key; i++)
        hash = (hash ^ byte[i]) * 1099511628211u;
    return hash % BUCKETS;
}

void *mn_plan_find(const mn_plan_key *key)
{
    if (this_device == NULL)
        return NULL;
    for (plan *p = this_device->plans[bucket_of(key)]; p != NULL; p = p->next)
        if (memcmp(&p->key, key, sizeof *key) == 0)
            return p->plan;
    return NULL;
}

mn_status mn_plan_keep(const mn_plan_key *key, void *made, void (*free_plan)(void *))
{
    plan *kept = mn_memory_take(1, sizeof *kept);
    if (kept == NULL) {
        free_plan(made);
        return mn_fail(MN_NO_MEMORY, "no memory for a plan");
    }
    plan **bucket = &this_device->plans[bucket_of(key)];
    *kept = (plan){.next = *bucket, .key = *key, .plan = made, .free_plan = free_plan};
    *bucket = kept;
    return MN_OK;
}

void *mn_scratch_take(mn_scratch which, size_t bytes)
{
    if (open_device() != MN_OK)
        return NULL;
    if (bytes > this_device->scratch_bytes[which]) {
        mn_memory_give(this_device->scratch[which]);
        this_device->scratch[which] = mn_memory_take_aligned(ALIGNMENT, bytes);
        this_device->scratch_bytes[which] = this_device->scratch[which] != NULL ? bytes : 0;
        if (this_device->scratch[which] == NULL)
            mn_fail(MN_NO_MEMORY, "no memory for %zu bytes of scratch", bytes);
    }
    return this_device->scratch[which];
}
