/* vit.c -- a vision transformer made of the layers of mneme/layers.h, with torchvision's names
 * (Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021). */
#include "tests/nn/vit.h"

#include <mneme/layers.h>
#include <stdio.h>

static const mn_option options[] = {
    MN_INT(test_vit_options, patch, 16, 1, 64, "side of a patch"),
    MN_INT(test_vit_options, width, 768, 1, 4096, "width of a row"),
    MN_INT(test_vit_options, depth, 12, 1, 64, "blocks"),
    MN_INT(test_vit_options, heads, 12, 1, 64, "heads"),
    MN_INT(test_vit_options, hidden, 3072, 1, 16384, "width within a block's two linear layers"),
    MN_END,
};

static const double epsilon = 1e-6;

static mn_status build(mn_network *network, const void *values)
{
    const test_vit_options *o = values;
    MN_TRY(mn_layer_check_images(network));
    const mn_shape input = mn_network_spec_of(network)->input;
    const int64_t rows = (input.size[1] / o->patch) * (input.size[2] / o->patch);
    MN_TRY(mn_layer_add_patches(network, "conv_proj", o->width, o->patch));
    MN_TRY(mn_layer_add_embedding(network, "class_token", "encoder.pos_embedding", rows, o->width));
    for (int64_t i = 0; i < o->depth; i++) {
        char name[64];
        snprintf(name, sizeof name, "encoder.layers.encoder_layer_%lld", (long long)i);
        MN_TRY(mn_layer_add_encoder(network, name, o->width, o->hidden));
    }
    MN_TRY(mn_layer_add_norm(network, "encoder.ln", o->width, false));
    return mn_layer_add_classifier(network, o->width);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const test_vit_options *o = values;
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    x = mn_layer_embedding(&walk, mn_layer_patches(&walk, x, o->patch));
    for (int64_t i = 0; i < o->depth; i++)
        x = mn_layer_encoder(&walk, x, o->heads, 0);
    x = mn_layer_row_norm(&walk, x, epsilon);
    const mn_shape shape = mn_shape_of(x);
    out.features = mn_reshape(mn_slice(x, 1, 0, 1), MN_SHAPE(shape.size[0], shape.size[2]));
    out.logits = mn_layer_linear(&walk, out.features);
    return out;
}

const mn_network_type test_vit = {
    MN_NETWORK_HEADER,
    .name = "vit",
    .summary = "a vision transformer",
    .cite = "Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021",
    .options = options,
    .options_size = sizeof(test_vit_options),
    .build = build,
    .forward = forward,
    .parallel = true,
};
