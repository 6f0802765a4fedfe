/* layout.c -- every layout that was ever met, in one list.
 *
 * There are as many as there are shapes of activations and weights: some hundreds.  They are looked
 * up when a convolution is planned, not when it is carried out, so a list is fast enough. */
#include "tensor/cpu/layout.h"
#include "tensor/cpu/bfloat16.h"
#include "tensor/cpu/dnnl_error.h"
#include "tensor/kernels.h"

#include <mneme/memory.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mn_layout *layouts;

static const dnnl_format_tag_t plain_tags[] = {
    dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};

static void sizes_of(mn_shape shape, dnnl_dims_t sizes)
{
    for (int i = 0; i < shape.rank; i++)
        sizes[i] = shape.size[i];
}

static bool has_tag(const mn_layout *layout, dnnl_format_tag_t tag)
{
    const mn_shape shape = layout->shape;
    dnnl_dims_t sizes;
    mn_dnnl_desc tagged;
    sizes_of(shape, sizes);
    if (mn_dnnl_desc_tag(&tagged, shape.rank, sizes, mn_dnnl_type(layout->dtype), tag) !=
        dnnl_success)
        return false;
    const bool equal = dnnl_memory_desc_equal(mn_layout_desc(layout), mn_dnnl_refer(&tagged)) != 0;
    mn_dnnl_desc_free(&tagged);
    return equal;
}

static void describe(mn_layout *layout)
{
    const bool rows = has_tag(layout, plain_tags[layout->shape.rank]);
    layout->order = MN_CHANNELS_HIDDEN;
    layout->plain = rows && layout->dtype == MN_F32;
    if (layout->shape.rank != 4)
        return;
    if (rows) {
        layout->order = MN_CHANNELS_FIRST;
    } else if (has_tag(layout, dnnl_nhwc)) {
        layout->order = MN_CHANNELS_LAST;
    } else if (has_tag(layout, dnnl_nChw16c)) {
        layout->order = MN_CHANNELS_BLOCKED;
        layout->block = 16;
    } else if (has_tag(layout, dnnl_nChw8c)) {
        layout->order = MN_CHANNELS_BLOCKED;
        layout->block = 8;
    }
}

static mn_layout *find(mn_dnnl_ref desc)
{
    for (mn_layout *layout = layouts; layout != NULL; layout = layout->next)
        if (dnnl_memory_desc_equal(mn_layout_desc(layout), desc) != 0)
            return layout;
    return NULL;
}

static mn_layout *add(mn_dnnl_ref desc, mn_shape shape)
{
    mn_layout *layout = mn_memory_take_zeroed(1, sizeof *layout);
    if (layout == NULL || mn_dnnl_desc_copy(&layout->desc, desc) != dnnl_success) {
        mn_memory_give(layout);
        return NULL;
    }
    layout->shape = shape;
    layout->dtype = mn_dnnl_desc_type(desc) == dnnl_bf16 ? MN_BF16 : MN_F32;
    layout->bytes = dnnl_memory_desc_get_size(desc);
    describe(layout);
    layout->next = layouts;
    layouts = layout;
    return layout;
}

mn_status mn_layout_intern(mn_dnnl_ref desc, mn_shape shape, const mn_layout **layout)
{
    pthread_mutex_lock(&lock);
    *layout = find(desc);
    if (*layout == NULL)
        *layout = add(desc, shape);
    pthread_mutex_unlock(&lock);
    return *layout != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "no memory for a layout");
}

mn_status mn_layout_with_tag(mn_shape shape, mn_dtype dtype, dnnl_format_tag_t tag,
                             const mn_layout **layout)
{
    dnnl_dims_t sizes;
    mn_dnnl_desc desc;
    char text[64];
    sizes_of(shape, sizes);
    MN_TRY(mn_dnnl_check(mn_dnnl_desc_tag(&desc, shape.rank, sizes, mn_dnnl_type(dtype), tag),
                         "a layout", mn_shape_text(shape, text)));
    const mn_status status = mn_layout_intern(mn_dnnl_refer(&desc), shape, layout);
    mn_dnnl_desc_free(&desc);
    return status;
}

mn_status mn_layout_plain(mn_shape shape, const mn_layout **layout)
{
    return mn_layout_with_tag(shape, MN_F32, plain_tags[shape.rank], layout);
}

mn_status mn_layout_in(const mn_layout *layout, mn_dtype dtype, const mn_layout **twin)
{
    *twin = layout;
    if (layout == NULL || layout->dtype == dtype)
        return MN_OK;
    dnnl_format_tag_t tag = plain_tags[layout->shape.rank];
    if (layout->order == MN_CHANNELS_LAST)
        tag = dnnl_nhwc;
    else if (layout->order == MN_CHANNELS_BLOCKED)
        tag = layout->block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
    MN_TRY(mn_layout_with_tag(layout->shape, dtype, tag, twin));
    *twin = mn_layout_opaque(*twin);
    return MN_OK;
}

mn_dtype mn_layout_dtype(const mn_layout *layout)
{
    return layout != NULL ? layout->dtype : MN_F32;
}

void mn_layout_accumulate(const mn_layout *layout, const void *x, void *y)
{
    if (layout->dtype == MN_BF16)
        mn_bf16_accumulate((int64_t)(layout->bytes / sizeof(uint16_t)), x, y);
    else
        mn_kernel_axpby((int64_t)(layout->bytes / sizeof(float)), 1, x, 1, y);
}

mn_status mn_layout_of_tensor(const mn_tensor *tensor, const mn_layout **layout)
{
    *layout = tensor->layout;
    return *layout != NULL ? MN_OK : mn_layout_plain(tensor->shape, layout);
}

size_t mn_layout_bytes(const mn_layout *layout)
{
    return layout->bytes;
}

size_t mn_tensor_stored_bytes(const mn_tensor *tensor)
{
    return tensor->layout != NULL ? tensor->layout->bytes : mn_tensor_bytes(tensor);
}
