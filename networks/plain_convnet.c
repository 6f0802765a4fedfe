/* plain_convnet.c -- convolutions with a norm and ReLU, each but the first of which halves the
 * image and doubles the width, and the mean over the last maps: the least that learns images on a
 * CPU. */
#include <mneme/layers.h>
#include <stdio.h>

typedef struct plain_options {
    int64_t depth, width;
    mn_head head;
} plain_options;

static const mn_option options[] = {
    MN_INT(plain_options, depth, 3, 1, 12, "convolutions"),
    MN_INT(plain_options, width, 16, 1, 4096, "channels of the first"),
    MN_HEAD_OPTIONS(plain_options, head),
    MN_END,
};

static mn_status build(mn_network *network, const void *values)
{
    const plain_options *o = values;
    MN_TRY(mn_layer_check_images(network));
    int64_t inputs = mn_network_spec_of(network)->input.size[0], outputs = o->width;
    for (int i = 1; i <= (int)o->depth; i++) {
        char name[32];
        snprintf(name, sizeof name, "conv%d", i);
        MN_TRY(mn_layer_add_conv(network, name, inputs, outputs, 3));
        snprintf(name, sizeof name, "bn%d", i);
        MN_TRY(mn_layer_add_norm(network, name, outputs, true));
        inputs = outputs;
        outputs *= 2;
    }
    return mn_layer_add_head(network, &o->head, inputs, NULL);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const plain_options *o = values;
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    for (int i = 0; i < (int)o->depth; i++) {
        x = mn_layer_conv(&walk, x, i > 0 ? 2 : 1, 1);
        x = mn_layer_batch_norm_relu(&walk, x);
        mn_layer_map(&out, "layer", i, x);
    }
    mn_network_map_last(&out, x);
    out.features = mn_global_average_pool(x);
    out.logits = mn_network_classify(network, out.features, mode);
    return out;
}

MN_NETWORK(plain_convnet) = {
    MN_NETWORK_HEADER,
    .name = "plain-convnet",
    .summary = "convolutions with norms, by default 3 of 16, 32 and 64 channels, and their mean",
    .options = options,
    .options_size = sizeof(plain_options),
    .build = build,
    .forward = forward,
};
