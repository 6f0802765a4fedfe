/* A network of every layer that mneme/layers.h has, on images of any size: some of those that the
 * built-in networks are not made of alone. */
#include <mneme/layers.h>
#include <mneme/ops.h>

typedef struct options_struct {
    int64_t width;
} options_struct;

static const mn_option options[] = {
    MN_INT(options_struct, width, 8, 1, 4096, "channels"),
    MN_END,
};

static mn_status build(mn_network *network, const void *values)
{
    const options_struct *o = values;
    const mn_layer_start small = {MN_INITIAL_XAVIER_UNIFORM, MN_INITIAL_ZERO, 0.5, false};
    MN_TRY(mn_layer_check_images(network));
    const int64_t channels = mn_network_spec_of(network)->input.size[0];
    MN_TRY(mn_layer_add_conv(network, "stem", channels, o->width, 3));
    MN_TRY(mn_layer_add_norm(network, "stem_norm", o->width, true));
    MN_TRY(mn_layer_add_conv(network, "block", o->width, o->width, 3));
    MN_TRY(mn_layer_add_norm(network, "block_norm", o->width, true));
    MN_TRY(mn_layer_add(network, "last", MN_SHAPE(o->width, o->width, 3, 3), &small));
    MN_TRY(mn_layer_add_norm(network, "last_norm", o->width, false));
    MN_TRY(mn_layer_add_linear(network, "hidden", o->width, o->width));
    MN_TRY(mn_layer_add_norm(network, "hidden_norm", o->width, true));
    MN_TRY(mn_network_parameter_add(network, "gain", MN_WEIGHT, false, MN_SHAPE(1, o->width),
                                    MN_INITIAL_ONE));
    return mn_layer_add_classifier(network, o->width);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    (void)values;
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    mn_var *stem = mn_layer_conv_norm_relu(&walk, x, 2, 1);
    x = mn_layer_conv_norm_add_relu(&walk, stem, stem, 1, 1);
    mn_layer_map(&out, "layer", 0, x);
    x = mn_layer_instance_norm(&walk, mn_layer_conv_with_bias(&walk, x, 1, 1));
    x = mn_global_average_pool(mn_relu(x));
    mn_var *hidden = mn_layer_batch_norm(&walk, mn_layer_linear(&walk, x));
    mn_release(x);
    mn_var *gain = mn_layer_next(&walk, hidden),
           *all = mn_zeros(mn_tape_of(x), mn_shape_of(hidden));
    mn_var *ones = mn_shift(mn_columns(all, 0, 1), 1); /* (B, 1) */
    out.features = mn_mul(hidden, mn_matmul(ones, gain));
    out.logits = mn_layer_linear(&walk, out.features);
    return out;
}

MN_NETWORK(brought) = {
    MN_NETWORK_HEADER,
    .name = "brought",
    .summary = "one of each layer",
    .options = options,
    .options_size = sizeof(options_struct),
    .build = build,
    .forward = forward,
};
