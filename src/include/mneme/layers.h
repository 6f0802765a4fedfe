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
 *         out.logits = mn_layer_linear(&walk, out.features);
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
/* PREFIX.weight (O,I,size,size), without a bias. */
MN_API mn_status mn_layer_add_conv(mn_network *network, const char *prefix, int64_t inputs,
                                   int64_t outputs, int64_t size);
/* PREFIX.weight and PREFIX.bias (C), scale and shift; with `running`, also the running statistics. */
MN_API mn_status mn_layer_add_norm(mn_network *network, const char *prefix, int64_t channels,
                                   bool running);
/* A convolution PREFIX.CONV and its norm, with running statistics, PREFIX.NORM. */
MN_API mn_status mn_layer_add_conv_norm(mn_network *network, const char *prefix, const char *conv,
                                        const char *norm, int64_t inputs, int64_t outputs,
                                        int64_t size);
/* The projections of an attention of that width, as in PyTorch's MultiheadAttention:
 * PREFIX.in_proj_weight (3 width,width) and PREFIX.in_proj_bias for queries, keys and values,
 * PREFIX.out_proj.weight (width,width) and PREFIX.out_proj.bias. */
MN_API mn_status mn_layer_add_attention(mn_network *network, const char *prefix, int64_t width);
/* TOKEN (1,1,width), a row that is put before the others, and POSITIONS (1,rows + 1,width), added to
 * all of them; both begin as normal numbers of deviation 0.02. */
MN_API mn_status mn_layer_add_embedding(mn_network *network, const char *token,
                                        const char *positions, int64_t rows, int64_t width);
/* classifier.weight (classes,I) and classifier.bias (classes). */
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
/* (B,I,H,W) -> (B,O,H',W') */
MN_API mn_var *mn_layer_conv(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
/* (B,C,H,W) -> (B,C,H',W'), each channel with a filter of its own: a weight (C,1,size,size). */
MN_API mn_var *mn_layer_conv_of_channels(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
MN_API mn_var *mn_layer_conv_with_bias(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);

/* Of x (B,C) or (B,C,H,W), with the running statistics that `mode` asks for. */
MN_API mn_var *mn_layer_batch_norm(mn_walk *walk, mn_var *x);
/* max(0, norm(x)) and max(0, norm(x) + residual) of x (B,C,H,W), each in one pass. */
MN_API mn_var *mn_layer_batch_norm_relu(mn_walk *walk, mn_var *x);
MN_API mn_var *mn_layer_batch_norm_add_relu(mn_walk *walk, mn_var *x, mn_var *residual);
/* Of each image's channels; a norm without running statistics. */
MN_API mn_var *mn_layer_instance_norm(mn_walk *walk, mn_var *x);

/* Of each row's last axis, whose scale and shift mn_layer_add_norm() adds without `running`. */
MN_API mn_var *mn_layer_row_norm(mn_walk *walk, mn_var *x, double epsilon);

/* --- of transformers; T rows of width D for each image (Vaswani et al. 2017, Dosovitskiy et al. 2021) */
/* (B,C,H,W) -> (B,T,D): a convolution with bias whose windows of size x size lie side by side. */
MN_API mn_var *mn_layer_patches(mn_walk *walk, mn_var *x, int64_t size);
/* (B,T,D) -> (B,T + 1,D) */
MN_API mn_var *mn_layer_embedding(mn_walk *walk, mn_var *x);
/* (B,T,D) -> (B,T,D): softmax(q k^T / sqrt(D / heads)) v of each head, and the projection of all. */
MN_API mn_var *mn_layer_attention(mn_walk *walk, mn_var *x, int64_t heads);

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
