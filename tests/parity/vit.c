/* vit.c -- a vision transformer made of the layers of mneme/layers.h, with torchvision's names
 * (Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021). */
#include "tests/parity/driver.h"

#include <mneme/layers.h>
#include <stdio.h>

typedef struct vit_options {
    int64_t patch, width, depth, heads, hidden;
} vit_options;

static const mn_option options[] = {
    MN_INT(vit_options, patch, 16, 1, 64, "side of a patch"),
    MN_INT(vit_options, width, 768, 1, 4096, "width of a row"),
    MN_INT(vit_options, depth, 12, 1, 64, "blocks"),
    MN_INT(vit_options, heads, 12, 1, 64, "heads"),
    MN_INT(vit_options, hidden, 3072, 1, 16384, "width within a block's two linear layers"),
    MN_END,
};

static const double epsilon = 1e-6;

static mn_status add_block(mn_network *network, const vit_options *o, int64_t i)
{
    char name[128];
    const int begun =
        snprintf(name, sizeof name, "encoder.layers.encoder_layer_%lld.", (long long)i);
    char *rest = name + begun;
    const size_t left = sizeof name - (size_t)begun;
    snprintf(rest, left, "ln_1");
    MN_TRY(mn_layer_add_norm(network, name, o->width, false));
    snprintf(rest, left, "self_attention");
    MN_TRY(mn_layer_add_attention(network, name, o->width));
    snprintf(rest, left, "ln_2");
    MN_TRY(mn_layer_add_norm(network, name, o->width, false));
    snprintf(rest, left, "mlp.0");
    MN_TRY(mn_layer_add_linear(network, name, o->width, o->hidden));
    snprintf(rest, left, "mlp.3");
    return mn_layer_add_linear(network, name, o->hidden, o->width);
}

static mn_status build(mn_network *network, const void *values)
{
    const vit_options *o = values;
    MN_TRY(mn_layer_check_images(network));
    const mn_shape input = mn_network_spec_of(network)->input;
    const int64_t rows = (input.size[1] / o->patch) * (input.size[2] / o->patch);
    const mn_shape patch = MN_SHAPE(o->width, input.size[0], o->patch, o->patch);
    MN_TRY(mn_layer_add(network, "conv_proj", patch, NULL));
    MN_TRY(mn_layer_add_embedding(network, "class_token", "encoder.pos_embedding", rows, o->width));
    for (int64_t i = 0; i < o->depth; i++)
        MN_TRY(add_block(network, o, i));
    MN_TRY(mn_layer_add_norm(network, "encoder.ln", o->width, false));
    return mn_layer_add_classifier(network, o->width);
}

static mn_var *block(mn_walk *walk, mn_var *x, const vit_options *o)
{
    x = mn_add(x, mn_layer_attention(walk, mn_layer_row_norm(walk, x, epsilon), o->heads));
    mn_var *inner = mn_gelu(mn_layer_linear(walk, mn_layer_row_norm(walk, x, epsilon)));
    return mn_add(x, mn_layer_linear(walk, inner));
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const vit_options *o = values;
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    x = mn_layer_embedding(&walk, mn_layer_patches(&walk, x, o->patch));
    for (int64_t i = 0; i < o->depth; i++)
        x = block(&walk, x, o);
    x = mn_layer_row_norm(&walk, x, epsilon);
    const mn_shape shape = mn_shape_of(x);
    out.features = mn_reshape(mn_slice(x, 1, 0, 1), MN_SHAPE(shape.size[0], shape.size[2]));
    out.logits = mn_layer_linear(&walk, out.features);
    return out;
}

static const mn_network_type vit = {
    MN_NETWORK_HEADER,
    .name = "vit",
    .summary = "a vision transformer",
    .cite = "Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021",
    .options = options,
    .options_size = sizeof(vit_options),
    .build = build,
    .forward = forward,
    .parallel = true,
};

static int64_t whole(const cJSON *described, const char *name)
{
    const cJSON *number = cJSON_GetObjectItem(described, name);
    return cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
}

mn_status parity_vit(const mn_network_spec *spec, const cJSON *sizes, mn_network **network)
{
    const vit_options o = {whole(sizes, "patch"), whole(sizes, "width"), whole(sizes, "depth"),
                           whole(sizes, "heads"), whole(sizes, "hidden")};
    return mn_network_new_of(&vit, &o, spec, mn_key_of(0, "parity"), network);
}
