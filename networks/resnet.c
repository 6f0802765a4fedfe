/* resnet.c -- residual networks (He et al. 2016), for small images or large ones.
 *
 * The stem for small images is one 3x3 convolution without max-pooling; ImageNet's is 7x7 of stride
 * 2 with max-pooling behind it.  Then come stages of blocks; each stage but the first halves the
 * image and doubles the width.  A basic block has two 3x3 convolutions.  A bottleneck has a 1x1, a
 * 3x3 that strides, and a 1x1 that widens fourfold.  Where a block changes width or size, its
 * shortcut is a 1x1 convolution with a norm.  `features` is the mean over the last maps' pixels.
 * Names are those of the DER authors' backbone, so that its state dict fits: conv1, bn1,
 * layer1.0.conv1 ... layer2.0.shortcut.0, classifier. */
#include <mneme/layers.h>
#include <stdio.h>

enum { MOST_STAGES = 4, WIDENING = 4 };

enum { STEM_SMALL, STEM_IMAGENET };
static const char *const stems[] = {"small", "imagenet", NULL};

typedef struct resnet_options {
    int64_t width, stem;
    mn_head head;
} resnet_options;

typedef struct plan {
    int stages;
    int blocks[MOST_STAGES]; /* of each stage */
    bool bottleneck;
} plan;

/* A block's place and sizes. */
typedef struct block {
    int64_t inputs, width, outputs, stride;
    bool bottleneck, projection;
} block;

static block block_at(const plan *p, const resnet_options *o, int stage, int number)
{
    const int64_t widening = p->bottleneck ? WIDENING : 1, width = o->width << stage;
    block b = {.width = width, .outputs = width * widening, .bottleneck = p->bottleneck};
    b.inputs = number > 0 ? b.outputs : stage > 0 ? b.outputs / 2 : o->width;
    b.stride = stage > 0 && number == 0 ? 2 : 1;
    b.projection = b.inputs != b.outputs;
    return b;
}

/* --- parameters ------------------------------------------------------------------------------- */

static mn_status add_block(mn_network *network, const char *prefix, const block *b)
{
    if (b->bottleneck) {
        MN_TRY(mn_layer_add_conv_norm(network, prefix, "conv1", "bn1", b->inputs, b->width, 1));
        MN_TRY(mn_layer_add_conv_norm(network, prefix, "conv2", "bn2", b->width, b->width, 3));
        MN_TRY(mn_layer_add_conv_norm(network, prefix, "conv3", "bn3", b->width, b->outputs, 1));
    } else {
        MN_TRY(mn_layer_add_conv_norm(network, prefix, "conv1", "bn1", b->inputs, b->width, 3));
        MN_TRY(mn_layer_add_conv_norm(network, prefix, "conv2", "bn2", b->width, b->outputs, 3));
    }
    return b->projection ? mn_layer_add_conv_norm(network, prefix, "shortcut.0", "shortcut.1",
                                                  b->inputs, b->outputs, 1)
                         : MN_OK;
}

static mn_status build(mn_network *network, const plan *p, const resnet_options *o)
{
    MN_TRY(mn_layer_check_images(network));
    const int64_t channels = mn_network_spec_of(network)->input.size[0];
    MN_TRY(
        mn_layer_add_conv(network, "conv1", channels, o->width, o->stem == STEM_IMAGENET ? 7 : 3));
    MN_TRY(mn_layer_add_norm(network, "bn1", o->width, true));
    int64_t features = o->width;
    for (int stage = 0; stage < p->stages; stage++)
        for (int number = 0; number < p->blocks[stage]; number++) {
            char prefix[32];
            snprintf(prefix, sizeof prefix, "layer%d.%d", stage + 1, number);
            const block b = block_at(p, o, stage, number);
            MN_TRY(add_block(network, prefix, &b));
            features = b.outputs;
        }
    return mn_layer_add_head(network, &o->head, features, NULL);
}

/* --- forward ---------------------------------------------------------------------------------- */

enum { OF_CONV_NORM = 3, OF_NORM = 2 }; /* parameters, and statistics */

/* x (B, C, H, W) -> (B, C', H', W').  The shortcut is made first, as the block's last norm adds it,
 * though its parameters are the last. */
static mn_var *block_forward(mn_walk *walk, mn_var *x, const block *b)
{
    mn_walk after = *walk;
    after.parameter += (b->bottleneck ? 3 : 2) * OF_CONV_NORM;
    after.statistic += (b->bottleneck ? 3 : 2) * OF_NORM;
    mn_var *shortcut = b->projection ? mn_layer_conv_norm(&after, x, b->stride, 0) : x;
    mn_var *y = x;
    if (b->bottleneck)
        y = mn_layer_conv_norm_relu(walk, x, 1, 0);
    mn_var *z = mn_layer_conv_norm_relu(walk, y, b->stride, 1);
    mn_var *out = mn_layer_conv_norm_add_relu(walk, z, shortcut, 1, b->bottleneck ? 0 : 1);
    mn_release(z);
    if (b->bottleneck)
        mn_release(y);
    if (b->projection)
        mn_release(shortcut);
    *walk = after;
    return out;
}

static mn_forwarded forward(mn_network *network, const plan *p, const resnet_options *o, mn_var *x,
                            mn_mode mode)
{
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    if (o->stem == STEM_IMAGENET)
        x = mn_max_pool_2d(mn_layer_conv_norm_relu(&walk, x, 2, 3), 3, 2, 1);
    else
        x = mn_layer_conv_norm_relu(&walk, x, 1, 1);
    for (int stage = 0; stage < p->stages; stage++) {
        for (int number = 0; number < p->blocks[stage]; number++) {
            const block b = block_at(p, o, stage, number);
            mn_var *y = block_forward(&walk, x, &b);
            if (stage == 0 || number > 0) /* else it is a map, which somebody may read */
                mn_release(x);
            x = y;
        }
        mn_layer_map(&out, "layer", stage, x);
    }
    mn_network_map_last(&out, x);
    out.features = mn_global_average_pool(x);
    out.logits = mn_network_classify(network, out.features, mode);
    return out;
}

/* --- descriptors ------------------------------------------------------------------------------ */

#define OPTIONS(id, channels)                                                                      \
    static const mn_option id##_options[] = {                                                      \
        MN_INT(resnet_options, width, channels, 1, 4096, "channels of the first stage"),           \
        MN_CHOICE(resnet_options, stem, STEM_SMALL, stems,                                         \
                  "of one 3x3 convolution for small images, or ImageNet's, 7x7 of stride 2 "       \
                  "with max-pooling, for large ones"),                                             \
        MN_HEAD_OPTIONS(resnet_options, head),                                                     \
        MN_END,                                                                                    \
    }

/* The functions of a plan, and what all descriptors share. */
#define PLAN(id, ...)                                                                              \
    static const plan id##_plan = {__VA_ARGS__};                                                   \
    static mn_status build_##id(mn_network *network, const void *options)                          \
    {                                                                                              \
        return build(network, &id##_plan, options);                                                \
    }                                                                                              \
    static mn_forwarded forward_##id(mn_network *network, const void *options, mn_var *x,          \
                                     mn_mode mode)                                                 \
    {                                                                                              \
        return forward(network, &id##_plan, options, x, mode);                                     \
    }                                                                                              \
    struct plan

#define SHARED(id, network)                                                                        \
    .options = id##_options, .options_size = sizeof(resnet_options), .build = build_##network,     \
    .forward = forward_##network, .parallel = true

PLAN(resnet18, .stages = 4, .blocks = {2, 2, 2, 2});
PLAN(resnet32, .stages = 3, .blocks = {5, 5, 5});
PLAN(resnet34, .stages = 4, .blocks = {3, 4, 6, 3});
PLAN(resnet50, .stages = 4, .blocks = {3, 4, 6, 3}, .bottleneck = true);

OPTIONS(wide, 64);
OPTIONS(reduced, 20);
OPTIONS(narrow, 16);

MN_NETWORK(resnet18) = {
    MN_NETWORK_HEADER,
    .name = "resnet18",
    .summary = "ResNet-18: 4 stages of 2 blocks, by default for small images and 64 channels wide",
    .cite = "He et al., Deep residual learning for image recognition, CVPR 2016",
    SHARED(wide, resnet18),
};

MN_NETWORK(resnet18_reduced) = {
    MN_NETWORK_HEADER,
    .name = "resnet18-reduced",
    .summary = "ResNet-18 for small images, 20 channels wide, as in many online benchmarks",
    .cite = "Lopez-Paz and Ranzato, Gradient episodic memory for continual learning, NeurIPS 2017",
    SHARED(reduced, resnet18),
};

MN_NETWORK(resnet32) = {
    MN_NETWORK_HEADER,
    .name = "resnet32",
    .summary = "ResNet-32 for 32x32 images: 3 stages of 5 blocks, 16, 32 and 64 channels wide",
    .cite = "He et al., Deep residual learning for image recognition, CVPR 2016",
    SHARED(narrow, resnet32),
};

MN_NETWORK(resnet34) = {
    MN_NETWORK_HEADER,
    .name = "resnet34",
    .summary = "ResNet-34: stages of 3, 4, 6 and 3 blocks, by default for small images",
    .cite = "He et al., Deep residual learning for image recognition, CVPR 2016",
    SHARED(wide, resnet34),
};

MN_NETWORK(resnet50) = {
    MN_NETWORK_HEADER,
    .name = "resnet50",
    .summary = "ResNet-50: stages of 3, 4, 6 and 3 bottlenecks, by default for small images",
    .cite = "He et al., Deep residual learning for image recognition, CVPR 2016",
    SHARED(wide, resnet50),
};
