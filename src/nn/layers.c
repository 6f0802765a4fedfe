/* layers.c -- convolutions, norms, attention and the classifier, with PyTorch's names, initial
 * weights (weight and bias uniform in +- 1 / sqrt(inputs that an output sums), norms 1 and 0) and
 * constants. */
#include "base/numbers.h"
#include "nn/initial.h"
#include "nn/network.h"

#include <math.h>
#include <mneme/layers.h>
#include <mneme/ops.h>
#include <stdio.h>
#include <string.h>

static const double norm_momentum = 0.1, norm_epsilon = 1e-5;
static const double encoder_epsilon = 1e-6; /* torchvision's */

enum { NAME = 128, WIDEST = 65536 };

static const mn_layer_start pytorch = {MN_INITIAL_PYTORCH_UNIFORM, MN_INITIAL_PYTORCH_UNIFORM, 0,
                                       false};

static const char *name_of(char name[NAME], const char *prefix, const char *what)
{
    snprintf(name, NAME, "%s.%s", prefix, what);
    return name;
}

mn_status mn_layer_widths(const char *what, const char *text, int64_t widths[MN_MOST_LAYERS],
                          int *count)
{
    int64_t layers;
    MN_TRY(mn_list_wholes(what, text, 1, WIDEST, MN_MOST_LAYERS, widths, &layers));
    *count = (int)layers;
    return MN_OK;
}

mn_status mn_layer_add(mn_network *network, const char *prefix, mn_shape weight,
                       const mn_layer_start *start)
{
    char name[NAME];
    if (start == NULL)
        start = &pytorch;
    MN_TRY(mn_network_parameter_add(network, name_of(name, prefix, "weight"), MN_WEIGHT,
                                    start->head, weight, start->weight));
    if (start->scale != 0)
        mn_network_initial_scale(network, start->scale);
    return mn_network_parameter_add(network, name_of(name, prefix, "bias"), MN_BIAS, start->head,
                                    MN_SHAPE(weight.size[0]), start->bias);
}

mn_status mn_layer_add_linear(mn_network *network, const char *prefix, int64_t inputs,
                              int64_t outputs)
{
    return mn_layer_add(network, prefix, MN_SHAPE(outputs, inputs), NULL);
}

mn_status mn_layer_add_conv(mn_network *network, const char *prefix, int64_t inputs,
                            int64_t outputs, int64_t size)
{
    char name[NAME];
    return mn_network_parameter_add(network, name_of(name, prefix, "weight"), MN_WEIGHT, false,
                                    MN_SHAPE(outputs, inputs, size, size),
                                    MN_INITIAL_PYTORCH_UNIFORM);
}

mn_status mn_layer_add_norm(mn_network *network, const char *prefix, int64_t channels, bool running)
{
    char name[NAME];
    MN_TRY(mn_network_parameter_add(network, name_of(name, prefix, "weight"), MN_NORM_SCALE, false,
                                    MN_SHAPE(channels), MN_INITIAL_ONE));
    MN_TRY(mn_network_parameter_add(network, name_of(name, prefix, "bias"), MN_NORM_SHIFT, false,
                                    MN_SHAPE(channels), MN_INITIAL_ZERO));
    if (!running)
        return MN_OK;
    MN_TRY(mn_network_statistic_add(network, name_of(name, prefix, "running_mean"),
                                    MN_SHAPE(channels), 0));
    return mn_network_statistic_add(network, name_of(name, prefix, "running_var"),
                                    MN_SHAPE(channels), 1);
}

mn_status mn_layer_add_conv_norm(mn_network *network, const char *prefix, const char *conv,
                                 const char *norm, int64_t inputs, int64_t outputs, int64_t size)
{
    char name[NAME];
    MN_TRY(mn_layer_add_conv(network, name_of(name, prefix, conv), inputs, outputs, size));
    return mn_layer_add_norm(network, name_of(name, prefix, norm), outputs, true);
}

mn_status mn_layer_add_equalised(mn_network *network, const char *prefix, mn_shape weight,
                                 double rate, mn_initial bias)
{
    const mn_layer_start start = {.weight = MN_INITIAL_NORMAL, .bias = bias, .scale = 1 / rate};
    return mn_layer_add(network, prefix, weight, &start);
}

mn_status mn_layer_add_patches(mn_network *network, const char *prefix, int64_t width, int64_t size)
{
    MN_TRY(mn_layer_check_images(network));
    const int64_t channels = mn_network_spec_of(network)->input.size[0];
    const mn_layer_start start = {.weight = MN_INITIAL_NORMAL,
                                  .bias = MN_INITIAL_ZERO,
                                  .scale = 1 / sqrt((double)(channels * size * size))};
    return mn_layer_add(network, prefix, MN_SHAPE(width, channels, size, size), &start);
}

mn_status mn_layer_add_attention(mn_network *network, const char *prefix, int64_t width)
{
    char name[NAME];
    MN_TRY(mn_network_parameter_add(network, name_of(name, prefix, "in_proj_weight"), MN_WEIGHT,
                                    false, MN_SHAPE(3 * width, width), MN_INITIAL_XAVIER_UNIFORM));
    MN_TRY(mn_network_parameter_add(network, name_of(name, prefix, "in_proj_bias"), MN_BIAS, false,
                                    MN_SHAPE(3 * width), MN_INITIAL_ZERO));
    mn_layer_start start = pytorch;
    start.bias = MN_INITIAL_ZERO;
    return mn_layer_add(network, name_of(name, prefix, "out_proj"), MN_SHAPE(width, width), &start);
}

mn_status mn_layer_add_embedding(mn_network *network, const char *token, const char *positions,
                                 int64_t rows, int64_t width)
{
    const double deviation = 0.02;
    MN_TRY(mn_network_parameter_add(network, token, MN_WEIGHT, false, MN_SHAPE(1, 1, width),
                                    MN_INITIAL_NORMAL));
    mn_network_initial_scale(network, deviation);
    MN_TRY(mn_network_parameter_add(network, positions, MN_WEIGHT, false,
                                    MN_SHAPE(1, rows + 1, width), MN_INITIAL_NORMAL));
    mn_network_initial_scale(network, deviation);
    return MN_OK;
}

static mn_status add_mlp_linear(mn_network *network, const char *prefix, int64_t inputs,
                                int64_t outputs)
{
    const double deviation = 1e-6;
    const mn_layer_start start = {MN_INITIAL_XAVIER_UNIFORM, MN_INITIAL_NORMAL, 0, false};
    MN_TRY(mn_layer_add(network, prefix, MN_SHAPE(outputs, inputs), &start));
    mn_network_initial_scale(network, deviation);
    return MN_OK;
}

mn_status mn_layer_add_mlp(mn_network *network, const char *prefix, int64_t width, int64_t hidden)
{
    char name[NAME];
    MN_TRY(add_mlp_linear(network, name_of(name, prefix, "0"), width, hidden));
    return add_mlp_linear(network, name_of(name, prefix, "3"), hidden, width);
}

mn_status mn_layer_add_encoder(mn_network *network, const char *prefix, int64_t width,
                               int64_t hidden)
{
    char name[NAME];
    MN_TRY(mn_layer_add_norm(network, name_of(name, prefix, "ln_1"), width, false));
    MN_TRY(mn_layer_add_attention(network, name_of(name, prefix, "self_attention"), width));
    MN_TRY(mn_layer_add_norm(network, name_of(name, prefix, "ln_2"), width, false));
    return mn_layer_add_mlp(network, name_of(name, prefix, "mlp"), width, hidden);
}

mn_status mn_layer_check_images(const mn_network *network)
{
    const mn_network_spec *spec = mn_network_spec_of(network);
    char text[64];
    if (spec->input.rank != 3)
        return mn_fail(MN_BAD_SHAPE,
                       "network '%s': inputs are %s, expected images (channels, height, width)",
                       spec->type, mn_shape_text(spec->input, text));
    return MN_OK;
}

/* --- forward ---------------------------------------------------------------------------------- */

mn_var *mn_layer_next(mn_walk *walk, mn_var *x)
{
    return mn_network_leaf(walk->network, walk->parameter++, x, walk->mode);
}

/* Zeros above and below, or left and right, of x (B,C,H,W). */
static mn_var *padded(mn_var *x, int axis, int64_t before, int64_t after)
{
    mn_shape shape = mn_shape_of(x);
    mn_var *parts[3];
    int n = 0;
    if (before + after == 0)
        return x;
    shape.size[axis] = before;
    if (before > 0)
        parts[n++] = mn_zeros(mn_tape_of(x), shape);
    parts[n++] = x;
    shape.size[axis] = after;
    if (after > 0)
        parts[n++] = mn_zeros(mn_tape_of(x), shape);
    return mn_concat(parts, n, axis);
}

/* The zeros that SAME puts around an axis of `size` for windows of `window`. */
static int64_t zeros_of_same(int64_t size, int64_t window, int64_t stride)
{
    const int64_t last = (size - 1) / stride * stride; /* where the last window begins */
    return last + window > size ? last + window - size : 0;
}

/* x with the zeros of SAME; where all four sides get as many, x itself and *padding for each. */
static mn_var *padded_same(mn_var *x, mn_shape weight, int64_t stride, int64_t *padding)
{
    const mn_shape shape = mn_shape_of(x);
    const int64_t tall = zeros_of_same(shape.size[2], weight.size[2], stride);
    const int64_t wide = zeros_of_same(shape.size[3], weight.size[3], stride);
    *padding = tall == wide && tall % 2 == 0 ? tall / 2 : 0;
    if (2 * *padding == tall && tall == wide)
        return x;
    return padded(padded(x, 2, tall / 2, tall - tall / 2), 3, wide / 2, wide - wide / 2);
}

static mn_var *convolved(mn_var *x, mn_var *weight, mn_var *bias, int64_t stride, int64_t padding)
{
    const mn_shape shape = mn_shape_of(x), filters = mn_shape_of(weight);
    int64_t groups = 1;
    if (shape.rank == 4 && filters.rank == 4 && shape.size[1] % filters.size[1] == 0)
        groups = shape.size[1] / filters.size[1];
    if (padding == MN_PADDING_SAME && shape.rank == 4 && filters.rank == 4 && stride > 0)
        x = padded_same(x, filters, stride, &padding);
    return mn_conv2d(x, weight, bias, stride, padding, groups);
}

mn_var *mn_layer_conv(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding)
{
    return convolved(x, mn_layer_next(walk, x), NULL, stride, padding);
}

mn_var *mn_layer_conv_with_bias(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding)
{
    mn_var *weight = mn_layer_next(walk, x), *bias = mn_layer_next(walk, x);
    return convolved(x, weight, bias, stride, padding);
}

static mn_norm_mode norm_mode_of(mn_mode mode)
{
    if ((mode & MN_EVAL) != 0)
        return MN_NORM_RUNNING;
    return (mode & MN_TRAIN_FROZEN) != 0 ? MN_NORM_BATCH_FROZEN : MN_NORM_BATCH;
}

typedef struct norm { /* what a norm takes from the network */
    mn_var *scale, *shift;
    mn_tensor *mean, *variance;
    mn_norm_mode mode;
} norm;

static norm next_norm(mn_walk *walk, mn_var *x)
{
    norm n = {.mode = norm_mode_of(walk->mode)};
    n.scale = mn_layer_next(walk, x);
    n.shift = mn_layer_next(walk, x);
    mn_network_map_into_norm(walk->network, x, walk->statistic, walk->mode);
    n.mean = mn_network_statistic(walk->network, walk->statistic++, NULL);
    n.variance = mn_network_statistic(walk->network, walk->statistic++, NULL);
    return n;
}

mn_var *mn_layer_batch_norm(mn_walk *walk, mn_var *x)
{
    const norm n = next_norm(walk, x);
    return (mn_shape_of(x).rank == 2 ? mn_batch_norm : mn_batch_norm_2d)(
        x, n.scale, n.shift, n.mean, n.variance, n.mode, norm_momentum, norm_epsilon);
}

mn_var *mn_layer_batch_norm_relu(mn_walk *walk, mn_var *x)
{
    const norm n = next_norm(walk, x);
    return mn_batch_norm_relu_2d(x, n.scale, n.shift, n.mean, n.variance, n.mode, norm_momentum,
                                 norm_epsilon);
}

mn_var *mn_layer_batch_norm_add_relu(mn_walk *walk, mn_var *x, mn_var *residual)
{
    const norm n = next_norm(walk, x);
    return mn_batch_norm_add_relu_2d(x, n.scale, n.shift, residual, n.mean, n.variance, n.mode,
                                     norm_momentum, norm_epsilon);
}

mn_var *mn_layer_conv_norm(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding)
{
    mn_var *made = mn_layer_conv(walk, x, stride, padding);
    mn_var *y = mn_layer_batch_norm(walk, made);
    mn_release(made);
    return y;
}

mn_var *mn_layer_conv_norm_relu(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding)
{
    mn_var *made = mn_layer_conv(walk, x, stride, padding);
    mn_var *y = mn_layer_batch_norm_relu(walk, made);
    mn_release(made);
    return y;
}

mn_var *mn_layer_conv_norm_add_relu(mn_walk *walk, mn_var *x, mn_var *residual, int64_t stride,
                                    int64_t padding)
{
    mn_var *made = mn_layer_conv(walk, x, stride, padding);
    mn_var *y = mn_layer_batch_norm_add_relu(walk, made, residual);
    mn_release(made);
    return y;
}

mn_var *mn_layer_instance_norm(mn_walk *walk, mn_var *x)
{
    mn_var *scale = mn_layer_next(walk, x), *shift = mn_layer_next(walk, x);
    return mn_instance_norm_2d(x, scale, shift, norm_epsilon);
}

mn_var *mn_layer_group_norm(mn_walk *walk, mn_var *x, int64_t groups)
{
    mn_var *scale = mn_layer_next(walk, x), *shift = mn_layer_next(walk, x);
    return mn_group_norm_2d(x, groups, scale, shift, norm_epsilon);
}

/* Rows of any shape are the rows of one matrix. */
static mn_var *as_matrix(mn_var *x)
{
    mn_shape shape = mn_shape_of(x);
    if (shape.rank <= 2)
        return x;
    const int last = shape.rank - 1;
    const int64_t inputs = shape.size[last];
    shape.size[last] = 1;
    return mn_reshape(x, MN_SHAPE(mn_shape_count(shape), inputs));
}

static mn_var *linear_of_rows(mn_var *x, mn_var *weight, mn_var *bias)
{
    mn_shape shape = mn_shape_of(x);
    if (shape.rank <= 2)
        return mn_linear(x, weight, bias);
    shape.size[shape.rank - 1] = mn_rows_of(weight);
    return mn_reshape(mn_linear(as_matrix(x), weight, bias), shape);
}

mn_var *mn_layer_linear(mn_walk *walk, mn_var *x)
{
    mn_var *weight = mn_layer_next(walk, x), *bias = mn_layer_next(walk, x);
    return linear_of_rows(x, weight, bias);
}

mn_var *mn_layer_linear_without_bias(mn_walk *walk, mn_var *x)
{
    return linear_of_rows(x, mn_layer_next(walk, x), NULL);
}

mn_var *mn_layer_row_norm(mn_walk *walk, mn_var *x, double epsilon)
{
    mn_var *scale = mn_layer_next(walk, x), *shift = mn_layer_next(walk, x);
    return mn_layer_norm(x, scale, shift, epsilon);
}

mn_var *mn_layer_equalised(mn_walk *walk, mn_var *x, double gain, double rate)
{
    mn_var *weight = mn_layer_next(walk, x), *bias = mn_layer_next(walk, x);
    const mn_shape shape = mn_shape_of(weight);
    const double inputs = (double)mn_initial_fan_in(shape);
    weight = mn_scale(weight, gain * rate / sqrt(inputs));
    bias = rate == 1 ? bias : mn_scale(bias, rate);
    return shape.rank == 4 ? convolved(x, weight, bias, 1, MN_PADDING_SAME)
                           : linear_of_rows(x, weight, bias);
}

/* --- at random -------------------------------------------------------------------------------- */

/* Whether a layer drops anything, and by which key. */
static bool drops(mn_walk *walk, mn_var *x, double rate, mn_key *key)
{
    if (rate == 0 || (walk->mode & MN_EVAL) != 0)
        return false;
    if (!mn_network_draw(walk->network, key))
        (void)mn_tape_refuse(mn_tape_of(x), "dropout",
                             mn_fail(MN_OUT_OF_ORDER,
                                     "a forward that drops at random has no key; use mn_forward(), "
                                     "or mn_network_key_next() before it"));
    return true;
}

mn_var *mn_layer_dropout(mn_walk *walk, mn_var *x, double rate)
{
    mn_key key = {{0}};
    return drops(walk, x, rate, &key) ? mn_dropout(x, rate, key) : x;
}

mn_var *mn_layer_residual(mn_walk *walk, mn_var *x, mn_var *branch, double rate)
{
    mn_key key = {{0}};
    return mn_add(x, drops(walk, x, rate, &key) ? mn_drop_rows(branch, rate, key) : branch);
}

/* --- transformers ----------------------------------------------------------------------------- */

mn_var *mn_layer_patches(mn_walk *walk, mn_var *x, int64_t size)
{
    mn_var *maps = mn_layer_conv_with_bias(walk, x, size, 0); /* (B,D,H',W') */
    const mn_shape shape = mn_shape_of(maps);
    const int64_t rows = shape.size[2] * shape.size[3];
    mn_var *flat = mn_reshape(maps, MN_SHAPE(shape.size[0], shape.size[1], rows));
    return mn_permute(flat, (int[]){0, 2, 1});
}

mn_var *mn_layer_embedding(mn_walk *walk, mn_var *x)
{
    const mn_shape shape = mn_shape_of(x);
    mn_var *token = mn_layer_next(walk, x), *positions = mn_layer_next(walk, x);
    mn_var *none = mn_zeros(mn_tape_of(x), MN_SHAPE(shape.size[0], 1, shape.size[2]));
    mn_var *first = mn_broadcast_add(none, token);
    return mn_broadcast_add(mn_concat((mn_var *[]){first, x}, 2, 1), positions);
}

/* The joint projection of queries, keys and values has a bias, or the output's weight follows. */
static mn_var *projected(mn_walk *walk, mn_var *x)
{
    const mn_parameter *second = mn_network_parameter(walk->network, walk->parameter + 1);
    return second != NULL && second->kind == MN_BIAS ? mn_layer_linear(walk, x)
                                                     : mn_layer_linear_without_bias(walk, x);
}

/* softmax(q k^T / sqrt(depth)) v of `joint` (B T,3 heads depth) -> (B heads,T,depth); `first` is
 * the attention's first parameter. */
static mn_var *attended(mn_walk *walk, int first, mn_var *joint, mn_shape rows, int64_t heads)
{
    const int64_t depth = rows.size[2] / heads;
    mn_var *apart =
        mn_permute(mn_reshape(joint, MN_SHAPE(rows.size[0], rows.size[1], 3, heads, depth)),
                   (int[]){2, 0, 3, 1, 4}); /* (3,B,heads,T,depth) */
    mn_release(joint);
    mn_var *part[3];
    for (int i = 0; i < 3; i++)
        part[i] =
            mn_reshape(mn_rows(apart, i, 1), MN_SHAPE(rows.size[0] * heads, rows.size[1], depth));
    mn_var *queries = mn_scale(part[0], 1 / sqrt((double)depth));
    mn_var *scores = mn_batched_matmul(queries, part[1], false, true); /* (B heads,T,T) */
    mn_network_map_attention(walk->network, scores, MN_MAP_SCORES, first, heads, walk->mode);
    mn_var *share = mn_softmax(scores);
    mn_release(scores);
    mn_var *seen = mn_batched_matmul(share, part[2], false, false);
    mn_network_map_attention(walk->network, seen, MN_MAP_HEADS, first, heads, walk->mode);
    mn_release(share);
    mn_release(queries);
    mn_release(apart);
    return seen;
}

mn_var *mn_layer_attention(mn_walk *walk, mn_var *x, int64_t heads)
{
    const mn_shape shape = mn_shape_of(x);
    const int64_t width = shape.rank == 3 ? shape.size[2] : 0;
    if (heads < 1 || width == 0 || width % heads != 0)
        return mn_tape_refuse(mn_tape_of(x), "attention",
                              mn_fail(MN_BAD_SHAPE,
                                      "%lld heads of width %lld, which they must divide",
                                      (long long)heads, (long long)width));
    const int first = walk->parameter;
    mn_var *seen = attended(walk, first, projected(walk, as_matrix(x)), shape, heads);
    mn_var *apart = mn_reshape(seen, MN_SHAPE(shape.size[0], heads, shape.size[1], width / heads));
    mn_var *together = mn_permute(apart, (int[]){0, 2, 1, 3});
    mn_release(seen);
    return mn_layer_linear(walk, mn_reshape(together, shape));
}

mn_var *mn_layer_mlp(mn_walk *walk, mn_var *x)
{
    mn_shape shape = mn_shape_of(x);
    mn_var *inner = mn_layer_linear(walk, as_matrix(x)), *active = mn_gelu(inner);
    mn_release(inner);
    mn_var *y = mn_layer_linear(walk, active);
    mn_release(active);
    if (shape.rank > 0)
        shape.size[shape.rank - 1] = mn_shape_of(y).size[1];
    return mn_reshape(y, shape);
}

mn_var *mn_layer_encoder(mn_walk *walk, mn_var *x, int64_t heads, double rate)
{
    mn_var *seen = mn_layer_attention(walk, mn_layer_row_norm(walk, x, encoder_epsilon), heads);
    x = mn_layer_residual(walk, x, seen, rate);
    mn_var *inner = mn_layer_mlp(walk, mn_layer_row_norm(walk, x, encoder_epsilon));
    return mn_layer_residual(walk, x, inner, rate);
}

void mn_layer_map(mn_forwarded *out, const char *prefix, int index, mn_var *x)
{
    char name[NAME];
    snprintf(name, sizeof name, "%s%d", prefix, index + 1);
    mn_network_map_add(out, name, x);
}
