/* reorder.c -- by a primitive of oneDNN for each pair of layouts. */
#include "tensor/cpu/reorder.h"
#include "tensor/cpu/dnnl_error.h"
#include "tensor/cpu/primitive.h"
#include "tensor/layout_kernels.h"

static mn_status make_reorder(const mn_plan_key *key, mn_primitive **made)
{
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t desc;
    const mn_dnnl_ref from = mn_layout_desc(key->layout[0]), to = mn_layout_desc(key->layout[1]);
    MN_TRY(mn_primitive_attributes(&attr));
    const dnnl_status_t status =
        mn_dnnl_reorder(&desc, mn_dnnl_engine(), from, to, key->number[0] != 0, attr);
    dnnl_primitive_attr_destroy(attr);
    MN_TRY(mn_dnnl_check(status, "reorder", ""));
    return mn_primitive_make(desc, 2, (mn_argument[]){{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}},
                             made);
}

mn_status mn_kernel_reorder_between(const mn_layout *from, const void *x, const mn_layout *to,
                                    void *y, bool add)
{
    const mn_plan_key key = {.kind = MN_PLAN_REORDER, .layout = {from, to}, .number = {add}};
    mn_primitive *primitive = mn_plan_find(&key);
    if (primitive == NULL) {
        MN_TRY(make_reorder(&key, &primitive));
        MN_TRY(mn_plan_keep(&key, primitive, mn_primitive_free));
    }
    return mn_primitive_run(primitive, (const void *[]){x, y});
}

mn_status mn_kernel_reorder(const mn_tensor *x, mn_tensor *y, bool add)
{
    const mn_layout *from, *to;
    if (mn_tensor_count(x) == 0)
        return MN_OK;
    MN_TRY(mn_layout_of_tensor(x, &from));
    MN_TRY(mn_layout_of_tensor(y, &to));
    return mn_kernel_reorder_between(from, x->data, to, y->data, add);
}
