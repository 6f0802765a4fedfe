/* convnet.c -- blocks of convolution, norm, ReLU and pooling: the ConvNet of dataset condensation
 * (Zhao et al. 2021), whose module names it has: features.0, features.1, ..., classifier.
 *
 * Digits come as 28 x 28 pixels of one channel: its first convolution pads them to 32 x 32. */
#include <mneme/layers.h>
#include <stdio.h>

typedef struct convnet_options {
    int64_t depth, width, norm, pooling;
    mn_head head;
} convnet_options;

enum { NORM_NONE, NORM_BATCH, NORM_INSTANCE };
static const char *const norms[] = {"none", "batch", "instance", NULL};
enum { POOLING_AVERAGE, POOLING_MAX };
static const char *const poolings[] = {"average", "max", NULL};

static const mn_option options[] = {
    MN_INT(convnet_options, depth, 3, 1, 12, "blocks; each halves the image"),
    MN_INT(convnet_options, width, 128, 1, 4096, "channels of each block"),
    MN_CHOICE(convnet_options, norm, NORM_INSTANCE, norms, "normalisation before each ReLU"),
    MN_CHOICE(convnet_options, pooling, POOLING_AVERAGE, poolings, "pooling behind each ReLU"),
    MN_HEAD_OPTIONS(convnet_options, head),
    MN_END,
};

/* The first block pads images of one channel by 3 instead of 1, which adds 4 pixels. */
static int64_t padding_of(const mn_network *network, int64_t block)
{
    return block == 0 && mn_network_spec_of(network)->input.size[0] == 1 ? 3 : 1;
}

static mn_status pixels_after(const mn_network *network, const convnet_options *o, int64_t *pixels)
{
    const mn_shape input = mn_network_spec_of(network)->input;
    int64_t height = input.size[1], width = input.size[2];
    for (int64_t block = 0; block < o->depth; block++) {
        height = (height + 2 * padding_of(network, block) - 2) / 2;
        width = (width + 2 * padding_of(network, block) - 2) / 2;
    }
    *pixels = height * width;
    char text[64];
    return *pixels > 0
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "network.depth: %lld blocks leave no pixel of images %s",
                         (long long)o->depth, mn_shape_text(input, text));
}

static mn_status build(mn_network *network, const void *values)
{
    const convnet_options *o = values;
    const int step = o->norm == NORM_NONE ? 3 : 4;
    int64_t pixels;
    MN_TRY(mn_layer_check_images(network));
    MN_TRY(pixels_after(network, o, &pixels));
    int64_t inputs = mn_network_spec_of(network)->input.size[0];
    for (int block = 0; block < (int)o->depth; block++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "features.%d", block * step);
        MN_TRY(mn_layer_add(network, prefix, MN_SHAPE(o->width, inputs, 3, 3), NULL));
        snprintf(prefix, sizeof prefix, "features.%d", block * step + 1);
        if (o->norm != NORM_NONE)
            MN_TRY(mn_layer_add_norm(network, prefix, o->width, o->norm == NORM_BATCH));
        inputs = o->width;
    }
    return mn_layer_add_head(network, &o->head, o->width * pixels, NULL);
}

static mn_var *normalise(mn_walk *walk, const convnet_options *o, mn_var *x)
{
    if (o->norm == NORM_BATCH)
        return mn_layer_batch_norm_relu(walk, x);
    if (o->norm == NORM_NONE)
        return mn_relu(x);
    mn_var *normal = mn_layer_instance_norm(walk, x), *active = mn_relu(normal);
    mn_release(normal);
    return active;
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const convnet_options *o = values;
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    for (int64_t block = 0; block < o->depth; block++) {
        mn_var *convolved = mn_layer_conv_with_bias(&walk, x, 1, padding_of(network, block));
        mn_var *active = normalise(&walk, o, convolved);
        mn_release(convolved);
        x = (o->pooling == POOLING_MAX ? mn_max_pool_2d : mn_average_pool_2d)(active, 2, 2, 0);
        mn_release(active);
        mn_layer_map(&out, "block", (int)block, x);
    }
    mn_network_map_last(&out, x);
    const mn_shape maps = mn_shape_of(x);
    out.features =
        mn_reshape(x, MN_SHAPE(mn_rows_of(x), maps.size[1] * maps.size[2] * maps.size[3]));
    out.logits = mn_network_classify(network, out.features, mode);
    return out;
}

MN_NETWORK(convnet) = {
    MN_NETWORK_HEADER,
    .name = "convnet",
    .summary = "blocks of convolution, norm, ReLU and pooling, by default 3 of 128 channels",
    .cite = "Zhao et al., Dataset condensation with gradient matching, ICLR 2021",
    .options = options,
    .options_size = sizeof(convnet_options),
    .build = build,
    .forward = forward,
    .parallel = true,
};
