/* preact_resnet.c -- residual networks whose norm and ReLU come before each convolution (He et al.
 * 2016, Identity mappings), deep and narrow or wide and shallow (Zagoruyko and Komodakis 2016).
 *
 * A block has two 3x3 convolutions, wide ones with dropout between them.  Its input is added to
 * what they give; where width or size change, a 1x1 convolution of the first norm and ReLU is
 * instead. Behind the last block come a norm and a ReLU, and `features` is the mean over their
 * pixels.  The stem is a bare convolution, as each block begins with a norm; ImageNet's has
 * max-pooling behind it. Names: conv1, layer1.0.bn1, layer1.0.conv1, layer1.0.bn2, layer1.0.conv2,
 * layer2.0.shortcut.0, ..., bn, classifier. */
#include <mneme/layers.h>
#include <stdio.h>

enum { PREFIX = 32 };

enum { STEM_SMALL, STEM_IMAGENET };
static const char *const stems[] = {"small", "imagenet", NULL};

typedef struct preact_options {
    int64_t width, stem;
    mn_head head;
} preact_options;

static const mn_option preact_table[] = {
    MN_INT(preact_options, width, 64, 1, 4096, "channels of the first stage"),
    MN_CHOICE(preact_options, stem, STEM_SMALL, stems,
              "of one 3x3 convolution for small images, or ImageNet's, 7x7 of stride 2 "
              "with max-pooling, for large ones"),
    MN_HEAD_OPTIONS(preact_options, head),
    MN_END,
};

typedef struct wide_options {
    int64_t depth, widen;
    double dropout;
    mn_head head;
} wide_options;

static const mn_option wide_table[] = {
    MN_INT(wide_options, depth, 28, 10, 1000, "layers: 6 n + 4, with n blocks a stage"),
    MN_INT(wide_options, widen, 10, 1, 64, "factor of the widths 16, 32 and 64 of the stages"),
    MN_REAL(wide_options, dropout, 0, 0, 0.99,
            "probability that an element between a block's convolutions becomes 0 in training"),
    MN_HEAD_OPTIONS(wide_options, head),
    MN_END,
};

/* What a network is made of. */
typedef struct plan {
    int64_t stages, blocks; /* blocks of each stage */
    int64_t stem, width; /* channels of the stem and of the first stage; each stage doubles them */
    bool large;          /* images like ImageNet's */
    double dropout;
} plan;

static plan plan_of_preact(const void *values)
{
    const preact_options *o = values;
    return (plan){4, 2, o->width, o->width, o->stem == STEM_IMAGENET, 0};
}

static plan plan_of_wide(const void *values)
{
    const wide_options *o = values;
    return (plan){3, (o->depth - 4) / 6, 16, 16 * o->widen, false, o->dropout};
}

/* A block's sizes. */
typedef struct block {
    int64_t inputs, outputs, stride;
    bool projection;
} block;

static block block_at(const plan *p, int64_t stage, int64_t number)
{
    block b = {.outputs = p->width << stage, .stride = stage > 0 && number == 0 ? 2 : 1};
    b.inputs = number > 0 ? b.outputs : stage > 0 ? b.outputs / 2 : p->stem;
    b.projection = b.inputs != b.outputs;
    return b;
}

/* --- parameters ------------------------------------------------------------------------------- */

static mn_status add_norm_conv(mn_network *network, const char *prefix, int number, int64_t inputs,
                               int64_t outputs)
{
    char name[2 * PREFIX];
    snprintf(name, sizeof name, "%s.bn%d", prefix, number);
    MN_TRY(mn_layer_add_norm(network, name, inputs, true));
    snprintf(name, sizeof name, "%s.conv%d", prefix, number);
    return mn_layer_add_conv(network, name, inputs, outputs, 3);
}

static mn_status add_block(mn_network *network, int64_t stage, int64_t number, const block *b)
{
    char prefix[PREFIX], shortcut[2 * PREFIX];
    snprintf(prefix, sizeof prefix, "layer%d.%d", (int)stage + 1, (int)number);
    MN_TRY(add_norm_conv(network, prefix, 1, b->inputs, b->outputs));
    MN_TRY(add_norm_conv(network, prefix, 2, b->outputs, b->outputs));
    snprintf(shortcut, sizeof shortcut, "%s.shortcut.0", prefix);
    return b->projection ? mn_layer_add_conv(network, shortcut, b->inputs, b->outputs, 1) : MN_OK;
}

static mn_status build(mn_network *network, const plan *p, const mn_head *head)
{
    MN_TRY(mn_layer_check_images(network));
    const int64_t channels = mn_network_spec_of(network)->input.size[0];
    MN_TRY(mn_layer_add_conv(network, "conv1", channels, p->stem, p->large ? 7 : 3));
    for (int64_t stage = 0; stage < p->stages; stage++)
        for (int64_t number = 0; number < p->blocks; number++) {
            const block b = block_at(p, stage, number);
            MN_TRY(add_block(network, stage, number, &b));
        }
    const int64_t features = p->width << (p->stages - 1);
    MN_TRY(mn_layer_add_norm(network, "bn", features, true));
    return mn_layer_add_head(network, head, features, NULL);
}

static mn_status build_preact(mn_network *network, const void *options)
{
    const plan p = plan_of_preact(options);
    return build(network, &p, &((const preact_options *)options)->head);
}

static mn_status build_wide(mn_network *network, const void *options)
{
    const wide_options *o = options;
    const plan p = plan_of_wide(o);
    return 6 * p.blocks + 4 == o->depth
               ? build(network, &p, &o->head)
               : mn_fail(MN_BAD_OPTION,
                         "network.depth: %lld layers are no 6 n + 4; such are %lld and %lld",
                         (long long)o->depth, (long long)(6 * p.blocks + 4),
                         (long long)(6 * p.blocks + 10));
}

/* --- forward ---------------------------------------------------------------------------------- */

/* x (B, C, H, W) -> (B, C', H', W') */
static mn_var *block_forward(mn_walk *walk, mn_var *x, const block *b, double dropout)
{
    mn_var *y = mn_layer_batch_norm_relu(walk, x);
    mn_var *wide = mn_layer_conv(walk, y, b->stride, 1);
    mn_var *normed = mn_layer_batch_norm_relu(walk, wide);
    mn_release(wide);
    mn_var *branch = mn_layer_conv(walk, mn_layer_dropout(walk, normed, dropout), 1, 1);
    mn_release(normed);
    mn_var *shortcut = b->projection ? mn_layer_conv(walk, y, b->stride, 0) : x;
    mn_release(y);
    mn_var *sum = mn_layer_residual(walk, shortcut, branch, 0);
    mn_release(branch);
    if (b->projection)
        mn_release(shortcut);
    return sum;
}

static mn_forwarded forward(mn_network *network, const plan *p, mn_var *x, mn_mode mode)
{
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    x = p->large ? mn_max_pool_2d(mn_layer_conv(&walk, x, 2, 3), 3, 2, 1)
                 : mn_layer_conv(&walk, x, 1, 1);
    for (int64_t stage = 0; stage < p->stages; stage++) {
        for (int64_t number = 0; number < p->blocks; number++) {
            const block b = block_at(p, stage, number);
            mn_var *y = block_forward(&walk, x, &b, p->dropout);
            if (stage == 0 || number > 0) /* else it is a map, which somebody may read */
                mn_release(x);
            x = y;
        }
        mn_layer_map(&out, "layer", (int)stage, x);
    }
    x = mn_layer_batch_norm_relu(&walk, x);
    mn_network_map_last(&out, x);
    out.features = mn_global_average_pool(x);
    out.logits = mn_network_classify(network, out.features, mode);
    return out;
}

static mn_forwarded forward_preact(mn_network *network, const void *options, mn_var *x,
                                   mn_mode mode)
{
    const plan p = plan_of_preact(options);
    return forward(network, &p, x, mode);
}

static mn_forwarded forward_wide(mn_network *network, const void *options, mn_var *x, mn_mode mode)
{
    const plan p = plan_of_wide(options);
    return forward(network, &p, x, mode);
}

MN_NETWORK(preact_resnet18) = {
    MN_NETWORK_HEADER,
    .name = "preact-resnet18",
    .summary = "pre-activation ResNet-18: 4 stages of 2 blocks, by default for small images",
    .cite = "He et al., Identity mappings in deep residual networks, ECCV 2016",
    .options = preact_table,
    .options_size = sizeof(preact_options),
    .build = build_preact,
    .forward = forward_preact,
    .parallel = true,
};

MN_NETWORK(wide_resnet) = {
    MN_NETWORK_HEADER,
    .name = "wide-resnet",
    .summary = "wide residual network for small images: 3 stages, by default WRN-28-10",
    .cite = "Zagoruyko and Komodakis, Wide residual networks, BMVC 2016",
    .options = wide_table,
    .options_size = sizeof(wide_options),
    .build = build_wide,
    .forward = forward_wide,
    .parallel = true,
};
