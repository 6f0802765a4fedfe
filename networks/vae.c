/* vae.c -- a variational autoencoder of fully connected layers: a generator of images.
 *
 *     (mean, log variance) = encoder(x),  z = mean + exp(log variance / 2) e,  x^ = s(decoder(z))
 *
 * s is the sigmoid, which is left to the loss.  The noise e comes from outside, as columns behind
 * the image's, so that a forward is a function of its input: x (B, pixels + latent) is encoded and
 * decoded, x (B, latent) alone is decoded.  Logits (B, pixels) are those of the image; features
 * (B, 2 latent) mean and log variance, or x itself.  The decoder has the encoder's layers turned
 * round; its hidden layers are the maps "decoder1", "decoder2", ...  As in van de Ven's code the
 * log variance has no bias.
 */
#include <mneme/layers.h>
#include <stdio.h>

typedef struct vae_options {
    const char *widths;
    int64_t latent;
} vae_options;

static const mn_option options[] = {
    MN_TEXT(vae_options, widths, "400,400", "units of the encoder's hidden layers"),
    MN_INT(vae_options, latent, 100, 1, 65536, "units of the code"),
    MN_END,
};

static mn_status add_stack(mn_network *network, const char *part, const int64_t *units, int layers,
                           int step)
{
    for (int i = 0; i < layers; i++) {
        char prefix[48];
        snprintf(prefix, sizeof prefix, "%s.fc%d", part, i + 1);
        MN_TRY(mn_layer_add_linear(network, prefix, units[i * step], units[(i + 1) * step]));
    }
    return MN_OK;
}

static mn_status build(mn_network *network, const void *values)
{
    const vae_options *o = values;
    const mn_network_spec *spec = mn_network_spec_of(network);
    const int64_t pixels = mn_shape_count(spec->input);
    if (spec->classes != pixels)
        return mn_fail(MN_BAD_SHAPE,
                       "a vae gives back its input of %lld pixels, not %lld classes: it is a "
                       "generator, not a classifier",
                       (long long)pixels, (long long)spec->classes);
    int64_t units[2 + MN_MOST_LAYERS] = {pixels}; /* pixels, widths, latent */
    int layers;
    MN_TRY(mn_layer_widths("widths of a vae", o->widths, units + 1, &layers));
    units[layers + 1] = o->latent;
    MN_TRY(add_stack(network, "encoder", units, layers, 1));
    MN_TRY(mn_layer_add_linear(network, "mean", units[layers], o->latent));
    MN_TRY(mn_network_parameter_add(network, "log_variance.weight", MN_WEIGHT, false,
                                    MN_SHAPE(o->latent, units[layers]),
                                    MN_INITIAL_PYTORCH_UNIFORM));
    return add_stack(network, "decoder", units + layers + 1, layers + 1, -1);
}

static void decode(mn_walk *walk, int layers, mn_var *z, mn_forwarded *out)
{
    for (int i = 0; i < layers; i++) {
        z = mn_relu(mn_layer_linear(walk, z));
        mn_layer_map(out, "decoder", i, z);
    }
    out->logits = mn_layer_linear(walk, z);
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    const vae_options *o = values;
    mn_walk walk = {.network = network, .mode = mode};
    const int64_t pixels = mn_shape_count(mn_network_spec_of(network)->input), latent = o->latent;
    const int layers = (mn_network_parameter_count(network) - 5) / 4; /* hidden, on either side */
    const mn_shape shape = mn_shape_of(x);
    mn_forwarded out = {.features = x};
    if (shape.rank == 2 && shape.size[1] == latent) {
        walk.parameter = 2 * layers + 3;
        decode(&walk, layers, x, &out);
        return out;
    }
    mn_var *hidden = mn_columns(x, 0, pixels), *noise = mn_columns(x, pixels, latent);
    for (int i = 0; i < layers; i++)
        hidden = mn_relu(mn_layer_linear(&walk, hidden));
    mn_var *mean = mn_layer_linear(&walk, hidden);
    mn_var *log_variance = mn_layer_linear_without_bias(&walk, hidden);
    mn_var *z = mn_add(mean, mn_mul(mn_exp(mn_scale(log_variance, 0.5)), noise));
    out.features = mn_concat_columns((mn_var *[]){mean, log_variance}, 2);
    decode(&walk, layers, z, &out);
    return out;
}

MN_NETWORK(vae) = {
    MN_NETWORK_HEADER,
    .name = "vae",
    .summary = "variational autoencoder, the generator of dgr; it does not classify",
    .cite = "Kingma and Welling, Auto-encoding variational Bayes, ICLR 2014",
    .options = options,
    .options_size = sizeof(vae_options),
    .build = build,
    .forward = forward,
};
