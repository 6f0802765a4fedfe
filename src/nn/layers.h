/* layers.h -- the layers that networks on images are made of.
 *
 * A forward walks the parameters in the order in which build() added them, so each layer is named
 * and shaped once. */
#ifndef MN_NN_LAYERS_H
#define MN_NN_LAYERS_H

#include "autograd/memory.h"
#include <mneme/image_ops.h>
#include <mneme/network.h>

enum { MN_MOST_LAYERS = 32 };
/* "100,100" -> 100, 100; `what` names the option in errors. */
mn_status mn_layer_widths(const char *what, const char *text, int64_t widths[MN_MOST_LAYERS],
                          int *count);

/* --- in build(): names are PyTorch's, "PREFIX.weight" and so on --- */
/* (outputs, inputs, size, size) without a bias. */
mn_status mn_layer_add_conv(mn_network *network, const char *prefix, int64_t inputs,
                            int64_t outputs, int64_t size);
mn_status mn_layer_add_conv_bias(mn_network *network, const char *prefix, int64_t outputs);
/* Scale and shift; with `running`, also the running statistics. */
mn_status mn_layer_add_norm(mn_network *network, const char *prefix, int64_t channels,
                            bool running);
/* A linear layer that is no classifier. */
mn_status mn_layer_add_linear(mn_network *network, const char *prefix, int64_t inputs,
                              int64_t outputs);
mn_status mn_layer_add_classifier(mn_network *network, int64_t inputs);
/* MN_BAD_SHAPE unless the network's input is (channels, height, width). */
mn_status mn_layer_check_images(const mn_network *network);

/* --- in forward() --- */
typedef struct mn_walk {
    mn_network *network;
    mn_mode mode;
    int parameter, statistic; /* the next ones */
} mn_walk;

mn_var *mn_layer_conv(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
mn_var *mn_layer_conv_with_bias(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
mn_var *mn_layer_batch_norm(mn_walk *walk, mn_var *x);
mn_var *mn_layer_batch_norm_relu(mn_walk *walk, mn_var *x);
mn_var *mn_layer_batch_norm_add_relu(mn_walk *walk, mn_var *x, mn_var *residual);
/* A convolution and its norm.  Without gradients, what lies between the two is given back at once.
 */
mn_var *mn_layer_conv_norm(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
mn_var *mn_layer_conv_norm_relu(mn_walk *walk, mn_var *x, int64_t stride, int64_t padding);
mn_var *mn_layer_conv_norm_add_relu(mn_walk *walk, mn_var *x, mn_var *residual, int64_t stride,
                                    int64_t padding);
mn_var *mn_layer_instance_norm(mn_walk *walk, mn_var *x);
mn_var *mn_layer_linear(mn_walk *walk, mn_var *x);
mn_var *mn_layer_linear_without_bias(mn_walk *walk, mn_var *x);
/* x by the name of PREFIX and `index` + 1. */
void mn_layer_map(mn_forwarded *out, const char *prefix, int index, mn_var *x);

#endif
