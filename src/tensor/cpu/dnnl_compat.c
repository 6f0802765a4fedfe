/* dnnl_compat.c -- the only file that knows oneDNN 2.x from 3.x: two arms for each call.
 *
 * tests/lint/dnnl3.sh compiles it against the headers of 3.x where they are at hand. */
#include "tensor/cpu/dnnl_compat.h"

#include <stddef.h>
#include <string.h>

#define TRY(call)                                                                                  \
    do {                                                                                           \
        const dnnl_status_t tried = (call);                                                        \
        if (tried != dnnl_success)                                                                 \
            return tried;                                                                          \
    } while (0)

#if DNNL_VERSION_MAJOR >= 3

static const dnnl_dims_t dense = {0}; /* no dilation */

dnnl_status_t mn_dnnl_desc_tag(mn_dnnl_desc *desc, int rank, const dnnl_dims_t size,
                               dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(&desc->md, rank, size, type, tag);
}

dnnl_data_type_t mn_dnnl_desc_type(mn_dnnl_ref desc)
{
    dnnl_data_type_t type = dnnl_data_type_undef;
    dnnl_memory_desc_query(desc, dnnl_query_data_type, &type);
    return type;
}

dnnl_status_t mn_dnnl_desc_copy(mn_dnnl_desc *desc, mn_dnnl_ref from)
{
    return dnnl_memory_desc_clone(&desc->md, from);
}

void mn_dnnl_desc_free(mn_dnnl_desc *desc)
{
    dnnl_memory_desc_destroy(desc->md);
    desc->md = NULL;
}

static dnnl_status_t read_dims(mn_dnnl_ref desc, dnnl_query_t what, int count, dnnl_dims_t dims)
{
    const dnnl_dim_t *found = NULL;
    TRY(dnnl_memory_desc_query(desc, what, (void *)&found));
    for (int i = 0; i < count; i++)
        dims[i] = found[i];
    return dnnl_success;
}

dnnl_status_t mn_dnnl_places_of(mn_dnnl_ref desc, mn_dnnl_places *places)
{
    TRY(dnnl_memory_desc_query(desc, dnnl_query_ndims_s32, &places->rank));
    TRY(dnnl_memory_desc_query(desc, dnnl_query_inner_nblks_s32, &places->blocks));
    TRY(read_dims(desc, dnnl_query_dims, places->rank, places->size));
    TRY(read_dims(desc, dnnl_query_padded_dims, places->rank, places->padded));
    TRY(read_dims(desc, dnnl_query_strides, places->rank, places->stride));
    TRY(read_dims(desc, dnnl_query_inner_blks, places->blocks, places->block));
    return read_dims(desc, dnnl_query_inner_idxs, places->blocks, places->axis);
}

mn_dnnl_ref mn_dnnl_refer(const mn_dnnl_desc *desc)
{
    return desc != NULL ? desc->md : NULL;
}

dnnl_status_t mn_dnnl_convolution_forward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                          const mn_dnnl_convolution *c,
                                          const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_forward_primitive_desc_create(
        made, engine, dnnl_forward_training, c->alg, c->src, c->weights, c->bias, c->dst, c->stride,
        dense, c->before, c->after, attr);
}

dnnl_status_t mn_dnnl_convolution_backward_data(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                                const mn_dnnl_convolution *c,
                                                const_dnnl_primitive_desc_t forward,
                                                const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_backward_data_primitive_desc_create(
        made, engine, c->alg, c->src, c->weights, c->dst, c->stride, dense, c->before, c->after,
        forward, attr);
}

dnnl_status_t mn_dnnl_convolution_backward_weights(dnnl_primitive_desc_t *made,
                                                   dnnl_engine_t engine,
                                                   const mn_dnnl_convolution *c,
                                                   const_dnnl_primitive_desc_t forward,
                                                   const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_backward_weights_primitive_desc_create(
        made, engine, c->alg, c->src, c->weights, c->bias, c->dst, c->stride, dense, c->before,
        c->after, forward, attr);
}

dnnl_status_t mn_dnnl_pooling_forward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                      const mn_dnnl_pooling *p, const_dnnl_primitive_attr_t attr)
{
    return dnnl_pooling_forward_primitive_desc_create(made, engine, dnnl_forward_training, p->alg,
                                                      p->src, p->dst, p->stride, p->kernel, dense,
                                                      p->before, p->after, attr);
}

dnnl_status_t mn_dnnl_pooling_backward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                       const mn_dnnl_pooling *p,
                                       const_dnnl_primitive_desc_t forward,
                                       const_dnnl_primitive_attr_t attr)
{
    return dnnl_pooling_backward_primitive_desc_create(made, engine, p->alg, p->src, p->dst,
                                                       p->stride, p->kernel, dense, p->before,
                                                       p->after, forward, attr);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}

#else

dnnl_status_t mn_dnnl_desc_tag(mn_dnnl_desc *desc, int rank, const dnnl_dims_t size,
                               dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(&desc->md, rank, size, type, tag);
}

dnnl_data_type_t mn_dnnl_desc_type(mn_dnnl_ref desc)
{
    return desc->data_type;
}

dnnl_status_t mn_dnnl_desc_copy(mn_dnnl_desc *desc, mn_dnnl_ref from)
{
    desc->md = *from;
    return dnnl_success;
}

void mn_dnnl_desc_free(mn_dnnl_desc *desc)
{
    (void)desc;
}

dnnl_status_t mn_dnnl_places_of(mn_dnnl_ref desc, mn_dnnl_places *places)
{
    const dnnl_blocking_desc_t *b = &desc->format_desc.blocking;
    if (desc->format_kind != dnnl_blocked)
        return dnnl_invalid_arguments;
    *places = (mn_dnnl_places){.rank = desc->ndims, .blocks = b->inner_nblks};
    memcpy(places->size, desc->dims, sizeof desc->dims);
    memcpy(places->padded, desc->padded_dims, sizeof desc->padded_dims);
    memcpy(places->stride, b->strides, sizeof b->strides);
    memcpy(places->block, b->inner_blks, sizeof b->inner_blks);
    memcpy(places->axis, b->inner_idxs, sizeof b->inner_idxs);
    return dnnl_success;
}

mn_dnnl_ref mn_dnnl_refer(const mn_dnnl_desc *desc)
{
    return desc != NULL ? &desc->md : NULL;
}

dnnl_status_t mn_dnnl_convolution_forward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                          const mn_dnnl_convolution *c,
                                          const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t op;
    TRY(dnnl_convolution_forward_desc_init(&op, dnnl_forward_training, c->alg, c->src, c->weights,
                                           c->bias, c->dst, c->stride, c->before, c->after));
    return dnnl_primitive_desc_create(made, &op, attr, engine, NULL);
}

dnnl_status_t mn_dnnl_convolution_backward_data(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                                const mn_dnnl_convolution *c,
                                                const_dnnl_primitive_desc_t forward,
                                                const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t op;
    TRY(dnnl_convolution_backward_data_desc_init(&op, c->alg, c->src, c->weights, c->dst, c->stride,
                                                 c->before, c->after));
    return dnnl_primitive_desc_create(made, &op, attr, engine, forward);
}

dnnl_status_t mn_dnnl_convolution_backward_weights(dnnl_primitive_desc_t *made,
                                                   dnnl_engine_t engine,
                                                   const mn_dnnl_convolution *c,
                                                   const_dnnl_primitive_desc_t forward,
                                                   const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t op;
    TRY(dnnl_convolution_backward_weights_desc_init(&op, c->alg, c->src, c->weights, c->bias,
                                                    c->dst, c->stride, c->before, c->after));
    return dnnl_primitive_desc_create(made, &op, attr, engine, forward);
}

dnnl_status_t mn_dnnl_pooling_forward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                      const mn_dnnl_pooling *p, const_dnnl_primitive_attr_t attr)
{
    dnnl_pooling_desc_t op;
    TRY(dnnl_pooling_forward_desc_init(&op, dnnl_forward_training, p->alg, p->src, p->dst,
                                       p->stride, p->kernel, p->before, p->after));
    return dnnl_primitive_desc_create(made, &op, attr, engine, NULL);
}

dnnl_status_t mn_dnnl_pooling_backward(dnnl_primitive_desc_t *made, dnnl_engine_t engine,
                                       const mn_dnnl_pooling *p,
                                       const_dnnl_primitive_desc_t forward,
                                       const_dnnl_primitive_attr_t attr)
{
    dnnl_pooling_desc_t op;
    TRY(dnnl_pooling_backward_desc_init(&op, p->alg, p->src, p->dst, p->stride, p->kernel,
                                        p->before, p->after));
    return dnnl_primitive_desc_create(made, &op, attr, engine, forward);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1);
}

#endif

dnnl_status_t mn_dnnl_reorder(dnnl_primitive_desc_t *made, dnnl_engine_t engine, mn_dnnl_ref from,
                              mn_dnnl_ref to, bool add, dnnl_primitive_attr_t attr)
{
    if (add) {
        dnnl_post_ops_t ops;
        TRY(dnnl_post_ops_create(&ops));
        dnnl_status_t status = append_sum(ops);
        if (status == dnnl_success)
            status = dnnl_primitive_attr_set_post_ops(attr, ops);
        dnnl_post_ops_destroy(ops);
        TRY(status);
    }
    return dnnl_reorder_primitive_desc_create(made, from, engine, to, engine, attr);
}
