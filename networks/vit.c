/* vit.c -- vision transformers: an image is a row of patches (Dosovitskiy et al. 2021).
 *
 * A patch becomes a row by one linear map; a learned row, the class token, is put before them and
 * learned positions are added to all.  Blocks of attention and MLP, each behind a norm and around a
 * residual, follow; `features` is the class token behind a last norm.  `drop_path` leaves branches
 * out (stochastic depth), the more the deeper: the i-th of n blocks at drop_path (i - 1) / (n - 1),
 * as DeiT is trained (Touvron et al. 2021).  Names and beginnings are torchvision's
 * VisionTransformer's but for the classifier, which begins as PyTorch's linear layers do; weights
 * with timm's names load as well.
 */
#include <mneme/layers.h>
#include <stdio.h>

enum { TINY, SMALL, BASE, LARGE };
static const char *const sizes[] = {"tiny", "small", "base", "large", NULL};

typedef struct vit_options {
    int64_t size, patch, width, depth, heads, hidden;
    double drop_path;
    mn_head head;
} vit_options;

static const mn_option options[] = {
    MN_CHOICE(vit_options, size, TINY, sizes,
              "ViT-Ti, -S, -B or -L: width 192, 384, 768 or 1024; 12 blocks, 24 of -L; 3, 6, 12 or "
              "16 heads"),
    MN_INT(vit_options, patch, 16, 1, 256, "side of a patch in pixels; it divides the image's"),
    MN_INT(vit_options, width, 0, 0, 4096, "width of a row; 0: the size's"),
    MN_INT(vit_options, depth, 0, 0, 256, "blocks; 0: the size's"),
    MN_INT(vit_options, heads, 0, 0, 256, "heads, which divide the width; 0: the size's"),
    MN_INT(vit_options, hidden, 0, 0, 65536,
           "width between the two linear layers of a block's MLP; 0: 4 times the width"),
    MN_REAL(vit_options, drop_path, 0, 0, 0.99,
            "probability that an image skips the last block's branches in training; falls to 0 "
            "towards the first"),
    MN_HEAD_OPTIONS(vit_options, head),
    MN_END,
};

static const double epsilon = 1e-6;

/* What the network is made of: options without zeros. */
typedef struct plan {
    int64_t width, depth, heads, hidden;
} plan;

static plan plan_of(const vit_options *o)
{
    static const plan of_size[] = {
        {192, 12, 3, 0}, {384, 12, 6, 0}, {768, 12, 12, 0}, {1024, 24, 16, 0}};
    plan p = of_size[o->size];
    p.width = o->width > 0 ? o->width : p.width;
    p.depth = o->depth > 0 ? o->depth : p.depth;
    p.heads = o->heads > 0 ? o->heads : p.heads;
    p.hidden = o->hidden > 0 ? o->hidden : 4 * p.width;
    return p;
}

static mn_status check(const vit_options *o, const plan *p, mn_shape image)
{
    if (image.size[1] % o->patch != 0 || image.size[2] % o->patch != 0)
        return mn_fail(MN_BAD_OPTION,
                       "network.patch: patches of %lld pixels do not divide images of %lld x %lld",
                       (long long)o->patch, (long long)image.size[1], (long long)image.size[2]);
    return p->width % p->heads == 0
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "network.heads: %lld heads do not divide a width of %lld",
                         (long long)p->heads, (long long)p->width);
}

static mn_status build(mn_network *network, const void *values)
{
    const vit_options *o = values;
    const plan p = plan_of(o);
    MN_TRY(mn_layer_check_images(network));
    const mn_shape image = mn_network_spec_of(network)->input;
    MN_TRY(check(o, &p, image));
    const int64_t rows = (image.size[1] / o->patch) * (image.size[2] / o->patch);
    MN_TRY(mn_layer_add_patches(network, "conv_proj", p.width, o->patch));
    MN_TRY(mn_layer_add_embedding(network, "class_token", "encoder.pos_embedding", rows, p.width));
    for (int64_t i = 0; i < p.depth; i++) {
        char name[64];
        snprintf(name, sizeof name, "encoder.layers.encoder_layer_%lld", (long long)i);
        MN_TRY(mn_layer_add_encoder(network, name, p.width, p.hidden));
    }
    MN_TRY(mn_layer_add_norm(network, "encoder.ln", p.width, false));
    return mn_layer_add_head(network, &o->head, p.width, NULL);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const vit_options *o = values;
    const plan p = plan_of(o);
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    x = mn_layer_embedding(&walk, mn_layer_patches(&walk, x, o->patch));
    for (int64_t i = 0; i < p.depth; i++) {
        const double share = p.depth > 1 ? (double)i / (double)(p.depth - 1) : 1;
        x = mn_layer_encoder(&walk, x, p.heads, share * o->drop_path);
        mn_layer_map(&out, "block", (int)i, x);
    }
    x = mn_layer_row_norm(&walk, x, epsilon);
    out.features = mn_reshape(mn_slice(x, 1, 0, 1), MN_SHAPE(mn_shape_of(x).size[0], p.width));
    out.logits = mn_network_classify(network, out.features, mode);
    return out;
}

MN_NETWORK(vit) = {
    MN_NETWORK_HEADER,
    .name = "vit",
    .summary = "vision transformer with a class token; ViT and DeiT of four sizes",
    .cite = "Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021",
    .options = options,
    .options_size = sizeof(vit_options),
    .build = build,
    .forward = forward,
    .parallel = true,
};
