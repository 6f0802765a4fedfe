/* dnnl_compat.h -- the little of oneDNN's interface that differs between 2.x and 3.x.
 *
 * In 2.x a memory descriptor is a struct passed by address, and a primitive descriptor is made from
 * an operation descriptor; in 3.x the first is a handle, and the second is made in one call.  What
 * is textually the same in both (dnnl_memory_create, dnnl_primitive_execute, ...) is called as it
 * is. */
#ifndef MN_TENSOR_CPU_DNNL_COMPAT_H
#define MN_TENSOR_CPU_DNNL_COMPAT_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t mn_dnnl_ref; /* a borrowed memory descriptor */
#else
typedef const dnnl_memory_desc_t *mn_dnnl_ref;
#endif

/* A memory descriptor that is owned. */
typedef struct mn_dnnl_desc {
    dnnl_memory_desc_t md;
} mn_dnnl_desc;

dnnl_status_t mn_dnnl_desc_tag(mn_dnnl_desc *desc, int rank, const dnnl_dims_t size,
                               dnnl_data_type_t type, dnnl_format_tag_t tag);
dnnl_data_type_t mn_dnnl_desc_type(mn_dnnl_ref desc);
dnnl_status_t mn_dnnl_desc_copy(mn_dnnl_desc *desc, mn_dnnl_ref from);
void mn_dnnl_desc_free(mn_dnnl_desc *desc);
/* Where elements lie: the numbers along each axis, those with padding, and how far apart neighbours
 * are once they are taken in blocks; then the blocks, from the outermost to the innermost, of the
 * axes that they are of. */
typedef struct mn_dnnl_places {
    int rank, blocks;
    dnnl_dims_t size, padded, stride, block, axis;
} mn_dnnl_places;
dnnl_status_t mn_dnnl_places_of(mn_dnnl_ref desc, mn_dnnl_places *places);
/* NULL stays NULL: an absent bias. */
mn_dnnl_ref mn_dnnl_refer(const mn_dnnl_desc *desc);

/* A convolution without dilation; `alg` and paddings as oneDNN has them. */
typedef struct mn_dnnl_convolution {
    dnnl_alg_kind_t alg;
    mn_dnnl_ref src, weights, bias, dst; /* or their gradients; bias may be NULL */
    dnnl_dims_t stride, before, after;
} mn_dnnl_convolution;
dnnl_status_t mn_dnnl_convolution_forward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                          const mn_dnnl_convolution *c,
                                          const_dnnl_primitive_attr_t attr);
dnnl_status_t mn_dnnl_convolution_backward_data(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                                const mn_dnnl_convolution *c,
                                                const_dnnl_primitive_desc_t forward,
                                                const_dnnl_primitive_attr_t attr);
dnnl_status_t mn_dnnl_convolution_backward_weights(dnnl_primitive_desc_t *made,
                                                   dnnl_engine_t engine,
                                                   const mn_dnnl_convolution *c,
                                                   const_dnnl_primitive_desc_t forward,
                                                   const_dnnl_primitive_attr_t attr);

typedef struct mn_dnnl_pooling {
    dnnl_alg_kind_t alg;
    mn_dnnl_ref src, dst; /* or their gradients */
    dnnl_dims_t kernel, stride, before, after;
} mn_dnnl_pooling;
dnnl_status_t mn_dnnl_pooling_forward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                      const mn_dnnl_pooling *p, const_dnnl_primitive_attr_t attr);
dnnl_status_t mn_dnnl_pooling_backward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                       const mn_dnnl_pooling *p,
                                       const_dnnl_primitive_desc_t forward,
                                       const_dnnl_primitive_attr_t attr);

/* to = from, or to += from with `add`. */
dnnl_status_t mn_dnnl_reorder(dnnl_primitive_desc_t *made, dnnl_engine_t engine, mn_dnnl_ref from,
                              mn_dnnl_ref to, bool add, dnnl_primitive_attr_t attr);

#endif
