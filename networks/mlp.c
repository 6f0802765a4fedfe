/* mlp.c -- fully connected layers with ReLU between: 784-100-100-C on the MNIST family, as in
 * Buzzega et al. 2020.
 *
 * The forward asks the network how many parameters there are instead of reading the widths again.
 */
#include <mneme/layers.h>
#include <stdio.h>

typedef struct mlp_options {
    const char *widths;
    bool batch_norm, classifier;
    int64_t init;
    mn_head head;
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
    MN_HEAD_OPTIONS(mlp_options, head),
    MN_END,
};

static mn_status build(mn_network *network, const void *values)
{
    const mlp_options *o = values;
    const mn_network_spec *spec = mn_network_spec_of(network);
    const bool pytorch = o->init == INIT_PYTORCH;
    const mn_layer_start start = {.weight = pytorch ? MN_INITIAL_PYTORCH_UNIFORM
                                                    : MN_INITIAL_XAVIER_UNIFORM,
                                  .bias = pytorch ? MN_INITIAL_PYTORCH_UNIFORM : MN_INITIAL_ZERO};
    int64_t widths[MN_MOST_LAYERS], inputs = mn_shape_count(spec->input);
    int layers;
    MN_TRY(mn_layer_widths("network.widths", o->widths, widths, &layers));
    for (int i = 0; i < layers; i++) {
        char layer[32];
        snprintf(layer, sizeof layer, "fc%d", i + 1);
        MN_TRY(mn_layer_add(network, layer, MN_SHAPE(widths[i], inputs), &start));
        snprintf(layer, sizeof layer, "bn%d", i + 1);
        if (o->batch_norm)
            MN_TRY(mn_layer_add_norm(network, layer, widths[i], true));
        inputs = widths[i];
    }
    char last[32];
    snprintf(last, sizeof last, "fc%d", layers + 1);
    return o->classifier ? mn_layer_add_head(network, &o->head, inputs, &start)
                         : mn_layer_add(network, last, MN_SHAPE(spec->classes, inputs), &start);
}

/* Those of the last layer, unless it is a head, are two more. */
static int hidden_layers(const mn_network *network, const mlp_options *o)
{
    int parameters = o->classifier ? 0 : -2;
    for (int i = 0; i < mn_network_parameter_count(network); i++)
        parameters += !mn_network_parameter(network, i)->head;
    return parameters / (o->batch_norm ? 4 : 2);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const mlp_options *o = values;
    const int64_t inputs = mn_shape_count(mn_network_spec_of(network)->input);
    const int hidden = hidden_layers(network, o);
    mn_walk walk = {.network = network, .mode = mode};
    mn_forwarded out = {.maps = NULL};
    out.features = mn_reshape(x, MN_SHAPE(mn_rows_of(x), inputs));
    for (int layer = 0; layer < hidden; layer++) {
        out.features = mn_layer_linear(&walk, out.features);
        if (o->batch_norm)
            out.features = mn_layer_batch_norm(&walk, out.features);
        out.features = mn_relu(out.features);
        mn_layer_map(&out, "hidden", layer, out.features);
    }
    out.logits = o->classifier ? mn_network_classify(network, out.features, mode)
                               : mn_layer_linear(&walk, out.features);
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
