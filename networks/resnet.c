/* resnet.c -- residual networks of basic blocks for small images (He et al. 2016).
 *
 * Stem of one 3x3 convolution and no max-pooling; then stages of blocks, of which each stage but
 * the first halves the image and doubles the width; where a block changes either, its shortcut is a
 * 1x1 convolution with a norm.  `features` is the mean over the last maps' pixels.  Names are those
 * of the DER authors' backbone, so that its state dict fits: conv1, bn1, layer1.0.conv1 ...
 * layer2.0.shortcut.0, classifier. */
#include <mneme/layers.h>
#include <stdio.h>

enum { MOST_STAGES = 4, PREFIX = 48 };

typedef struct plan {
    int stages;
    int blocks; /* in a stage */
    int64_t width;
} plan;

typedef struct resnet_options {
    int64_t width;
} resnet_options;

static int64_t width_of(const plan *p, int stage)
{
    return p->width << stage;
}

static int64_t stride_of(int stage, int block)
{
    return stage > 0 && block == 0 ? 2 : 1;
}

static bool has_projection(int stage, int block)
{
    return stage > 0 && block == 0;
}

/* --- parameters ------------------------------------------------------------------------------- */

static const char *join(char name[PREFIX], const char *prefix, const char *what)
{
    snprintf(name, PREFIX, "%s.%s", prefix, what);
    return name;
}

static mn_status add_block(mn_network *network, const char *prefix, int64_t inputs, int64_t outputs,
                           bool projection)
{
    char name[PREFIX];
    MN_TRY(mn_layer_add_conv(network, join(name, prefix, "conv1"), inputs, outputs, 3));
    MN_TRY(mn_layer_add_norm(network, join(name, prefix, "bn1"), outputs, true));
    MN_TRY(mn_layer_add_conv(network, join(name, prefix, "conv2"), outputs, outputs, 3));
    MN_TRY(mn_layer_add_norm(network, join(name, prefix, "bn2"), outputs, true));
    if (!projection)
        return MN_OK;
    MN_TRY(mn_layer_add_conv(network, join(name, prefix, "shortcut.0"), inputs, outputs, 1));
    return mn_layer_add_norm(network, join(name, prefix, "shortcut.1"), outputs, true);
}

static mn_status build(mn_network *network, const plan *p)
{
    MN_TRY(mn_layer_check_images(network));
    int64_t inputs = p->width;
    MN_TRY(
        mn_layer_add_conv(network, "conv1", mn_network_spec_of(network)->input.size[0], inputs, 3));
    MN_TRY(mn_layer_add_norm(network, "bn1", inputs, true));
    for (int stage = 0; stage < p->stages; stage++)
        for (int block = 0; block < p->blocks; block++) {
            char prefix[32];
            snprintf(prefix, sizeof prefix, "layer%d.%d", stage + 1, block);
            const int64_t outputs = width_of(p, stage);
            MN_TRY(add_block(network, prefix, inputs, outputs, has_projection(stage, block)));
            inputs = outputs;
        }
    return mn_layer_add_classifier(network, inputs);
}

/* --- forward ---------------------------------------------------------------------------------- */

enum { OF_CONV_NORM = 3, OF_NORM = 2 }; /* parameters, and statistics */

/* x (B, C, H, W) -> (B, C', H', W').  The shortcut is made first, as the block's last norm adds it,
 * though its parameters are the last. */
static mn_var *block_forward(mn_walk *walk, mn_var *x, int64_t stride, bool projection)
{
    mn_walk after = *walk;
    after.parameter += 2 * OF_CONV_NORM;
    after.statistic += 2 * OF_NORM;
    mn_var *shortcut = projection ? mn_layer_conv_norm(&after, x, stride, 0) : x;
    mn_var *y = mn_layer_conv_norm_relu(walk, x, stride, 1);
    mn_var *z = mn_layer_conv_norm_add_relu(walk, y, shortcut, 1, 1);
    mn_release(y);
    if (projection)
        mn_release(shortcut);
    *walk = after;
    return z;
}

static mn_forwarded forward(mn_network *network, const plan *p, mn_var *x, mn_mode mode)
{
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    x = mn_layer_conv_norm_relu(&walk, x, 1, 1);
    for (int stage = 0; stage < p->stages; stage++) {
        for (int block = 0; block < p->blocks; block++) {
            mn_var *y =
                block_forward(&walk, x, stride_of(stage, block), has_projection(stage, block));
            if (stage == 0 || block > 0) /* else it is a map, which somebody may read */
                mn_release(x);
            x = y;
        }
        mn_layer_map(&out, "layer", stage, x);
    }
    out.features = mn_global_average_pool(x);
    out.logits = mn_layer_linear(&walk, out.features);
    return out;
}

/* --- descriptors ------------------------------------------------------------------------------ */

static plan resnet18_plan(const void *options)
{
    return (plan){.stages = 4, .blocks = 2, .width = ((const resnet_options *)options)->width};
}

static mn_status build_resnet18(mn_network *network, const void *options)
{
    const plan p = resnet18_plan(options);
    return build(network, &p);
}

static mn_forwarded forward_resnet18(mn_network *network, const void *options, mn_var *x,
                                     mn_mode mode)
{
    const plan p = resnet18_plan(options);
    return forward(network, &p, x, mode);
}

static plan resnet32_plan(const void *options)
{
    return (plan){.stages = 3, .blocks = 5, .width = ((const resnet_options *)options)->width};
}

static mn_status build_resnet32(mn_network *network, const void *options)
{
    const plan p = resnet32_plan(options);
    return build(network, &p);
}

static mn_forwarded forward_resnet32(mn_network *network, const void *options, mn_var *x,
                                     mn_mode mode)
{
    const plan p = resnet32_plan(options);
    return forward(network, &p, x, mode);
}

#define WIDTH(default)                                                                             \
    MN_INT(resnet_options, width, default, 1, 4096, "channels of the first stage")

static const mn_option resnet18_options[] = {WIDTH(64), MN_END};
static const mn_option reduced_options[] = {WIDTH(20), MN_END};
static const mn_option resnet32_options[] = {WIDTH(16), MN_END};

MN_NETWORK(resnet18) = {
    MN_NETWORK_HEADER,
    .name = "resnet18",
    .summary = "ResNet-18 for small images: 3x3 stem, no max-pooling, by default 64 channels wide",
    .cite = "He et al., Deep residual learning for image recognition, CVPR 2016",
    .options = resnet18_options,
    .options_size = sizeof(resnet_options),
    .build = build_resnet18,
    .forward = forward_resnet18,
    .parallel = true,
};

MN_NETWORK(resnet18_reduced) = {
    MN_NETWORK_HEADER,
    .name = "resnet18-reduced",
    .summary = "ResNet-18 for small images, 20 channels wide, as in many online benchmarks",
    .cite = "Lopez-Paz and Ranzato, Gradient episodic memory for continual learning, NeurIPS 2017",
    .options = reduced_options,
    .options_size = sizeof(resnet_options),
    .build = build_resnet18,
    .forward = forward_resnet18,
    .parallel = true,
};

MN_NETWORK(resnet32) = {
    MN_NETWORK_HEADER,
    .name = "resnet32",
    .summary = "ResNet-32 for 32x32 images: 3 stages of 5 blocks, 16, 32 and 64 channels wide",
    .cite = "He et al., Deep residual learning for image recognition, CVPR 2016",
    .options = resnet32_options,
    .options_size = sizeof(resnet_options),
    .build = build_resnet32,
    .forward = forward_resnet32,
    .parallel = true,
};
