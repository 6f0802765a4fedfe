/* pool.c -- pooling of oneDNN, in the layout that its input has. */
#include "tensor/cpu/dnnl_error.h"
#include "tensor/cpu/primitive.h"
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"

#include <mneme/memory.h>

struct mn_pool {
    mn_pool_geometry geometry;
    const mn_layout *input, *output; /* plain ones included */
    size_t workspace_bytes;
    mn_primitive *forward, *backward;
};

static void pool_free(void *plan)
{
    mn_pool *pool = plan;
    mn_primitive_free(pool->forward);
    mn_primitive_free(pool->backward);
    mn_memory_give(pool);
}

static mn_dnnl_pooling operation(mn_pool_geometry g, mn_dnnl_ref src, mn_dnnl_ref dst)
{
    mn_dnnl_pooling p = {.src = src, .dst = dst};
    p.alg = g.kind == MN_POOL_MAX ? dnnl_pooling_max : dnnl_pooling_avg_include_padding;
    for (int axis = 0; axis < 2; axis++) {
        p.kernel[axis] = g.size;
        p.stride[axis] = g.stride;
        p.before[axis] = p.after[axis] = g.padding;
    }
    return p;
}

static mn_status make_backward(mn_pool *pool, mn_dnnl_ref workspace)
{
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t desc;
    const mn_dnnl_ref src = mn_layout_desc(pool->input), dst = mn_layout_desc(pool->output);
    const mn_dnnl_pooling p = operation(pool->geometry, src, dst);
    MN_TRY(mn_primitive_attributes(&attr));
    const dnnl_status_t status = mn_dnnl_pooling_backward(&desc, mn_dnnl_engine(), &p,
                                                          mn_primitive_desc(pool->forward), attr);
    dnnl_primitive_attr_destroy(attr);
    MN_TRY(mn_dnnl_check(status, "the gradient of", "pooling"));
    const mn_argument arguments[] = {
        {DNNL_ARG_DIFF_SRC, src}, {DNNL_ARG_DIFF_DST, dst}, {DNNL_ARG_WORKSPACE, workspace}};
    return mn_primitive_make(desc, workspace != NULL ? 3 : 2, arguments, &pool->backward);
}

static mn_status make(mn_pool *pool, mn_shape out)
{
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t desc;
    mn_dnnl_desc wanted;
    dnnl_dims_t sizes = {out.size[0], out.size[1], out.size[2], out.size[3]};
    const mn_dnnl_ref src = mn_layout_desc(pool->input);
    MN_TRY(mn_primitive_attributes(&attr));
    MN_TRY(mn_dnnl_check(
        mn_dnnl_desc_tag(&wanted, 4, sizes, mn_dnnl_type(pool->input->dtype), dnnl_format_tag_any),
        "pooling", ""));
    const mn_dnnl_pooling p = operation(pool->geometry, src, mn_dnnl_refer(&wanted));
    const dnnl_status_t status = mn_dnnl_pooling_forward(&desc, mn_dnnl_engine(), &p, attr);
    dnnl_primitive_attr_destroy(attr);
    mn_dnnl_desc_free(&wanted);
    MN_TRY(mn_dnnl_check(status, "pooling", ""));
    const mn_dnnl_ref dst = dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
    mn_dnnl_ref workspace = dnnl_primitive_desc_query_md(desc, dnnl_query_workspace_md, 0);
    pool->workspace_bytes = workspace != NULL ? dnnl_memory_desc_get_size(workspace) : 0;
    if (pool->workspace_bytes == 0)
        workspace = NULL;
    MN_TRY(mn_layout_intern(dst, out, &pool->output));
    const mn_argument arguments[] = {
        {DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}, {DNNL_ARG_WORKSPACE, workspace}};
    MN_TRY(mn_primitive_make(desc, workspace != NULL ? 3 : 2, arguments, &pool->forward));
    return make_backward(pool, workspace);
}

mn_status mn_pool_plan(const mn_tensor *x, mn_pool_geometry g, mn_pool **found)
{
    const mn_shape s = x->shape;
    const mn_plan_key key = {.kind = MN_PLAN_POOL,
                             .number = {s.size[0], s.size[1], s.size[2], s.size[3], (int64_t)g.kind,
                                        g.size, g.stride, g.padding},
                             .layout = {x->layout}};
    *found = mn_plan_find(&key);
    if (*found != NULL)
        return MN_OK;
    mn_pool *pool = mn_memory_take_zeroed(1, sizeof *pool);
    if (pool == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for pooling");
    pool->geometry = g;
    mn_shape out = s;
    for (int axis = 2; axis < 4; axis++)
        out.size[axis] = (s.size[axis] + 2 * g.padding - g.size) / g.stride + 1;
    mn_status status = mn_layout_of_tensor(x, &pool->input);
    if (status == MN_OK)
        status = make(pool, out);
    if (status != MN_OK) {
        pool_free(pool);
        return status;
    }
    *found = pool;
    return mn_plan_keep(&key, pool, pool_free);
}

const mn_layout *mn_pool_output(const mn_pool *pool)
{
    return mn_layout_opaque(pool->output);
}

size_t mn_pool_workspace_bytes(const mn_pool *pool)
{
    return pool->workspace_bytes;
}

mn_status mn_pool_forward(mn_pool *pool, const void *x, void *y, void *workspace)
{
    return mn_primitive_run(pool->forward, (const void *[]){x, y, workspace});
}

mn_status mn_pool_backward(mn_pool *pool, const void *dy, const void *workspace, void *dx, bool add)
{
    void *result = add ? mn_scratch_take(MN_SCRATCH_RESULT, pool->input->bytes) : dx;
    if (result == NULL)
        return MN_NO_MEMORY;
    MN_TRY(mn_primitive_run(pool->backward, (const void *[]){result, dy, workspace}));
    if (add)
        mn_layout_accumulate(pool->input, result, dx);
    return MN_OK;
}
