/* layout.h -- what a layout is on the CPU: a memory descriptor of oneDNN. */
#ifndef MN_TENSOR_CPU_LAYOUT_H
#define MN_TENSOR_CPU_LAYOUT_H

#include "tensor/cpu/dnnl_compat.h"
#include "tensor/layout_kernels.h"

/* How our own loops find channels in images (B, C, H, W). */
typedef enum mn_channel_order {
    MN_CHANNELS_FIRST,   /* plain: B, C, H, W */
    MN_CHANNELS_LAST,    /* B, H, W, C */
    MN_CHANNELS_BLOCKED, /* B, C / block, H, W, block */
    MN_CHANNELS_HIDDEN,  /* some other way, or no images */
} mn_channel_order;

struct mn_layout {
    mn_layout *next;
    mn_dnnl_desc desc;
    size_t bytes;
    mn_shape shape;
    mn_dtype dtype; /* of its elements */
    mn_channel_order order;
    int64_t block; /* channels in a block */
    bool plain;    /* row-major f32 */
};

static inline dnnl_data_type_t mn_dnnl_type(mn_dtype dtype)
{
    return dtype == MN_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* The one object for a descriptor of that shape, plain ones included. */
mn_status mn_layout_intern(mn_dnnl_ref desc, mn_shape shape, const mn_layout **layout);
mn_status mn_layout_with_tag(mn_shape shape, mn_dtype dtype, dnnl_format_tag_t tag,
                             const mn_layout **layout);
mn_status mn_layout_plain(mn_shape shape, const mn_layout **layout);
/* The same for a tensor, whose own pointer is NULL where it is plain. */
mn_status mn_layout_of_tensor(const mn_tensor *tensor, const mn_layout **layout);
/* y += x, all of the memory of that layout. */
void mn_layout_accumulate(const mn_layout *layout, const void *x, void *y);
/* The pointer in a tensor: NULL for a plain layout. */
static inline const mn_layout *mn_layout_opaque(const mn_layout *layout)
{
    return layout == NULL || layout->plain ? NULL : layout;
}
static inline mn_dnnl_ref mn_layout_desc(const mn_layout *layout)
{
    return mn_dnnl_refer(&layout->desc);
}

#endif
