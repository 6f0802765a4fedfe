/* mlp.c -- fully connected layers with ReLU between: 784-100-100-C on the MNIST family, as in
 * Buzzega et al. 2020.
 *
 * The forward asks the network how many parameters there are instead of reading the widths again.
 */
#include "nn/layers.h"

#include <stdio.h>

static const double norm_momentum = 0.1, norm_epsilon = 1e-5; /* PyTorch's defaults */

typedef struct mlp_options {
    const char *widths;
    bool batch_norm, classifier;
    int64_t init;
} mlp_options;

enum { INIT_XAVIER_UNIFORM, INIT_PYTORCH };
static const char *const inits[] = {"xavier_uniform", "pytorch", NULL};

static const mn_option options[] = {
    MN_TEXT(mlp_options, widths, "100,100", "units of the hidden layers; empty: a linear model"),
    MN_BOOL(mlp_options, batch_norm, false, "normalise before each ReLU"),
    MN_CHOICE(mlp_options, init, INIT_XAVIER_UNIFORM, inits,
              "initial weights: Glorot's with biases of zero, or PyTorch's defaults"),
    MN_BOOL(mlp_options, classifier, true,
            "the last layer is a classifier; false: one like the others, of a projection head"),
    MN_END,
};

/* --- parameters --- */

/* PyTorch's name of a member of a layer: "fc1", "weight" -> "fc1.weight". */
static const char *name_of(char name[64], const char *layer, const char *member)
{
    snprintf(name, 64, "%s.%s", layer, member);
    return name;
}

static mn_status add_linear(mn_network *network, const mlp_options *o, const char *layer, bool head,
                            int64_t inputs, int64_t outputs)
{
    char name[64];
    const bool pytorch = o->init == INIT_PYTORCH;
    MN_TRY(mn_network_parameter_add(
        network, name_of(name, layer, "weight"), MN_WEIGHT, head, MN_SHAPE(outputs, inputs),
        pytorch ? MN_INITIAL_PYTORCH_UNIFORM : MN_INITIAL_XAVIER_UNIFORM));
    return mn_network_parameter_add(network, name_of(name, layer, "bias"), MN_BIAS, head,
                                    MN_SHAPE(outputs),
                                    pytorch ? MN_INITIAL_PYTORCH_UNIFORM : MN_INITIAL_ZERO);
}

static mn_status add_norm(mn_network *network, const char *layer, int64_t units)
{
    char name[64];
    MN_TRY(mn_network_parameter_add(network, name_of(name, layer, "weight"), MN_NORM_SCALE, false,
                                    MN_SHAPE(units), MN_INITIAL_ONE));
    MN_TRY(mn_network_parameter_add(network, name_of(name, layer, "bias"), MN_NORM_SHIFT, false,
                                    MN_SHAPE(units), MN_INITIAL_ZERO));
    MN_TRY(mn_network_statistic_add(network, name_of(name, layer, "running_mean"), MN_SHAPE(units),
                                    0));
    return mn_network_statistic_add(network, name_of(name, layer, "running_var"), MN_SHAPE(units),
                                    1);
}

static mn_status build(mn_network *network, const void *values)
{
    const mlp_options *o = values;
    const mn_network_spec *spec = mn_network_spec_of(network);
    int64_t widths[MN_MOST_LAYERS], inputs = mn_shape_count(spec->input);
    int layers;
    MN_TRY(mn_layer_widths("network.widths", o->widths, widths, &layers));
    for (int i = 0; i < layers; i++) {
        char layer[32];
        snprintf(layer, sizeof layer, "fc%d", i + 1);
        MN_TRY(add_linear(network, o, layer, false, inputs, widths[i]));
        snprintf(layer, sizeof layer, "bn%d", i + 1);
        if (o->batch_norm)
            MN_TRY(add_norm(network, layer, widths[i]));
        inputs = widths[i];
    }
    char last[32] = "classifier";
    if (!o->classifier)
        snprintf(last, sizeof last, "fc%d", layers + 1);
    return add_linear(network, o, last, o->classifier, inputs, spec->classes);
}

/* --- forward --- */

/* x (B, I) -> (B, O), with the parameters at *next, which moves past them. */
static mn_var *linear(mn_network *network, int *next, mn_var *x, mn_mode mode)
{
    mn_var *weight = mn_network_leaf(network, (*next)++, x, mode);
    mn_var *bias = mn_network_leaf(network, (*next)++, x, mode);
    return mn_linear(x, weight, bias);
}

static mn_norm_mode norm_mode_of(mn_mode mode)
{
    if ((mode & MN_EVAL) != 0)
        return MN_NORM_RUNNING;
    return (mode & MN_TRAIN_FROZEN) != 0 ? MN_NORM_BATCH_FROZEN : MN_NORM_BATCH;
}

/* x (B, K) -> (B, K) */
static mn_var *normalise(mn_network *network, int *next, int layer, mn_var *x, mn_mode mode)
{
    mn_var *scale = mn_network_leaf(network, (*next)++, x, mode);
    mn_var *shift = mn_network_leaf(network, (*next)++, x, mode);
    return mn_batch_norm(x, scale, shift, mn_network_statistic(network, 2 * layer, NULL),
                         mn_network_statistic(network, 2 * layer + 1, NULL), norm_mode_of(mode),
                         norm_momentum, norm_epsilon);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const mlp_options *o = values;
    const int64_t inputs = mn_shape_count(mn_network_spec_of(network)->input);
    const int hidden = (mn_network_parameter_count(network) - 2) / (o->batch_norm ? 4 : 2);
    mn_forwarded out = {.maps = NULL};
    int next = 0;
    out.features = mn_reshape(x, MN_SHAPE(mn_rows_of(x), inputs));
    for (int layer = 0; layer < hidden; layer++) {
        out.features = linear(network, &next, out.features, mode);
        if (o->batch_norm)
            out.features = normalise(network, &next, layer, out.features, mode);
        out.features = mn_relu(out.features);
        mn_layer_map(&out, "hidden", layer, out.features);
    }
    out.logits = linear(network, &next, out.features, mode);
    return out;
}

MN_NETWORK(mlp) = {
    MN_NETWORK_HEADER,
    .name = "mlp",
    .summary = "fully connected layers with ReLU, by default 100 and 100 units",
    .cite = "Buzzega et al., Dark experience for general continual learning, NeurIPS 2020",
    .options = options,
    .options_size = sizeof(mlp_options),
    .build = build,
    .forward = forward,
};
