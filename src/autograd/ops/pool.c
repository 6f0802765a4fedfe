/* pool.c -- pooling and upsampling of images. */
#include "autograd/apply.h"
#include "autograd/layout.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/sweep.h"
#include "tensor/image_kernels.h"

#include <inttypes.h>
#include <mneme/image_ops.h>
#include <stddef.h>

static mn_status check_images(const mn_node *node)
{
    char text[64];
    const mn_shape x = mn_node_x_shape(node, 0);
    return x.rank == 4 ? MN_OK
                       : mn_fail(MN_BAD_SHAPE, "%s, expected (B,C,H,W)", mn_shape_text(x, text));
}

/* Pooling a batch without elements leaves zeros, where a gradient is first written. */
static mn_status backward_of_nothing(mn_node *node)
{
    mn_node_input_gradient(node, 0);
    return MN_OK;
}

/* --- windows --- */

enum { WORKSPACE }; /* saved: where the largest are */

static mn_status pool_shape(mn_node *node, mn_shape *out)
{
    const mn_pool_geometry *g = node->attributes;
    char text[64];
    MN_TRY(check_images(node));
    *out = mn_node_x_shape(node, 0);
    if (g->size < 1 || g->stride < 1 || g->padding < 0 || g->padding > g->size / 2)
        return mn_fail(MN_BAD_VALUE,
                       "windows of %" PRId64 ", stride %" PRId64 ", padding %" PRId64
                       "; expected at least 1, at least 1, and at most half a window",
                       g->size, g->stride, g->padding);
    for (int axis = 2; axis < 4; axis++) {
        const int64_t padded = out->size[axis] + 2 * g->padding;
        if (padded < g->size)
            return mn_fail(MN_BAD_SHAPE, "a window of %" PRId64 " is larger than images %s",
                           g->size, mn_shape_text(mn_node_x_shape(node, 0), text));
        out->size[axis] = (padded - g->size) / g->stride + 1;
    }
    if (mn_shape_count(*out) == 0)
        return MN_OK;
    mn_pool *pool;
    MN_TRY(mn_pool_plan(&node->inputs[0]->value, *g, &pool));
    node->output.value.layout = mn_pool_output(pool);
    return MN_OK;
}

static mn_status workspace_of(mn_node *node, const mn_pool *pool, void **workspace)
{
    const int64_t bytes = (int64_t)mn_pool_workspace_bytes(pool);
    *workspace = bytes > 0 ? mn_saved_memory(node, WORKSPACE, MN_U8, bytes) : NULL;
    return bytes > 0 && *workspace == NULL ? MN_NO_MEMORY : MN_OK;
}

static mn_status pool_forward(mn_node *node)
{
    mn_pool *pool;
    void *workspace;
    if (mn_node_y_count(node) == 0)
        return MN_OK;
    MN_TRY(
        mn_pool_plan(&node->inputs[0]->value, *(const mn_pool_geometry *)node->attributes, &pool));
    MN_TRY(workspace_of(node, pool, &workspace));
    return mn_pool_forward(pool, mn_node_x(node, 0), mn_node_y(node), workspace);
}

static mn_status pool_backward(mn_node *node)
{
    mn_pool *pool;
    void *workspace;
    bool add;
    if (mn_node_y_count(node) == 0)
        return backward_of_nothing(node);
    MN_TRY(
        mn_pool_plan(&node->inputs[0]->value, *(const mn_pool_geometry *)node->attributes, &pool));
    MN_TRY(workspace_of(node, pool, &workspace));
    float *dx = mn_node_sink(node, 0, &add);
    if (dx == NULL)
        return MN_OK;
    return mn_pool_backward(pool, mn_node_dy(node), workspace, dx, add);
}

#define POOL_OP(id)                                                                                \
    static const mn_op op_##id = {#id, sizeof(mn_pool_geometry), pool_shape, pool_forward,         \
                                  pool_backward}
POOL_OP(max_pool_2d);
POOL_OP(average_pool_2d);

mn_var *mn_max_pool_2d(mn_var *x, int64_t size, int64_t stride, int64_t padding)
{
    return mn_apply1_laid_out(&op_max_pool_2d, x,
                              &(mn_pool_geometry){MN_POOL_MAX, size, stride, padding});
}

mn_var *mn_average_pool_2d(mn_var *x, int64_t size, int64_t stride, int64_t padding)
{
    return mn_apply1_laid_out(&op_average_pool_2d, x,
                              &(mn_pool_geometry){MN_POOL_AVERAGE, size, stride, padding});
}

/* --- all pixels: (B,C,H,W) -> (B,C) ------------------------------------------------------------
 */

static mn_status global_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(check_images(node));
    const mn_shape x = mn_node_x_shape(node, 0);
    *out = MN_SHAPE(x.size[0], x.size[1]);
    return MN_OK;
}

static mn_status global_forward(mn_node *node)
{
    if (mn_node_y_count(node) == 0)
        return MN_OK;
    return mn_channel_means(&node->inputs[0]->value, mn_node_y(node));
}

static mn_status global_backward(mn_node *node)
{
    bool add;
    if (mn_node_y_count(node) == 0)
        return backward_of_nothing(node);
    if (mn_node_sink(node, 0, &add) == NULL)
        return MN_OK;
    return mn_channel_means_backward(mn_node_dy(node), add, &node->inputs[0]->gradient);
}

static const mn_op op_global_average_pool = {"global_average_pool", 0, global_shape, global_forward,
                                             global_backward};

mn_var *mn_global_average_pool(mn_var *x)
{
    if (x != NULL && !mn_channels_known(&x->value))
        x = mn_in_layout(x, NULL);
    return mn_apply1_laid_out(&op_global_average_pool, x, NULL);
}

/* --- upsampling --- */

typedef struct upsampled {
    int64_t height, width;
    bool nearest;       /* else bilinear, */
    bool align_corners; /* in one of two ways */
} upsampled;

static mn_status upsample_shape(mn_node *node, mn_shape *out)
{
    const upsampled *u = node->attributes;
    MN_TRY(check_images(node));
    *out = mn_node_x_shape(node, 0);
    if (u->height < 1 || u->width < 1 || out->size[2] < 1 || out->size[3] < 1)
        return mn_fail(MN_BAD_VALUE,
                       "from %" PRId64 " x %" PRId64 " to %" PRId64 " x %" PRId64
                       " pixels; expected at least 1 x 1",
                       out->size[2], out->size[3], u->height, u->width);
    out->size[2] = u->height;
    out->size[3] = u->width;
    return MN_OK;
}

static mn_upsampling upsampling_of(const mn_node *node)
{
    const upsampled *u = node->attributes;
    const mn_shape x = mn_node_x_shape(node, 0);
    return (mn_upsampling){x.size[0] * x.size[1], x.size[2], x.size[3], u->height, u->width,
                           u->align_corners};
}

static bool is_nearest(const mn_node *node)
{
    return ((const upsampled *)node->attributes)->nearest;
}

static mn_status upsample_forward(mn_node *node)
{
    const mn_upsampling u = upsampling_of(node);
    (is_nearest(node) ? mn_kernel_upsample_nearest : mn_kernel_upsample)(&u, mn_node_x(node, 0),
                                                                         mn_node_y(node));
    return MN_OK;
}

static mn_status upsample_backward(mn_node *node)
{
    const mn_upsampling u = upsampling_of(node);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        (is_nearest(node) ? mn_kernel_upsample_nearest_backward
                          : mn_kernel_upsample_backward)(&u, mn_node_dy(node), dx, add);
    return MN_OK;
}

#define UPSAMPLE_OP(id)                                                                            \
    static const mn_op op_##id = {#id, sizeof(upsampled), upsample_shape, upsample_forward,        \
                                  upsample_backward}
UPSAMPLE_OP(upsample_bilinear);
UPSAMPLE_OP(upsample_nearest);

mn_var *mn_upsample_bilinear(mn_var *x, int64_t height, int64_t width, bool align_corners)
{
    return mn_apply1(&op_upsample_bilinear, x,
                     &(upsampled){height, width, .align_corners = align_corners});
}

mn_var *mn_upsample_nearest(mn_var *x, int64_t height, int64_t width)
{
    return mn_apply1(&op_upsample_nearest, x, &(upsampled){height, width, .nearest = true});
}
