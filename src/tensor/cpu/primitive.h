/* primitive.h -- primitives of oneDNN, made once and kept.
 *
 * oneDNN keeps compiled code in a cache of its own, but every call would still pay for a primitive
 * descriptor and a search.  So what was planned for some shapes and layouts is kept here by key,
 * with memory objects whose addresses are set at each call.  Each thread keeps its own: a memory
 * object cannot be shared. */
#ifndef MN_TENSOR_CPU_PRIMITIVE_H
#define MN_TENSOR_CPU_PRIMITIVE_H

#include "tensor/cpu/layout.h"

dnnl_engine_t mn_dnnl_engine(void);

/* --- one primitive --- */
enum { MN_MOST_ARGUMENTS = 5 };
typedef struct mn_argument {
    int name; /* DNNL_ARG_SRC ... */
    mn_dnnl_ref desc;
} mn_argument;
typedef struct mn_primitive mn_primitive;

/* Attributes that all our primitives share: their scratch memory is ours. */
mn_status mn_primitive_attributes(dnnl_primitive_attr_t *attr);
/* Takes `desc` over. */
mn_status mn_primitive_make(dnnl_primitive_desc_t desc, int n, const mn_argument *arguments,
                            mn_primitive **primitive);
void mn_primitive_free(void *primitive);
/* Memory for each of its arguments, in their order. */
mn_status mn_primitive_run(mn_primitive *primitive, const void *const *memory);
const_dnnl_primitive_desc_t mn_primitive_desc(const mn_primitive *primitive);
const char *mn_primitive_name(const mn_primitive *primitive); /* "jit:avx512_core" */

/* --- what is kept --- */
typedef enum mn_plan_kind { MN_PLAN_CONV, MN_PLAN_POOL, MN_PLAN_REORDER } mn_plan_kind;
typedef struct mn_plan_key { /* all of it is compared: zero what is not used */
    int64_t kind;            /* mn_plan_kind; as wide as the numbers, so that nothing is padding */
    int64_t number[16];
    const mn_layout *layout[2];
} mn_plan_key;

void *mn_plan_find(const mn_plan_key *key); /* NULL when there is none yet */
/* Frees the plan when it cannot be kept. */
mn_status mn_plan_keep(const mn_plan_key *key, void *plan, void (*free_plan)(void *));
/* Calls back with the names of the implementations of all primitives that were made: a test sees
 * that none is oneDNN's slow reference. */
void mn_primitive_each(void (*visit)(const char *name, void *closure), void *closure);

/* Memory of this thread that holds nothing from one call to the next; one piece of a kind at a
 * time.  NULL when there is none. */
typedef enum mn_scratch {
    MN_SCRATCH_PRIMITIVE,
    MN_SCRATCH_RESULT,
    MN_SCRATCH_IMAGES,
    MN_SCRATCH_SLOPES,
    MN_SCRATCHES
} mn_scratch;
void *mn_scratch_take(mn_scratch which, size_t bytes);

#endif
