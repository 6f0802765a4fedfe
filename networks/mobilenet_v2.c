/* mobilenet_v2.c -- inverted residuals with linear bottlenecks (Sandler et al. 2018).
 *
 * A block widens its maps by a 1x1 convolution, filters each channel on its own by a 3x3, and
 * narrows them by a 1x1 without a nonlinearity; where neither width nor size changes, its input is
 * added. Names are torchvision's but for the last layer's, which is `classifier` as in all networks
 * here. torchvision's dropout before that layer is left out. */
#include <mneme/layers.h>
#include <stdio.h>

enum { PREFIX = 32, STEM = 32, LAST = 1280, DIVISOR = 8 };

enum { STEM_SMALL, STEM_IMAGENET };
static const char *const stems[] = {"small", "imagenet", NULL};

enum { PADDING_TORCH, PADDING_SAME };
static const char *const paddings[] = {"torch", "same", NULL};

typedef struct mobilenet_options {
    double width;
    int64_t stem, padding;
    mn_head head;
} mobilenet_options;

static const mn_option options[] = {
    MN_REAL(mobilenet_options, width, 1, 0.1, 4, "factor of all widths"),
    MN_CHOICE(mobilenet_options, stem, STEM_SMALL, stems,
              "small images are halved three times, ImageNet's five times"),
    MN_CHOICE(mobilenet_options, padding, PADDING_TORCH, paddings,
              "of 3x3 convolutions: as torchvision pads, a zero on every side, or as TensorFlow, "
              "whose SAME puts none before the images where they are halved"),
    MN_HEAD_OPTIONS(mobilenet_options, head),
    MN_END,
};

/* Table 2 of the paper: widening, channels, blocks, stride of the first. */
static const struct stage {
    int64_t widening, channels, blocks, stride;
} stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
              {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

enum { STAGES = sizeof stages / sizeof stages[0], SMALL_FROM = 2 };

/* The nearest multiple of 8, but not below nine tenths of what was wanted. */
static int64_t scaled(const mobilenet_options *o, int64_t channels)
{
    const double wanted = (double)channels * o->width;
    int64_t made = (int64_t)(wanted + DIVISOR / 2) / DIVISOR * DIVISOR;
    made = made < DIVISOR ? DIVISOR : made;
    return (double)made < 0.9 * wanted ? made + DIVISOR : made;
}

static int64_t last_of(const mobilenet_options *o)
{
    return o->width > 1 ? scaled(o, LAST) : LAST;
}

typedef struct block {
    int64_t inputs, hidden, outputs, stride;
    bool widens, added;
} block;

static block block_at(const mobilenet_options *o, int stage, int64_t number)
{
    const struct stage *s = &stages[stage];
    const int64_t before = stage > 0 ? stages[stage - 1].channels : STEM;
    block b = {.outputs = scaled(o, s->channels), .widens = s->widening > 1};
    b.inputs = number > 0 ? b.outputs : scaled(o, before);
    b.hidden = b.inputs * s->widening;
    b.stride = number == 0 && (o->stem == STEM_IMAGENET || stage >= SMALL_FROM) ? s->stride : 1;
    b.added = b.stride == 1 && b.inputs == b.outputs;
    return b;
}

/* --- parameters ------------------------------------------------------------------------------- */

/* Where each channel is on its own, a filter has 1 input. */
static mn_status add_block(mn_network *network, const char *prefix, const block *b)
{
    if (!b->widens) {
        MN_TRY(mn_layer_add_conv_norm(network, prefix, "conv.0.0", "conv.0.1", 1, b->hidden, 3));
        return mn_layer_add_conv_norm(network, prefix, "conv.1", "conv.2", b->hidden, b->outputs,
                                      1);
    }
    MN_TRY(
        mn_layer_add_conv_norm(network, prefix, "conv.0.0", "conv.0.1", b->inputs, b->hidden, 1));
    MN_TRY(mn_layer_add_conv_norm(network, prefix, "conv.1.0", "conv.1.1", 1, b->hidden, 3));
    return mn_layer_add_conv_norm(network, prefix, "conv.2", "conv.3", b->hidden, b->outputs, 1);
}

static mn_status build(mn_network *network, const void *values)
{
    const mobilenet_options *o = values;
    char prefix[PREFIX];
    int number = 1;
    int64_t features = scaled(o, STEM);
    MN_TRY(mn_layer_check_images(network));
    const int64_t channels = mn_network_spec_of(network)->input.size[0];
    MN_TRY(mn_layer_add_conv_norm(network, "features.0", "0", "1", channels, features, 3));
    for (int stage = 0; stage < STAGES; stage++)
        for (int64_t i = 0; i < stages[stage].blocks; i++) {
            const block b = block_at(o, stage, i);
            snprintf(prefix, sizeof prefix, "features.%d", number++);
            MN_TRY(add_block(network, prefix, &b));
            features = b.outputs;
        }
    snprintf(prefix, sizeof prefix, "features.%d", number);
    MN_TRY(mn_layer_add_conv_norm(network, prefix, "0", "1", features, last_of(o), 1));
    return mn_layer_add_head(network, &o->head, last_of(o), NULL);
}

/* --- forward ---------------------------------------------------------------------------------- */

static mn_var *conv_norm_relu6(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding)
{
    mn_var *normed = mn_layer_conv_norm(walk, x, stride, padding);
    mn_var *y = mn_clamp(normed, 0, 6);
    mn_release(normed);
    return y;
}

/* What a 3x3 convolution is padded with: no tensor's shape tells which the weights were trained
 * for. */
static int64_t padding_of(const mobilenet_options *o)
{
    return o->padding == PADDING_SAME ? MN_PADDING_SAME : 1;
}

static mn_var *block_forward(mn_walk *walk, mn_var *x, const block *b, int64_t padding)
{
    mn_var *wide = b->widens ? conv_norm_relu6(walk, x, 1, 0) : x;
    mn_var *filtered = conv_norm_relu6(walk, wide, b->stride, padding);
    if (b->widens)
        mn_release(wide);
    mn_var *narrow = mn_layer_conv_norm(walk, filtered, 1, 0);
    mn_release(filtered);
    if (!b->added)
        return narrow;
    mn_var *sum = mn_add(narrow, x);
    mn_release(narrow);
    return sum;
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const mobilenet_options *o = values;
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    x = conv_norm_relu6(&walk, x, o->stem == STEM_IMAGENET ? 2 : 1, padding_of(o));
    for (int stage = 0; stage < STAGES; stage++) {
        for (int64_t i = 0; i < stages[stage].blocks; i++) {
            const block b = block_at(o, stage, i);
            x = block_forward(&walk, x, &b, padding_of(o));
        }
        mn_layer_map(&out, "stage", stage, x);
    }
    x = conv_norm_relu6(&walk, x, 1, 0);
    mn_network_map_last(&out, x);
    out.features = mn_global_average_pool(x);
    out.logits = mn_network_classify(network, out.features, mode);
    return out;
}

MN_NETWORK(mobilenet_v2) = {
    MN_NETWORK_HEADER,
    .name = "mobilenet-v2",
    .summary = "inverted residuals whose 3x3 convolutions see each channel on its own",
    .cite = "Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, CVPR 2018",
    .options = options,
    .options_size = sizeof(mobilenet_options),
    .build = build,
    .forward = forward,
    .parallel = true,
};
