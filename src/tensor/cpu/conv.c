/* conv.c -- convolutions of oneDNN, planned once for shapes and layouts.
 *
 * oneDNN is left to choose (format_tag::any) but for three things.  Images as they come from a data
 * set have few channels and stay plain, which its first-layer kernels read.  Widths that are no
 * multiples of a vector run channels-last: blocks of 16 would pad 20 channels to 32 and spend a
 * third of the time on zeros.  And Winograd's algorithm (Lavin and Gray 2016), which oneDNN's own
 * choice leaves out too often, is asked for where it was measured to be faster, padded or not. */
#include "tensor/cpu/dnnl_error.h"
#include "tensor/cpu/primitive.h"
#include "tensor/cpu/reorder.h"
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"

#include <mneme/memory.h>
#include <string.h>

enum { VECTOR = 16, FEW_CHANNELS = 4, SMALL_IMAGE = 8 * 8, SMALL_WEIGHT = 256 * 256 };

/* Winograd's transforms cost as much for few channels or pixels as they save; on AVX-512. */
enum {
    WINOGRAD_CHANNELS = 32,
    WINOGRAD_TILE = 4,
    WINOGRAD_TILES = 32,
    WINOGRAD_TILES_OF_DATA = 40
};

struct mn_conv {
    mn_conv_geometry geometry;
    mn_shape x, weight, y, blocked_weight; /* the last has an axis of groups when there are some */
    bool bias;
    mn_dtype dtype;                                  /* of images and of weights as they are read */
    const mn_layout *input, *output;                 /* plain ones included */
    const mn_layout *weights[2];                     /* by direction */
    const mn_layout *weights_plain, *weights_narrow; /* rows of f32 and of conv->dtype */
    const mn_layout *weights_gradient, *bias_layout;
    const mn_layout *input_gradient; /* as it is computed: not always the input's */
    mn_primitive *forward, *backward_data, *backward_weights;
    mn_conv *exact; /* the f32 plan that makes the weights' gradient; NULL: this one */
};

static void forget(mn_conv *conv)
{
    mn_primitive_free(conv->forward);
    mn_primitive_free(conv->backward_data);
    mn_primitive_free(conv->backward_weights);
    conv->forward = conv->backward_data = conv->backward_weights = NULL;
}

static void conv_free(void *plan)
{
    forget(plan);
    mn_memory_give(plan);
}

/* --- planning --- */

typedef struct wish {
    dnnl_alg_kind_t alg;
    dnnl_format_tag_t src, dst; /* undef: the layout that x has */
} wish;

static bool is_reference(const mn_primitive *primitive)
{
    return strncmp(mn_primitive_name(primitive), "ref", 3) == 0;
}

typedef enum pass { FORWARD, DATA, WEIGHTS } pass;

static bool winograd_pays(const mn_conv *conv, pass of)
{
    const mn_shape *y = &conv->y, *weight = &conv->weight;
    const int64_t tiles = y->size[0] * ((y->size[2] + WINOGRAD_TILE - 1) / WINOGRAD_TILE) *
                          ((y->size[3] + WINOGRAD_TILE - 1) / WINOGRAD_TILE);
    return weight->size[2] == 3 && weight->size[3] == 3 && conv->geometry.stride == 1 &&
           conv->geometry.groups == 1 && weight->size[0] >= WINOGRAD_CHANNELS &&
           weight->size[1] >= WINOGRAD_CHANNELS &&
           tiles >= (of == DATA ? WINOGRAD_TILES_OF_DATA : WINOGRAD_TILES);
}

/* Everything the operation needs except src, weights, bias and dst. */
static mn_dnnl_convolution operation(const mn_conv *conv, dnnl_alg_kind_t alg)
{
    mn_dnnl_convolution c = {.alg = alg};
    for (int axis = 0; axis < 2; axis++) {
        c.stride[axis] = conv->geometry.stride;
        c.before[axis] = c.after[axis] = conv->geometry.padding;
    }
    return c;
}

static mn_status describe(mn_shape shape, mn_dtype dtype, dnnl_format_tag_t tag, mn_dnnl_desc *desc)
{
    dnnl_dims_t sizes;
    char text[64];
    for (int i = 0; i < shape.rank; i++)
        sizes[i] = shape.size[i];
    return mn_dnnl_check(mn_dnnl_desc_tag(desc, shape.rank, sizes, mn_dnnl_type(dtype), tag),
                         "a convolution of", mn_shape_text(shape, text));
}

static mn_status make_forward(mn_conv *conv, const mn_layout *given, wish want)
{
    mn_dnnl_desc src, dst, weights;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t desc;
    char text[64];
    MN_TRY(mn_primitive_attributes(&attr));
    MN_TRY(describe(conv->x, conv->dtype, want.src == dnnl_format_tag_undef ? dnnl_nchw : want.src,
                    &src));
    MN_TRY(describe(conv->y, conv->dtype, want.dst, &dst));
    MN_TRY(describe(conv->blocked_weight, conv->dtype, dnnl_format_tag_any, &weights));
    mn_dnnl_convolution c = operation(conv, want.alg);
    c.src = want.src == dnnl_format_tag_undef ? mn_layout_desc(given) : mn_dnnl_refer(&src);
    c.weights = mn_dnnl_refer(&weights);
    c.bias = conv->bias ? mn_layout_desc(conv->bias_layout) : NULL;
    c.dst = mn_dnnl_refer(&dst);
    const dnnl_status_t status = mn_dnnl_convolution_forward(&desc, mn_dnnl_engine(), &c, attr);
    dnnl_primitive_attr_destroy(attr);
    mn_dnnl_desc_free(&src);
    mn_dnnl_desc_free(&dst);
    mn_dnnl_desc_free(&weights);
    MN_TRY(mn_dnnl_check(status, "a convolution of", mn_shape_text(conv->x, text)));
    const mn_dnnl_ref chosen_src = dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
    const mn_dnnl_ref chosen_dst = dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
    const mn_dnnl_ref chosen = dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    MN_TRY(mn_layout_intern(chosen_src, conv->x, &conv->input));
    MN_TRY(mn_layout_intern(chosen_dst, conv->y, &conv->output));
    MN_TRY(mn_layout_intern(chosen, conv->blocked_weight, &conv->weights[MN_CONV_FORWARD]));
    const mn_argument arguments[] = {{DNNL_ARG_SRC, chosen_src},
                                     {DNNL_ARG_WEIGHTS, chosen},
                                     {DNNL_ARG_DST, chosen_dst},
                                     {DNNL_ARG_BIAS, c.bias}};
    mn_primitive_free(conv->forward);
    conv->forward = NULL;
    return mn_primitive_make(desc, conv->bias ? 4 : 3, arguments, &conv->forward);
}

/* In the order of preference; a later one is taken where oneDNN lacks an earlier one, or would run
 * its slow reference code. */
static mn_status choose_forward(mn_conv *conv, const mn_layout *given)
{
    const dnnl_alg_kind_t best = dnnl_convolution_auto;
    const int64_t inputs = conv->x.size[1], outputs = conv->y.size[1];
    const bool narrow = outputs % VECTOR != 0 || (inputs % VECTOR != 0 && inputs > FEW_CHANNELS);
    const wish any = {best, dnnl_format_tag_any, dnnl_format_tag_any};
    wish wishes[4];
    int n = 0;
    if (conv->dtype == MN_F32 && winograd_pays(conv, FORWARD))
        wishes[n++] = (wish){dnnl_convolution_winograd, any.src, any.dst};
    if (given->order != MN_CHANNELS_FIRST)
        wishes[n++] = (wish){best, dnnl_format_tag_undef,
                             given->order == MN_CHANNELS_LAST ? dnnl_nhwc : any.dst};
    else if (narrow && conv->geometry.groups == 1)
        wishes[n++] = (wish){best, dnnl_nhwc, dnnl_nhwc};
    else if (inputs <= FEW_CHANNELS)
        wishes[n++] = (wish){best, dnnl_nchw, any.dst};
    wishes[n++] = any;
    wishes[n++] = (wish){best, dnnl_nchw, dnnl_nchw};
    for (int i = 0; i < n; i++)
        if (make_forward(conv, given, wishes[i]) == MN_OK && !is_reference(conv->forward))
            return MN_OK;
    return make_forward(conv, given, wishes[n - 2]);
}

/* The layouts of activations are those of the forward; the weights' are free again. */
static mn_status describe_backward(mn_conv *conv, pass of, dnnl_alg_kind_t alg, mn_dnnl_ref src,
                                   dnnl_primitive_desc_t *desc)
{
    mn_dnnl_desc weights;
    dnnl_primitive_attr_t attr;
    const_dnnl_primitive_desc_t forward = mn_primitive_desc(conv->forward);
    char text[64];
    MN_TRY(mn_primitive_attributes(&attr));
    MN_TRY(describe(conv->blocked_weight, of == WEIGHTS ? MN_F32 : conv->dtype, dnnl_format_tag_any,
                    &weights));
    mn_dnnl_convolution c = operation(conv, alg);
    c.src = src;
    c.weights = mn_dnnl_refer(&weights);
    c.bias = conv->bias && of == WEIGHTS ? mn_layout_desc(conv->bias_layout) : NULL;
    c.dst = mn_layout_desc(conv->output);
    dnnl_engine_t engine = mn_dnnl_engine();
    const dnnl_status_t status =
        of == DATA ? mn_dnnl_convolution_backward_data(desc, engine, &c, forward, attr)
                   : mn_dnnl_convolution_backward_weights(desc, engine, &c, forward, attr);
    dnnl_primitive_attr_destroy(attr);
    mn_dnnl_desc_free(&weights);
    return mn_dnnl_check(status, "the gradient of a convolution of", mn_shape_text(conv->x, text));
}

static mn_status choose_backward(mn_conv *conv, pass of, mn_dnnl_ref src,
                                 dnnl_primitive_desc_t *desc)
{
    if (conv->dtype == MN_F32 && winograd_pays(conv, of) &&
        describe_backward(conv, of, dnnl_convolution_winograd, src, desc) == MN_OK)
        return MN_OK;
    return describe_backward(conv, of, dnnl_convolution_auto, src, desc);
}

static mn_status make_backward_data_for(mn_conv *conv, mn_dnnl_ref src)
{
    dnnl_primitive_desc_t desc;
    MN_TRY(choose_backward(conv, DATA, src, &desc));
    const mn_dnnl_ref chosen = dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    const mn_dnnl_ref chosen_src = dnnl_primitive_desc_query_md(desc, dnnl_query_diff_src_md, 0);
    MN_TRY(mn_layout_intern(chosen, conv->blocked_weight, &conv->weights[MN_CONV_BACKWARD]));
    MN_TRY(mn_layout_intern(chosen_src, conv->x, &conv->input_gradient));
    const mn_argument arguments[] = {{DNNL_ARG_DIFF_SRC, chosen_src},
                                     {DNNL_ARG_WEIGHTS, chosen},
                                     {DNNL_ARG_DIFF_DST, mn_layout_desc(conv->output)}};
    mn_primitive_free(conv->backward_data);
    conv->backward_data = NULL;
    return mn_primitive_make(desc, 3, arguments, &conv->backward_data);
}

/* oneDNN's kernels for images of few channels, which stay plain, know no gradient of them: that is
 * computed with the channels padded, and reordered. */
static mn_status make_backward_data(mn_conv *conv)
{
    MN_TRY(make_backward_data_for(conv, mn_layout_desc(conv->input)));
    if (!is_reference(conv->backward_data))
        return MN_OK;
    mn_dnnl_desc src;
    MN_TRY(describe(conv->x, conv->dtype, dnnl_format_tag_any, &src));
    const mn_status status = make_backward_data_for(conv, mn_dnnl_refer(&src));
    mn_dnnl_desc_free(&src);
    return status;
}

static mn_status make_backward_weights(mn_conv *conv)
{
    dnnl_primitive_desc_t desc;
    MN_TRY(choose_backward(conv, WEIGHTS, mn_layout_desc(conv->input), &desc));
    const mn_dnnl_ref chosen = dnnl_primitive_desc_query_md(desc, dnnl_query_diff_weights_md, 0);
    MN_TRY(mn_layout_intern(chosen, conv->blocked_weight, &conv->weights_gradient));
    const mn_argument arguments[] = {
        {DNNL_ARG_SRC, mn_layout_desc(conv->input)},
        {DNNL_ARG_DIFF_WEIGHTS, chosen},
        {DNNL_ARG_DIFF_DST, mn_layout_desc(conv->output)},
        {DNNL_ARG_DIFF_BIAS, conv->bias ? mn_layout_desc(conv->bias_layout) : NULL}};
    return mn_primitive_make(desc, conv->bias ? 4 : 3, arguments, &conv->backward_weights);
}

/* A plan for images of conv->dtype in the order of elements that the given layout has. */
static mn_status plan_forward(mn_conv *conv, const mn_layout *given)
{
    if (given == NULL)
        MN_TRY(mn_layout_plain(conv->x, &given));
    if (given->dtype != conv->dtype)
        MN_TRY(mn_layout_in(given, conv->dtype, &given));
    if (given == NULL) /* plain f32 */
        MN_TRY(mn_layout_plain(conv->x, &given));
    return choose_forward(conv, given);
}

/* oneDNN has fewer kernels for bf16, and runs its slow reference code where one is missing.  The
 * first layer's images get no gradient. */
static bool is_fast(mn_conv *conv)
{
    const bool first = conv->x.size[1] <= FEW_CHANNELS;
    return !is_reference(conv->forward) && make_backward_weights(conv) == MN_OK &&
           !is_reference(conv->backward_weights) &&
           (first || (make_backward_data(conv) == MN_OK && !is_reference(conv->backward_data)));
}

static bool is_winograd(const mn_primitive *primitive)
{
    return strstr(mn_primitive_name(primitive), "wino") != NULL;
}

/* On small images, Winograd's algorithm in f32 makes the weights' gradient in 0.4 to 0.7 of the
 * time that bf16 takes, and bringing the images to f32 costs little.  Of 512 x 512 channels it
 * would take 100 MB of scratch memory, for 3 % of a step. */
static mn_status plan_exact(mn_conv *conv)
{
    mn_conv *exact;
    if (!winograd_pays(conv, WEIGHTS) || conv->y.size[2] * conv->y.size[3] > SMALL_IMAGE ||
        conv->weight.size[0] * conv->weight.size[1] > SMALL_WEIGHT)
        return MN_OK;
    MN_TRY(mn_conv_plan(conv->x, NULL, conv->weight, conv->geometry, conv->bias, MN_F32, &exact));
    if (exact->backward_weights == NULL)
        MN_TRY(make_backward_weights(exact));
    if (is_winograd(exact->backward_weights))
        conv->exact = exact;
    return MN_OK;
}

static mn_status plan(mn_conv *conv, const mn_layout *given)
{
    MN_TRY(mn_layout_plain(conv->blocked_weight, &conv->weights_plain));
    MN_TRY(mn_layout_in(conv->weights_plain, conv->dtype, &conv->weights_narrow));
    MN_TRY(mn_layout_plain(MN_SHAPE(conv->weight.size[0]), &conv->bias_layout));
    if (conv->dtype != MN_F32 && plan_forward(conv, given) == MN_OK && is_fast(conv))
        return plan_exact(conv);
    if (conv->dtype != MN_F32)
        forget(conv);
    conv->dtype = MN_F32;
    return plan_forward(conv, given);
}

static int64_t pixels_out(int64_t size, int64_t kernel, mn_conv_geometry g)
{
    return (size + 2 * g.padding - kernel) / g.stride + 1;
}

mn_status mn_conv_plan(mn_shape x, const mn_layout *given, mn_shape weight,
                       mn_conv_geometry geometry, bool bias, mn_dtype dtype, mn_conv **found)
{
    const mn_plan_key key = {.kind = MN_PLAN_CONV,
                             .number = {x.size[0], x.size[1], x.size[2], x.size[3], weight.size[0],
                                        weight.size[2], weight.size[3], geometry.stride,
                                        geometry.padding, geometry.groups, bias, (int64_t)dtype},
                             .layout = {given}};
    *found = mn_plan_find(&key);
    if (*found != NULL)
        return MN_OK;
    mn_conv *conv = mn_memory_take_zeroed(1, sizeof *conv);
    if (conv == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for a convolution");
    conv->geometry = geometry;
    conv->x = x;
    conv->weight = weight;
    conv->bias = bias;
    conv->dtype = dtype;
    conv->y = MN_SHAPE(x.size[0], weight.size[0], pixels_out(x.size[2], weight.size[2], geometry),
                       pixels_out(x.size[3], weight.size[3], geometry));
    conv->blocked_weight = geometry.groups == 1
                               ? weight
                               : MN_SHAPE(geometry.groups, weight.size[0] / geometry.groups,
                                          weight.size[1], weight.size[2], weight.size[3]);
    const mn_status status = plan(conv, given);
    if (status != MN_OK) {
        conv_free(conv);
        return status;
    }
    *found = conv;
    return mn_plan_keep(&key, conv, conv_free);
}

const mn_layout *mn_conv_input(const mn_conv *conv)
{
    return mn_layout_opaque(conv->input);
}

const mn_layout *mn_conv_output(const mn_conv *conv)
{
    return mn_layout_opaque(conv->output);
}

/* --- the weight in a direction's layout --- */

mn_status mn_conv_weight(mn_conv *conv, mn_conv_direction direction, const mn_layout **layout)
{
    if (direction == MN_CONV_BACKWARD && conv->backward_data == NULL)
        MN_TRY(make_backward_data(conv));
    *layout = mn_layout_opaque(conv->weights[direction]);
    return MN_OK;
}

/* To bf16 in two steps: oneDNN's way in one is four times slower. */
mn_status mn_conv_weight_ready(mn_conv *conv, mn_conv_direction direction, const float *weight,
                               void *ready)
{
    const mn_layout *narrow = conv->weights_narrow;
    if (conv->dtype == MN_F32)
        return mn_kernel_reorder_between(conv->weights_plain, weight, conv->weights[direction],
                                         ready, false);
    void *rows = mn_scratch_take(MN_SCRATCH_RESULT, narrow->bytes);
    if (rows == NULL)
        return MN_NO_MEMORY;
    MN_TRY(mn_kernel_reorder_between(conv->weights_plain, weight, narrow, rows, false));
    return mn_kernel_reorder_between(narrow, rows, conv->weights[direction], ready, false);
}

/* --- carrying it out --- */

mn_status mn_conv_forward(mn_conv *conv, const void *x, const void *weight, const float *bias,
                          void *y)
{
    return mn_primitive_run(conv->forward, (const void *[]){x, weight, y, bias});
}

mn_status mn_conv_backward_data(mn_conv *conv, const void *dy, const void *weight, void *dx,
                                bool add)
{
    const bool moves = conv->input_gradient != conv->input;
    void *result =
        add || moves ? mn_scratch_take(MN_SCRATCH_RESULT, conv->input_gradient->bytes) : dx;
    if (result == NULL)
        return MN_NO_MEMORY;
    MN_TRY(mn_primitive_run(conv->backward_data, (const void *[]){result, weight, dy}));
    if (moves)
        return mn_kernel_reorder_between(conv->input_gradient, result, conv->input, dx, add);
    if (add)
        mn_layout_accumulate(conv->input, result, dx);
    return MN_OK;
}

static mn_status widened(const mn_layout *from, const void *x, const mn_layout *to,
                         mn_scratch which, const void **y)
{
    void *memory = mn_scratch_take(which, to->bytes);
    *y = memory;
    return memory != NULL ? mn_kernel_reorder_between(from, x, to, memory, false) : MN_NO_MEMORY;
}

mn_status mn_conv_backward_weights(mn_conv *conv, const void *x, const void *dy, float *dweight,
                                   bool add_weight, float *dbias, bool add_bias)
{
    if (conv->exact != NULL) {
        MN_TRY(widened(conv->input, x, conv->exact->input, MN_SCRATCH_IMAGES, &x));
        MN_TRY(widened(conv->output, dy, conv->exact->output, MN_SCRATCH_SLOPES, &dy));
        conv = conv->exact;
    }
    if (conv->backward_weights == NULL)
        MN_TRY(make_backward_weights(conv));
    const size_t bias_at = (conv->weights_gradient->bytes + 63) / 64 * 64;
    const size_t outputs = (size_t)conv->weight.size[0];
    char *result = mn_scratch_take(MN_SCRATCH_RESULT, bias_at + outputs * sizeof(float));
    if (result == NULL)
        return MN_NO_MEMORY;
    float *bias = (float *)(void *)(result + bias_at);
    MN_TRY(mn_primitive_run(conv->backward_weights, (const void *[]){x, result, dy, bias}));
    if (dbias != NULL)
        mn_kernel_axpby((int64_t)outputs, 1, bias, add_bias ? 1 : 0, dbias);
    if (dweight == NULL)
        return MN_OK;
    return mn_kernel_reorder_between(conv->weights_gradient, result, conv->weights_plain, dweight,
                                     add_weight);
}
