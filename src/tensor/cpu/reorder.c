/* reorder.c -- by a primitive of oneDNN for each pair of layouts, or element by element where that
 * primitive is wrong.
 *
 * oneDNN 3.7.2 brings weights wrongly into some layouts that are padded: it leaves part of the
 * padding as it was, and moves elements beside it to wrong places.  Versions differ, so no version
 * is asked: a primitive for a padded layout is tried once, on known numbers. */
#include "tensor/cpu/reorder.h"
#include "tensor/cpu/bfloat16.h"
#include "tensor/cpu/dnnl_error.h"
#include "tensor/cpu/primitive.h"
#include "tensor/layout_kernels.h"
#include "tensor/tensor.h"

#include <mneme/memory.h>
#include <string.h>

typedef struct move { /* of one element, from place to place */
    uint32_t from, to;
} move;

typedef struct reorder {
    mn_primitive *primitive; /* or NULL, and by moves */
    int64_t count;
    move *moves;
} reorder;

static void reorder_free(void *plan)
{
    reorder *r = plan;
    mn_primitive_free(r->primitive);
    mn_memory_give(r->moves);
    mn_memory_give(r);
}

/* --- where elements lie --- */

static uint32_t place_of(const mn_dnnl_places *p, int64_t element)
{
    int64_t at[DNNL_MAX_NDIMS], place = 0, step = 1;
    for (int i = p->rank - 1; i >= 0; element /= p->size[i], i--)
        at[i] = element % p->size[i];
    for (int i = p->blocks - 1; i >= 0; step *= p->block[i], i--) {
        int64_t *along = &at[p->axis[i]];
        place += *along % p->block[i] * step;
        *along /= p->block[i];
    }
    for (int i = 0; i < p->rank; i++)
        place += at[i] * p->stride[i];
    return (uint32_t)place;
}

static bool is_padded(const mn_layout *from, const mn_dnnl_places *to)
{
    bool padded = false;
    for (int i = 0; i < to->rank; i++)
        padded |= to->padded[i] != to->size[i];
    return padded && from->bytes / mn_dtype_bytes(from->dtype) < UINT32_MAX;
}

static mn_status list_moves(reorder *r, const mn_layout *from, const mn_dnnl_places *to)
{
    mn_dnnl_places of_from;
    MN_TRY(mn_dnnl_check(mn_dnnl_places_of(mn_layout_desc(from), &of_from), "reorder", ""));
    r->count = mn_shape_count(from->shape);
    r->moves = mn_memory_take((size_t)r->count, sizeof *r->moves);
    if (r->moves == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for the places of %lld elements",
                       (long long)r->count);
    for (int64_t i = 0; i < r->count; i++)
        r->moves[i] = (move){place_of(&of_from, i), place_of(to, i)};
    return MN_OK;
}

/* --- element by element --- */

static void move_floats(const reorder *r, const float *x, float *y)
{
    for (const move *m = r->moves; m < r->moves + r->count; m++)
        y[m->to] += x[m->from];
}

static void move_halves(const reorder *r, const uint16_t *x, uint16_t *y)
{
    for (const move *m = r->moves; m < r->moves + r->count; m++)
        mn_bf16_accumulate(1, &x[m->from], &y[m->to]);
}

static void move_all(const reorder *r, const mn_layout *to, const void *x, void *y, bool add)
{
    if (!add)
        memset(y, 0, to->bytes);
    if (to->dtype == MN_BF16)
        move_halves(r, x, y);
    else
        move_floats(r, x, y);
}

/* --- one or the other --- */

/* Whether the primitive makes what the moves make: over other numbers, or added to zeros. */
static mn_status is_right(const reorder *r, const mn_layout *from, const mn_layout *to, bool add,
                          bool *right)
{
    enum { FIRST = 0x100, OTHERS = 0x7d00 }; /* upper halves of ordinary numbers, in both types */
    unsigned char *memory = mn_memory_take(1, from->bytes + 2 * to->bytes + 128);
    if (memory == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory to try a reorder");
    unsigned char *x = memory, *y = x + (from->bytes + 63) / 64 * 64,
                  *expected = y + (to->bytes + 63) / 64 * 64;
    for (size_t i = 0; i < from->bytes / sizeof(uint16_t); i++)
        ((uint16_t *)(void *)x)[i] = (uint16_t)(FIRST + i % OTHERS);
    memset(y, add ? 0 : 0x3f, to->bytes);
    memset(expected, 0, to->bytes);
    move_all(r, to, x, expected, add);
    const mn_status status = mn_primitive_run(r->primitive, (const void *[]){x, y});
    *right = memcmp(y, expected, to->bytes) == 0;
    mn_memory_give(memory);
    return status;
}

static mn_status make_primitive(const mn_plan_key *key, mn_primitive **made)
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

static mn_status make_reorder(const mn_plan_key *key, reorder *r)
{
    const mn_layout *from = key->layout[0], *to = key->layout[1];
    mn_dnnl_places of_to;
    bool right = false;
    MN_TRY(make_primitive(key, &r->primitive));
    const bool add = key->number[0] != 0;
    if (from->dtype != to->dtype || /* to plain rows, or, in oneDNN 2, for Winograd */
        mn_dnnl_places_of(mn_layout_desc(to), &of_to) != dnnl_success || !is_padded(from, &of_to))
        return MN_OK;
    MN_TRY(list_moves(r, from, &of_to));
    MN_TRY(is_right(r, from, to, add, &right));
    if (right) {
        mn_memory_give(r->moves);
        r->moves = NULL;
    } else {
        mn_primitive_free(r->primitive);
        r->primitive = NULL;
    }
    return MN_OK;
}

mn_status mn_kernel_reorder_between(const mn_layout *from, const void *x, const mn_layout *to,
                                    void *y, bool add)
{
    const mn_plan_key key = {.kind = MN_PLAN_REORDER, .layout = {from, to}, .number = {add}};
    reorder *r = mn_plan_find(&key);
    if (r == NULL) {
        r = mn_memory_take_zeroed(1, sizeof *r);
        if (r == NULL)
            return mn_fail(MN_NO_MEMORY, "no memory for a reorder");
        const mn_status status = make_reorder(&key, r);
        if (status != MN_OK) {
            reorder_free(r);
            return status;
        }
        MN_TRY(mn_plan_keep(&key, r, reorder_free));
    }
    if (r->primitive != NULL)
        return mn_primitive_run(r->primitive, (const void *[]){x, y});
    move_all(r, to, x, y, add);
    return MN_OK;
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
