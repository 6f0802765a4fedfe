/* early_conv_vit.c -- a vision transformer whose rows are what four convolutions make of an image,
 * as in Pelosin's thesis (after Xiao et al. 2021).
 *
 * Each 3x3 convolution of stride 2 halves the image, 24, 48, 96 and 196 channels wide; a 1x1
 * convolution brings them to the width of a row.  There is neither norm nor activation between
 * them: together they are one linear map.  Blocks are pre-norm, their joint projection has no bias,
 * and no norm follows the last; `features` is the class token.  Positions and token begin as N(0,
 * 1).  Names are those of the authors' code, but for the classifier: conv_layers.0.0,
 * conv_layers.conv_1x1, transformer.layers.0.0.fn.to_qkv, ...
 */
#include <mneme/layers.h>
#include <stdio.h>

enum { CONVOLUTIONS = 4, NAME = 64 };
static const int64_t channels[CONVOLUTIONS] = {24, 48, 96, 196};
static const double epsilon = 1e-5;

typedef struct early_options {
    int64_t width, depth, heads, hidden;
    mn_head head;
} early_options;

static const mn_option options[] = {
    MN_INT(early_options, width, 768, 1, 4096, "width of a row"),
    MN_INT(early_options, depth, 12, 1, 256, "blocks"),
    MN_INT(early_options, heads, 12, 1, 256, "heads, which divide the width"),
    MN_INT(early_options, hidden, 2048, 1, 65536, "width between the linear layers of an MLP"),
    MN_HEAD_OPTIONS(early_options, head),
    MN_END,
};

static mn_status add_stem(mn_network *network, int64_t width)
{
    int64_t inputs = mn_network_spec_of(network)->input.size[0];
    for (int i = 0; i < CONVOLUTIONS; i++) {
        char name[NAME];
        snprintf(name, sizeof name, "conv_layers.%d.0", i);
        MN_TRY(mn_layer_add(network, name, MN_SHAPE(channels[i], inputs, 3, 3), NULL));
        inputs = channels[i];
    }
    return mn_layer_add(network, "conv_layers.conv_1x1", MN_SHAPE(width, inputs, 1, 1), NULL);
}

/* Layers of block i: "transformer.layers.0.1.fn.net.0". */
static const char *name_of(char name[NAME], int64_t i, const char *layer)
{
    snprintf(name, NAME, "transformer.layers.%lld.%s", (long long)i, layer);
    return name;
}

static mn_status add_block(mn_network *network, int64_t i, const early_options *o)
{
    char name[NAME];
    MN_TRY(mn_layer_add_norm(network, name_of(name, i, "0.norm"), o->width, false));
    MN_TRY(mn_network_parameter_add(network, name_of(name, i, "0.fn.to_qkv.weight"), MN_WEIGHT,
                                    false, MN_SHAPE(3 * o->width, o->width),
                                    MN_INITIAL_PYTORCH_UNIFORM));
    MN_TRY(mn_layer_add_linear(network, name_of(name, i, "0.fn.to_out.0"), o->width, o->width));
    MN_TRY(mn_layer_add_norm(network, name_of(name, i, "1.norm"), o->width, false));
    MN_TRY(mn_layer_add_linear(network, name_of(name, i, "1.fn.net.0"), o->width, o->hidden));
    return mn_layer_add_linear(network, name_of(name, i, "1.fn.net.3"), o->hidden, o->width);
}

static int64_t halved(int64_t side)
{
    for (int i = 0; i < CONVOLUTIONS; i++)
        side = (side + 1) / 2;
    return side;
}

static mn_status build(mn_network *network, const void *values)
{
    const early_options *o = values;
    MN_TRY(mn_layer_check_images(network));
    if (o->width % o->heads != 0)
        return mn_fail(MN_BAD_OPTION, "network.heads: %lld heads do not divide a width of %lld",
                       (long long)o->heads, (long long)o->width);
    const mn_shape image = mn_network_spec_of(network)->input;
    const int64_t rows = halved(image.size[1]) * halved(image.size[2]);
    MN_TRY(add_stem(network, o->width));
    MN_TRY(mn_network_parameter_add(network, "cls_token", MN_WEIGHT, false,
                                    MN_SHAPE(1, 1, o->width), MN_INITIAL_NORMAL));
    MN_TRY(mn_network_parameter_add(network, "pos_embedding", MN_WEIGHT, false,
                                    MN_SHAPE(1, rows + 1, o->width), MN_INITIAL_NORMAL));
    for (int64_t i = 0; i < o->depth; i++)
        MN_TRY(add_block(network, i, o));
    return mn_layer_add_head(network, &o->head, o->width, NULL);
}

static mn_var *block_forward(mn_walk *walk, mn_var *x, int64_t heads)
{
    mn_var *seen = mn_layer_attention(walk, mn_layer_row_norm(walk, x, epsilon), heads);
    x = mn_layer_residual(walk, x, seen, 0);
    mn_var *inner = mn_layer_mlp(walk, mn_layer_row_norm(walk, x, epsilon));
    return mn_layer_residual(walk, x, inner, 0);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const early_options *o = values;
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    for (int i = 0; i < CONVOLUTIONS; i++)
        x = mn_layer_conv_with_bias(&walk, x, 2, 1);
    x = mn_layer_embedding(&walk, mn_layer_patches(&walk, x, 1));
    for (int64_t i = 0; i < o->depth; i++) {
        x = block_forward(&walk, x, o->heads);
        mn_layer_map(&out, "block", (int)i, x);
    }
    out.features = mn_reshape(mn_slice(x, 1, 0, 1), MN_SHAPE(mn_shape_of(x).size[0], o->width));
    out.logits = mn_network_classify(network, out.features, mode);
    return out;
}

MN_NETWORK(early_conv_vit) = {
    MN_NETWORK_HEADER,
    .name = "early-conv-vit",
    .summary = "vision transformer behind four convolutions, for small images",
    .cite =
        "Pelosin, Dissecting Continual Learning, PhD thesis, Ca' Foscari 2022; Xiao et al., Early "
        "convolutions help transformers see better, NeurIPS 2021",
    .options = options,
    .options_size = sizeof(early_options),
    .build = build,
    .forward = forward,
    .parallel = true,
};
