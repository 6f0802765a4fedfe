/* ops.c -- every op of ops.h, losses.h and image_ops.h under the name it has there. */
#include "tests/parity/driver.h"

#include <mneme/image_ops.h>
#include <mneme/losses.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_INPUTS = 4, MOST_ROWS = 256 };

typedef struct op_case {
    mn_var *x[MOST_INPUTS];
    int inputs;
    double a, b; /* parameters, as PyTorch's side named them */
    int64_t first, count, axis;
    int axes[MOST_ROWS];
    mn_shape shape;
    int64_t index[MOST_ROWS];
    int32_t labels[MOST_ROWS];
    bool keep[MOST_ROWS];
    int listed; /* how many of index, labels or keep */
    int64_t stride, padding, groups, size, height, width;
    bool align;
    mn_tensor *running[2]; /* mean, variance */
    mn_norm_mode norm;
} op_case;

/* --- the ops ---------------------------------------------------------------------------------- */

/* sum of softplus(x w): its gradient with respect to x depends on x and on w. */
static mn_var *curved(mn_var *x, void *context)
{
    mn_var *const *inputs = context;
    return mn_sum(mn_softplus(mn_matmul(x, inputs[1])));
}

static mn_var *squared(mn_var *gradient, void *context)
{
    (void)context;
    return mn_sum(mn_square(gradient));
}

#define OPS(X)                                                                                     \
    X(add, mn_add(c->x[0], c->x[1]))                                                               \
    X(sub, mn_sub(c->x[0], c->x[1]))                                                               \
    X(mul, mn_mul(c->x[0], c->x[1]))                                                               \
    X(scale, mn_scale(c->x[0], c->a))                                                              \
    X(shift, mn_shift(c->x[0], c->a))                                                              \
    X(axpby, mn_axpby(c->a, c->x[0], c->b, c->x[1]))                                               \
    X(matmul, mn_matmul(c->x[0], c->x[1]))                                                         \
    X(linear, mn_linear(c->x[0], c->x[1], c->x[2]))                                                \
    X(relu, mn_relu(c->x[0]))                                                                      \
    X(leaky_relu, mn_leaky_relu(c->x[0], c->a))                                                    \
    X(square, mn_square(c->x[0]))                                                                  \
    X(sqrt, mn_sqrt(c->x[0]))                                                                      \
    X(exp, mn_exp(c->x[0]))                                                                        \
    X(log, mn_log(c->x[0]))                                                                        \
    X(clamp, mn_clamp(c->x[0], c->a, c->b))                                                        \
    X(threshold, mn_threshold(c->x[0], c->a))                                                      \
    X(soft_neighbours, mn_soft_neighbours(c->x[0], c->x[1], c->x[2], c->a))                        \
    X(sharpen, mn_sharpen(c->x[0], c->a))                                                          \
    X(smooth_labels, mn_smooth_labels(c->x[0], c->a))                                              \
    X(soft_cross_entropy, mn_soft_cross_entropy(c->x[0], c->x[1]))                                 \
    X(mean_negentropy, mn_mean_negentropy(c->x[0]))                                                \
    X(hinge, mn_hinge(c->x[0], c->a))                                                              \
    X(sigmoid, mn_sigmoid(c->x[0]))                                                                \
    X(softplus, mn_softplus(c->x[0]))                                                              \
    X(abs, mn_abs(c->x[0]))                                                                        \
    X(channel_affine, mn_channel_affine(c->x[0], c->x[1], c->x[2]))                                \
    X(warp, mn_warp(c->x[0], mn_detach(c->x[1])))                                                  \
    X(warp_zeros, mn_warp_zeros(c->x[0], mn_detach(c->x[1])))                                      \
    X(brightness, mn_brightness(c->x[0], c->x[1]))                                                 \
    X(saturation, mn_saturation(c->x[0], c->x[1]))                                                 \
    X(contrast, mn_contrast(c->x[0], c->x[1]))                                                     \
    X(shift_images, mn_shift_images(c->x[0], c->index, c->listed / 2))                             \
    X(cutout, mn_cutout(c->x[0], c->index, c->listed / 2, c->count))                               \
    X(normalise_images, mn_normalise_images(c->x[0], mn_host(c->x[1]), mn_host(c->x[2])))          \
    X(row_argmax, mn_row_argmax(c->x[0]))                                                          \
    X(row_ranks, mn_row_ranks(c->x[0]))                                                            \
    X(histogram_rows, mn_histogram_rows(c->x[0], c->count))                                        \
    X(mix_channels, mn_mix_channels(c->x[0], mn_detach(c->x[1])))                                  \
    X(loss_of_gradient, mn_loss_of_gradient(curved, squared, c->x, c->x[0]))                       \
    X(mask_columns, mn_mask_columns(c->x[0], c->keep, c->a))                                       \
    X(binary_cross_entropy, mn_binary_cross_entropy(c->x[0], c->x[1]))                             \
    X(sum, mn_sum(c->x[0]))                                                                        \
    X(mean, mn_mean(c->x[0]))                                                                      \
    X(row_sum, mn_row_sum(c->x[0]))                                                                \
    X(row_max, mn_row_max(c->x[0]))                                                                \
    X(row_top, mn_row_top(c->x[0], 3))                                                             \
    X(softmax, mn_softmax(c->x[0]))                                                                \
    X(log_softmax, mn_log_softmax(c->x[0]))                                                        \
    X(row_normalise, mn_row_normalise(c->x[0]))                                                    \
    X(cosines, mn_cosines(c->x[0], c->x[1]))                                                       \
    X(row_norm, mn_row_norm(c->x[0]))                                                              \
    X(gelu, mn_gelu(c->x[0]))                                                                      \
    X(gelu_tanh, mn_gelu_tanh(c->x[0]))                                                            \
    X(permute, mn_permute(c->x[0], c->axes))                                                       \
    X(broadcast_add, mn_broadcast_add(c->x[0], c->x[1]))                                           \
    X(broadcast_mul, mn_broadcast_mul(c->x[0], c->x[1]))                                           \
    X(sum_axis, mn_sum_axis(c->x[0], (int)c->axis))                                                \
    X(mean_axis, mn_mean_axis(c->x[0], (int)c->axis))                                              \
    X(variance_axis, mn_variance_axis(c->x[0], (int)c->axis, c->b > 0))                            \
    X(slice, mn_slice(c->x[0], (int)c->axis, c->first, c->count))                                  \
    X(concat, mn_concat(c->x, c->inputs, (int)c->axis))                                            \
    X(batched_matmul, mn_batched_matmul(c->x[0], c->x[1], c->a > 0, c->b > 0))                     \
    X(layer_norm, mn_layer_norm(c->x[0], c->x[1], c->x[2], c->b))                                  \
    X(mask_elements, mn_mask_elements(c->x[0], c->keep, c->a))                                     \
    X(row_distance, mn_row_distance(c->x[0], c->x[1]))                                             \
    X(reshape, mn_reshape(c->x[0], c->shape))                                                      \
    X(transpose, mn_transpose(c->x[0]))                                                            \
    X(rows, mn_rows(c->x[0], c->first, c->count))                                                  \
    X(columns, mn_columns(c->x[0], c->first, c->count))                                            \
    X(concat_rows, mn_concat_rows(c->x, c->inputs))                                                \
    X(concat_columns, mn_concat_columns(c->x, c->inputs))                                          \
    X(gather_rows, mn_gather_rows(c->x[0], c->index, c->listed))                                   \
    X(rows_where, mn_rows_where(c->x[0], c->keep))                                                 \
    X(detach, mn_mul(c->x[0], mn_detach(c->x[0])))                                                 \
    X(cross_entropy, mn_cross_entropy(c->x[0], c->labels))                                         \
    X(cross_entropy_columns, mn_cross_entropy_columns(c->x[0], c->labels, c->first, c->count))     \
    X(mse, mn_mse(c->x[0], c->x[1]))                                                               \
    X(kl, mn_kl(c->x[0], c->x[1], c->a))                                                           \
    X(supervised_contrastive, mn_supervised_contrastive(c->x[0], c->labels, c->a))                 \
    X(triplets, mn_triplets(c->x[0], c->labels, c->count, c->a, c->b > 0))                         \
    X(implant, mn_implant(c->x[0], c->x[1], c->labels, c->first, c->count, c->a, c->b > 0))        \
    X(simplex, mn_mul(c->x[0], mn_simplex(mn_tape_of(c->x[0]), c->count)))                         \
    X(gradient_of, mn_gradient_of(mn_sum(mn_mul(mn_exp(c->x[0]), c->x[1])), c->x[0]))              \
    X(batch_norm,                                                                                  \
      mn_batch_norm(c->x[0], c->x[1], c->x[2], c->running[0], c->running[1], c->norm, c->a, c->b)) \
    X(conv2d, mn_conv2d(c->x[0], c->x[1], c->x[2], c->stride, c->padding, c->groups))              \
    X(batch_norm_2d, mn_batch_norm_2d(c->x[0], c->x[1], c->x[2], c->running[0], c->running[1],     \
                                      c->norm, c->a, c->b))                                        \
    X(batch_norm_relu_2d, mn_batch_norm_relu_2d(c->x[0], c->x[1], c->x[2], c->running[0],          \
                                                c->running[1], c->norm, c->a, c->b))               \
    X(batch_norm_add_relu_2d,                                                                      \
      mn_batch_norm_add_relu_2d(c->x[0], c->x[1], c->x[2], c->x[3], c->running[0], c->running[1],  \
                                c->norm, c->a, c->b))                                              \
    X(instance_norm_2d, mn_instance_norm_2d(c->x[0], c->x[1], c->x[2], c->b))                      \
    X(group_norm_2d, mn_group_norm_2d(c->x[0], c->groups, c->x[1], c->x[2], c->b))                 \
    X(add_relu, mn_add_relu(c->x[0], c->x[1]))                                                     \
    X(max_pool_2d, mn_max_pool_2d(c->x[0], c->size, c->stride, c->padding))                        \
    X(average_pool_2d, mn_average_pool_2d(c->x[0], c->size, c->stride, c->padding))                \
    X(global_average_pool, mn_global_average_pool(c->x[0]))                                        \
    X(upsample_nearest, mn_upsample_nearest(c->x[0], c->height, c->width))                         \
    X(dropout, mn_dropout(c->x[0], c->a, mn_key_of(7, "dropped")))                                 \
    X(drop_rows, mn_drop_rows(c->x[0], c->a, mn_key_of(7, "dropped")))                             \
    X(upsample_bilinear, mn_upsample_bilinear(c->x[0], c->height, c->width, c->align))

#define X(name, expression)                                                                        \
    static mn_var *apply_##name(op_case *c)                                                        \
    {                                                                                              \
        return expression;                                                                         \
    }
OPS(X)
#undef X

static const struct {
    const char *name;
    mn_var *(*apply)(op_case *c);
} ops[] = {
#define X(name, expression) {#name, apply_##name},
    OPS(X)
#undef X
};

/* --- reading a case --------------------------------------------------------------------------- */

static double number_of(const cJSON *described, const char *name)
{
    const cJSON *number = cJSON_GetObjectItem(described, name);
    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

static mn_status read_list(const cJSON *described, op_case *c)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(described, "list"))
    {
        if (c->listed == MOST_ROWS)
            return mn_fail(MN_BAD_VALUE, "a list of more than %d", MOST_ROWS);
        c->index[c->listed] = (int64_t)entry->valuedouble;
        c->axes[c->listed] = (int)entry->valuedouble;
        c->labels[c->listed] = (int32_t)entry->valuedouble;
        c->keep[c->listed++] = entry->valuedouble > 0;
    }
    return MN_OK;
}

static mn_status read_parameters(const exchange *e, const cJSON *described, op_case *c)
{
    static const mn_norm_mode norms[] = {MN_NORM_BATCH, MN_NORM_BATCH_FROZEN, MN_NORM_RUNNING};
    const double norm = number_of(described, "norm");
    c->a = number_of(described, "a");
    c->b = number_of(described, "b");
    c->first = (int64_t)number_of(described, "first");
    c->count = (int64_t)number_of(described, "count");
    c->axis = (int64_t)number_of(described, "axis");
    c->norm = norms[norm > 1 ? 2 : norm > 0 ? 1 : 0];
    c->stride = (int64_t)number_of(described, "stride");
    c->padding = (int64_t)number_of(described, "padding");
    c->groups = (int64_t)number_of(described, "groups");
    c->size = (int64_t)number_of(described, "size");
    c->height = (int64_t)number_of(described, "height");
    c->width = (int64_t)number_of(described, "width");
    c->align = number_of(described, "align") > 0;
    MN_TRY(exchange_shape(described, &c->shape));
    MN_TRY(read_list(described, c));
    const cJSON *running = cJSON_GetObjectItem(described, "running");
    for (int i = 0; i < 2 && running != NULL; i++)
        MN_TRY(exchange_tensor(e, cJSON_GetArrayItem(running, i), &c->running[i]));
    return MN_OK;
}

static mn_status read_tensors(const exchange *e, const cJSON *list, mn_tensor *values[MOST_INPUTS],
                              mn_tensor *gradients[MOST_INPUTS], int *count)
{
    const cJSON *described;
    cJSON_ArrayForEach(described, list)
    {
        if (*count == MOST_INPUTS)
            return mn_fail(MN_BAD_VALUE, "more than %d inputs", MOST_INPUTS);
        const int i = (*count)++;
        MN_TRY(exchange_tensor(e, described, &values[i]));
        MN_TRY(mn_tensor_new(MN_F32, mn_tensor_shape(values[i]), &gradients[i]));
    }
    return MN_OK;
}

/* --- carrying it out -------------------------------------------------------------------------- */

static mn_status apply_named(const char *name, op_case *c, mn_var **output)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(ops[i].name, name) == 0) {
            *output = ops[i].apply(c);
            return mn_tape_status(mn_tape_of(*output));
        }
    return mn_fail(MN_NOT_FOUND, "the driver knows no op '%s'", name);
}

/* Forward, and backward from sum(upstream * output). */
static mn_status differentiate(exchange *e, const cJSON *described, op_case *c, cJSON *result)
{
    mn_var *output = NULL;
    mn_shape shape;
    const float *upstream;
    const cJSON *name = cJSON_GetObjectItem(described, "op");
    MN_TRY(apply_named(cJSON_IsString(name) ? name->valuestring : "", c, &output));
    MN_TRY(exchange_put(e, cJSON_AddArrayToObject(result, "output"), mn_shape_of(output),
                        mn_host(output)));
    const cJSON *given = cJSON_GetObjectItem(described, "upstream");
    if (given == NULL) /* of what is a constant */
        return MN_OK;
    MN_TRY(exchange_floats(e, given, &shape, &upstream));
    mn_var *weights = mn_input(mn_tape_of(output), shape, upstream, false);
    return mn_backward(mn_sum(mn_mul(output, weights)));
}

static mn_status run_on_tape(exchange *e, const cJSON *described, op_case *c,
                             mn_tensor *values[MOST_INPUTS], mn_tensor *gradients[MOST_INPUTS],
                             cJSON *result)
{
    mn_tape *tape;
    MN_TRY(mn_tape_new(&tape));
    for (int i = 0; i < c->inputs; i++)
        c->x[i] = mn_leaf(tape, values[i], gradients[i]);
    const cJSON *differentiable = cJSON_GetObjectItem(described, "input_is_differentiable");
    if (differentiable != NULL) { /* gradient_of asks an input, not a leaf */
        mn_shape shape;
        const float *floats;
        const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(described, "inputs"), 0);
        if (exchange_floats(e, first, &shape, &floats) == MN_OK)
            c->x[0] = mn_input(tape, shape, floats, true);
    }
    mn_status status = differentiate(e, described, c, result);
    if (status == MN_OK)
        status = mn_tape_status(tape);
    else if (mn_tape_status(tape) != MN_OK)
        status = mn_fail(status, "%s", mn_tape_error(tape));
    mn_tape_free(tape);
    return status;
}

mn_status parity_op(exchange *e, const cJSON *described, cJSON *result)
{
    mn_tensor *values[MOST_INPUTS] = {NULL}, *gradients[MOST_INPUTS] = {NULL};
    op_case c = {.inputs = 0};
    mn_status status =
        read_tensors(e, cJSON_GetObjectItem(described, "inputs"), values, gradients, &c.inputs);
    if (status == MN_OK)
        status = read_parameters(e, described, &c);
    if (status == MN_OK)
        status = run_on_tape(e, described, &c, values, gradients, result);
    cJSON *list = cJSON_AddArrayToObject(result, "gradients");
    for (int i = 0; i < c.inputs && status == MN_OK; i++)
        status = exchange_put_tensor(e, list, gradients[i]);
    list = cJSON_AddArrayToObject(result, "statistics");
    for (int i = 0; i < 2 && c.running[i] != NULL && status == MN_OK; i++)
        status = exchange_put_tensor(e, list, c.running[i]);
    for (int i = 0; i < MOST_INPUTS; i++) {
        mn_tensor_free(values[i]);
        mn_tensor_free(gradients[i]);
    }
    mn_tensor_free(c.running[0]);
    mn_tensor_free(c.running[1]);
    return status;
}
