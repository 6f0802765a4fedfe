/* layers.h -- the layers that networks are made of; the built-in networks are made of nothing else.
 *
 * build() adds the parameters of one layer after the other, and forward() walks them in that order,
 * so each layer is named and shaped once.  Names are PyTorch's (PREFIX.weight, PREFIX.bias,
 * PREFIX.running_mean, PREFIX.running_var), so that a state dict of the same modules fits.
 *
 *     static mn_status build(mn_network *network, const void *options)
 *     {
 *         MN_TRY(mn_layer_check_images(network));
 *         MN_TRY(mn_layer_add_conv(network, "conv", 3, 16, 3));
 *         MN_TRY(mn_layer_add_norm(network, "norm", 16, true));
 *         return mn_layer_add_classifier(network, 16);
 *     }
 *     static mn_forwarded forward(mn_network *network, const void *options, mn_var *x, mn_mode mode)
 *     {
 *         mn_walk walk = {network, mode, 0, 0};
 *         mn_forwarded out = {.maps = NULL};
 *         out.features = mn_global_average_pool(mn_layer_conv_norm_relu(&walk, x, 1, 1));
 *         out.logits = mn_network_classify(network, out.features, mode);
 *         return out;
 *     }
 *
 * Letters in shapes: B rows of a batch, I inputs, O outputs, C channels, H and W of an image.
 */
#ifndef MNEME_LAYERS_H
#define MNEME_LAYERS_H

#include <mneme/image_ops.h>
#include <mneme/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- in build() ------------------------------------------------------------------------------- */
/* What a layer's parameters begin as, where it is not PyTorch's default. */
typedef struct mn_layer_start {
    mn_initial weight, bias;
    double scale; /* of the weight's initial values; 0 leaves them as they are */
    bool head;    /* the layer belongs to the classifier */
} mn_layer_start;

/* PREFIX.weight of that shape, (O,I) or (O,I,H,W), and PREFIX.bias (O); NULL: PyTorch's start. */
MN_API mn_status mn_layer_add(mn_network *network, const char *prefix, mn_shape weight,
                              const mn_layer_start *start);
/* PREFIX.weight (O,I) and PREFIX.bias (O). */
MN_API mn_status mn_layer_add_linear(mn_network *network, const char *prefix, int64_t inputs,
                                     int64_t outputs);
/* PREFIX.weight (O,I,size,size), without a bias.  Of a convolution in groups, I are the channels of
 * one group; of one in which each channel has a filter of its own, 1. */
MN_API mn_status mn_layer_add_conv(mn_network *network, const char *prefix, int64_t inputs,
                                   int64_t outputs, int64_t size);
/* PREFIX.weight and PREFIX.bias (C), scale and shift; with `running`, also the running statistics. */
MN_API mn_status mn_layer_add_norm(mn_network *network, const char *prefix, int64_t channels,
                                   bool running);
/* A convolution PREFIX.CONV and its norm, with running statistics, PREFIX.NORM. */
MN_API mn_status mn_layer_add_conv_norm(mn_network *network, const char *prefix, const char *conv,
                                        const char *norm, int64_t inputs, int64_t outputs,
                                        int64_t size);
/* The same as mn_layer_add(), of weights that mn_layer_equalised() scales where they are used: they
 * begin as N(0, 1) / rate. */
MN_API mn_status mn_layer_add_equalised(mn_network *network, const char *prefix, mn_shape weight,
                                        double rate, mn_initial bias);

/* --- of transformers, in build(); names and beginnings are torchvision's VisionTransformer's --- */
/* PREFIX.weight (width,C,size,size) and PREFIX.bias, of the network's images' C channels. */
MN_API mn_status mn_layer_add_patches(mn_network *network, const char *prefix, int64_t width,
                                      int64_t size);
/* The projections of an attention of that width, as in PyTorch's MultiheadAttention:
 * PREFIX.in_proj_weight (3 width,width) and PREFIX.in_proj_bias for queries, keys and values,
 * PREFIX.out_proj.weight (width,width) and PREFIX.out_proj.bias. */
MN_API mn_status mn_layer_add_attention(mn_network *network, const char *prefix, int64_t width);
/* TOKEN (1,1,width), a row that is put before the others, and POSITIONS (1,rows + 1,width), added to
 * all of them; both begin as normal numbers of deviation 0.02. */
MN_API mn_status mn_layer_add_embedding(mn_network *network, const char *token,
                                        const char *positions, int64_t rows, int64_t width);
/* PREFIX.0 (hidden,width) and PREFIX.3 (width,hidden), weights and biases. */
MN_API mn_status mn_layer_add_mlp(mn_network *network, const char *prefix, int64_t width,
                                  int64_t hidden);
/* A norm PREFIX.ln_1, an attention PREFIX.self_attention, a norm PREFIX.ln_2, an MLP PREFIX.mlp. */
MN_API mn_status mn_layer_add_encoder(mn_network *network, const char *prefix, int64_t width,
                                      int64_t hidden);

/* The classifier behind the features f, as an option of a network chooses it.  MN_HEAD_LINEAR:
 * W f + b, classifier.weight (classes,I) and classifier.bias (classes).  MN_HEAD_COSINE: sigma
 * cos(f, w_k), classifier.weight and classifier.sigma (1), which begins at 1 (Hou et al., CVPR 2019).
 * MN_HEAD_MULTI: a linear layer for each task, side by side, classifier.0.weight (classes of the
 * first task,I), classifier.0.bias, classifier.1.weight, ...; a loss chooses among the outputs. */
enum { MN_HEAD_LINEAR, MN_HEAD_COSINE, MN_HEAD_MULTI };
typedef struct mn_head {
    int64_t kind;
    const char *classes; /* MN_HEAD_MULTI: of each task, "2,2,3"; a run fills it in from its stream */
} mn_head;
MN_API extern const char *const mn_head_kinds[];
/* The two rows of a network's option table, network.head and network.head_classes, for the mn_head
 * that is `member` of its options. */
#define MN_HEAD_OPTIONS(struct_type, member)                                                       \
    {.name = "head", .type = MN_OPTION_CHOICE,                                                     \
     .offset = offsetof(struct_type, member) + offsetof(mn_head, kind),                            \
     .default_int = MN_HEAD_LINEAR, .choices = mn_head_kinds,                                      \
     .help = "the classifier: a linear layer, cosines times a learned factor, or a linear layer "  \
             "for each task"},                                                                     \
    {.name = "head_classes", .type = MN_OPTION_TEXT,                                               \
     .offset = offsetof(struct_type, member) + offsetof(mn_head, classes), .default_text = "",     \
     .help = "with head=multi, the classes of each layer, as 2,2,3; empty: those of the tasks"}
/* `head` NULL: linear; `start` NULL: PyTorch's.  mn_network_classify() is its forward. */
MN_API mn_status mn_layer_add_head(mn_network *network, const mn_head *head, int64_t inputs,
                                   const mn_layer_start *start);
/* A linear head that begins as PyTorch's linear layers do. */
MN_API mn_status mn_layer_add_classifier(mn_network *network, int64_t inputs);
/* MN_BAD_SHAPE unless the network's input is (C,H,W). */
MN_API mn_status mn_layer_check_images(const mn_network *network);

#define MN_MOST_LAYERS 32
/* An option that lists widths: "100,100" -> 100, 100; `what` names it in errors. */
MN_API mn_status mn_layer_widths(const char *what, const char *text, int64_t widths[MN_MOST_LAYERS],
                                 int *count);

/* --- in forward() ----------------------------------------------------------------------------- */
typedef struct mn_walk {
    mn_network *network;
    mn_mode mode;
    int parameter, statistic; /* the next ones; both begin at 0 */
} mn_walk;

/* The next parameter alone, as a leaf on x's tape, for a layer that is not among those below. */
MN_API mn_var *mn_layer_next(mn_walk *walk, mn_var *x);

/* (B,I) -> (B,O), and of each row of more axes: (B,T,I) -> (B,T,O) */
MN_API mn_var *mn_layer_linear(mn_walk *walk, mn_var *x);
MN_API mn_var *mn_layer_linear_without_bias(mn_walk *walk, mn_var *x);

/* As a padding, below: TensorFlow's SAME, zeros so that H' = H / stride, rounded up; where their
 * number is odd, the one more is below and to the right. */
#define MN_PADDING_SAME (-1)
/* (B,C,H,W) -> (B,O,H',W'), in as many groups as the weight's I channels go into x's C. */
MN_API mn_var *mn_layer_conv(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
MN_API mn_var *mn_layer_conv_with_bias(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);

/* A layer with bias whose weight and bias are scaled where they are used, so that an optimiser which
 * moves all by like steps moves layers at like rates (Karras et al., ICLR 2018, 4.1):
 *     y = (gain rate / sqrt(n)) W x + rate b,  n the inputs that an output sums.
 * A weight (O,I) is of rows, a weight (O,I,size,size) of images, of stride 1 and SAME. */
MN_API mn_var *mn_layer_equalised(mn_walk *walk, mn_var *x, double gain, double rate);

/* Of x (B,C) or (B,C,H,W), with the running statistics that `mode` asks for. */
MN_API mn_var *mn_layer_batch_norm(mn_walk *walk, mn_var *x);
/* max(0, norm(x)) and max(0, norm(x) + residual) of x (B,C,H,W), each in one pass. */
MN_API mn_var *mn_layer_batch_norm_relu(mn_walk *walk, mn_var *x);
MN_API mn_var *mn_layer_batch_norm_add_relu(mn_walk *walk, mn_var *x, mn_var *residual);

/* Norms without running statistics: of each channel, and of each of `groups` groups of channels, of
 * each image (B,C,H,W); and of each row's last axis. */
MN_API mn_var *mn_layer_instance_norm(mn_walk *walk, mn_var *x);
MN_API mn_var *mn_layer_group_norm(mn_walk *walk, mn_var *x, int64_t groups);
MN_API mn_var *mn_layer_row_norm(mn_walk *walk, mn_var *x, double epsilon);

/* In training, elements become 0 with probability `rate`, the others 1 / (1 - rate) times as large
 * (mn_dropout()); keyed as mn_network_key_next() says.  In evaluation, x itself. */
MN_API mn_var *mn_layer_dropout(mn_walk *walk, mn_var *x, double rate);
/* x + branch; in training the branch of a row is left out with probability `rate`, and is
 * 1 / (1 - rate) times as large else: stochastic depth (Huang et al., ECCV 2016). */
MN_API mn_var *mn_layer_residual(mn_walk *walk, mn_var *x, mn_var *branch, double rate);

/* --- of transformers; T rows of width D for each image (Vaswani et al. 2017, Dosovitskiy et al. 2021) */
/* (B,C,H,W) -> (B,T,D): a convolution with bias whose windows of size x size lie side by side. */
MN_API mn_var *mn_layer_patches(mn_walk *walk, mn_var *x, int64_t size);
/* (B,T,D) -> (B,T + 1,D) */
MN_API mn_var *mn_layer_embedding(mn_walk *walk, mn_var *x);
/* (B,T,D) -> (B,T,D): softmax(q k^T / sqrt(D / heads)) v of each head, and the projection of all.  The
 * joint projection may have been added without a bias.  Scores and heads are maps: network.h. */
MN_API mn_var *mn_layer_attention(mn_walk *walk, mn_var *x, int64_t heads);
/* W' gelu(W x + b) + b' of each row */
MN_API mn_var *mn_layer_mlp(mn_walk *walk, mn_var *x);
/* x + attention(norm(x)), and that + mlp(norm(that)); each with mn_layer_residual()'s rate. */
MN_API mn_var *mn_layer_encoder(mn_walk *walk, mn_var *x, int64_t heads, double rate);

/* A convolution and its norm.  The memory of what lies between the two is released (mn_release()).
 */
MN_API mn_var *mn_layer_conv_norm(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
MN_API mn_var *mn_layer_conv_norm_relu(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
MN_API mn_var *mn_layer_conv_norm_add_relu(mn_walk *walk, mn_var *x, mn_var *residual,
                                           int64_t stride, int64_t padding);

/* mn_network_map_add() under the name of PREFIX and `index` + 1: "layer", 0 -> "layer1". */
MN_API void mn_layer_map(mn_forwarded *out, const char *prefix, int index, mn_var *x);

#ifdef __cplusplus
}
#endif
#endif
