/* networks.c -- StyleGAN2-like networks without its modulation: styles scale and shift
 * maps.
 *
 * Weights are equalised (Karras et al. 2018): stored from N(0, 1) and scaled where they are used,
 * so that Adam moves all layers at like rates.  A noise map with a strength for each channel is a
 * 1x1 convolution of it. */
#include "strategies/genifer/networks.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const double slope = 0.2;         /* of the leaky ReLU */
static const double mapping_rate = 0.01; /* of the layers that make styles, against the others */
enum { GROUP = 32, NAME = 32 };

/* --- declaring --- */

/* "conv", 3, ".weight" -> "conv3.weight"; without a number below 0. */
static const char *name_of(char name[NAME], const char *layer, int64_t number, const char *what)
{
    size_t at = 0;
    char digits[8];
    int count = 0;
    for (; *layer != '\0'; layer++)
        name[at++] = *layer;
    for (int64_t rest = number; rest > 0; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    while (count > 0)
        name[at++] = digits[--count];
    memcpy(name + at, what, strlen(what) + 1);
    return name;
}

static mn_status add(mn_network *network, const char *layer, int64_t number, mn_shape weight,
                     mn_initial bias)
{
    char name[NAME];
    return mn_layer_add_equalised(network, name_of(name, layer, number, ""), weight, 1, bias);
}

static mn_status add_conv(mn_network *network, int64_t number, int64_t inputs, int64_t outputs)
{
    return add(network, "conv", number, MN_SHAPE(outputs, inputs, 3, 3), MN_INITIAL_ZERO);
}

/* --- using --- */

static mn_var *linear(mn_walk *walk, mn_var *x)
{
    return mn_layer_equalised(walk, x, 1, 1);
}

static mn_var *conv(mn_walk *walk, mn_var *x)
{
    return mn_layer_equalised(walk, x, sqrt(2), 1); /* He et al.'s gain before a rectifier */
}

static mn_var *ones(mn_tape *tape, mn_shape shape)
{
    return mn_shift(mn_zeros(tape, shape), 1);
}

/* row (1, K) -> (rows, K) */
static mn_var *repeat(mn_var *row, int64_t rows)
{
    return mn_matmul(ones(mn_tape_of(row), MN_SHAPE(rows, 1)), row);
}

/* --- generator --- */

static const mn_option generator_options[] = {
    MN_INT(mn_generator_options, latent, 512, 1, 65536, "random numbers that an image is made of"),
    MN_INT(mn_generator_options, embedding, 256, 1, 65536, "width of a class's embedding"),
    MN_INT(mn_generator_options, style, 512, 1, 65536, "width of the style"),
    MN_INT(mn_generator_options, width, 512, 1, 65536, "channels of the first maps"),
    MN_INT(mn_generator_options, doublings, 3, 1, 8, "from the first maps to the image"),
    MN_END,
};

static int64_t width_at(const mn_generator_options *o, int64_t doubling)
{
    const int64_t width = o->width >> doubling;
    return width > 0 ? width : 1;
}

/* The i-th of 2 doublings + 1 style convolutions: its maps, and what it makes of them. */
typedef struct stage {
    int64_t inputs, outputs, height, width;
    bool doubles;
} stage;

static stage stage_at(const mn_generator_options *o, mn_shape image, int64_t i)
{
    const int64_t doubling = i / 2, left = o->doublings - doubling;
    const bool doubles = i % 2 == 1;
    return (stage){width_at(o, doubling), width_at(o, doubling + doubles), image.size[1] >> left,
                   image.size[2] >> left, doubles};
}

int64_t mn_generator_noise(const mn_generator_options *options, mn_shape image)
{
    int64_t floats = 0;
    for (int64_t i = 0; i <= 2 * options->doublings; i++) {
        const stage s = stage_at(options, image, i);
        floats += s.height * s.width;
    }
    return floats;
}

static mn_status check_image(const mn_network_spec *spec, const mn_generator_options *o)
{
    char text[64];
    const int64_t parts = (int64_t)1 << o->doublings;
    if (spec->input.rank != 3 || spec->input.size[1] % parts != 0 ||
        spec->input.size[2] % parts != 0)
        return mn_fail(MN_BAD_SHAPE,
                       "%lld doublings make no images %s; their height and width must be "
                       "multiples of %lld: set doublings",
                       (long long)o->doublings, mn_shape_text(spec->input, text), (long long)parts);
    return MN_OK;
}

/* Layers `number` of the style's scale and shift, and of the convolution that they go before. */
static mn_status add_style_conv(mn_network *network, const mn_generator_options *o,
                                const char *layer, int64_t number, int64_t inputs, int64_t outputs)
{
    const mn_shape from_style = MN_SHAPE(inputs, o->style);
    MN_TRY(add(network, "scale", number, from_style, MN_INITIAL_ONE));
    MN_TRY(add(network, "shift", number, from_style, MN_INITIAL_ZERO));
    return add(network, layer, number, MN_SHAPE(outputs, inputs, 3, 3), MN_INITIAL_ZERO);
}

static mn_status build_generator(mn_network *network, const void *values)
{
    const mn_generator_options *o = values;
    const mn_network_spec *spec = mn_network_spec_of(network);
    MN_TRY(check_image(spec, o));
    const stage first = stage_at(o, spec->input, 0);
    MN_TRY(add(network, "embed", 0, MN_SHAPE(o->embedding, spec->classes), MN_INITIAL_ZERO));
    for (int i = 1; i <= 2; i++) {
        char name[NAME];
        const int64_t inputs = i == 1 ? o->latent + o->embedding : o->style;
        MN_TRY(mn_layer_add_equalised(network, name_of(name, "map", i, ""),
                                      MN_SHAPE(o->style, inputs), mapping_rate, MN_INITIAL_ZERO));
    }
    MN_TRY(mn_network_parameter_add(network, "constant", MN_WEIGHT, false,
                                    MN_SHAPE(first.inputs, first.height, first.width),
                                    MN_INITIAL_ONE));
    for (int64_t i = 0; i <= 2 * o->doublings; i++) {
        const stage s = stage_at(o, spec->input, i);
        char name[NAME];
        MN_TRY(add_style_conv(network, o, "conv", i + 1, s.inputs, s.outputs));
        MN_TRY(mn_network_parameter_add(network, name_of(name, "noise", i + 1, ".weight"),
                                        MN_WEIGHT, false, MN_SHAPE(s.outputs, 1, 1, 1),
                                        MN_INITIAL_ZERO));
    }
    return add_style_conv(network, o, "out", 2 * o->doublings + 2, width_at(o, o->doublings),
                          spec->input.size[0]);
}

static mn_var *style_conv(mn_walk *walk, mn_var *x, mn_var *style)
{
    mn_var *scale = linear(walk, style), *shift = linear(walk, style);
    return conv(walk, mn_channel_affine(x, scale, shift));
}

/* The noise of this stage begins at column *column, which moves behind it. */
static mn_var *noisy(mn_walk *walk, const stage *s, mn_var *x, mn_var *noise, int64_t *column)
{
    const int64_t pixels = s->height * s->width;
    mn_var *map = mn_reshape(mn_columns(noise, *column, pixels),
                             MN_SHAPE(mn_rows_of(noise), 1, s->height, s->width));
    *column += pixels;
    return mn_add(x, mn_layer_conv(walk, map, 1, 0));
}

mn_var *mn_generator_images(mn_network *generator, const mn_generator_options *options,
                            mn_var *latent, mn_var *classes, mn_var *noise, mn_mode mode)
{
    const mn_shape image = mn_network_spec_of(generator)->input;
    const int64_t rows = mn_rows_of(latent);
    int64_t column = 0;
    mn_walk walk = {.network = generator, .mode = mode};
    mn_var *parts[] = {latent, linear(&walk, classes)};
    mn_var *style = mn_concat_columns(parts, 2);
    for (int i = 0; i < 2; i++)
        style = mn_leaky_relu(mn_layer_equalised(&walk, style, 1, mapping_rate), slope);
    mn_var *constant = mn_layer_next(&walk, latent);
    const mn_shape first = mn_shape_of(constant);
    mn_var *x = mn_reshape(repeat(mn_reshape(constant, MN_SHAPE(1, mn_shape_count(first))), rows),
                           MN_SHAPE(rows, first.size[0], first.size[1], first.size[2]));
    for (int64_t i = 0; i <= 2 * options->doublings; i++) {
        const stage s = stage_at(options, image, i);
        x = mn_leaky_relu(noisy(&walk, &s, style_conv(&walk, x, style), noise, &column), slope);
        if (s.doubles)
            x = mn_upsample_bilinear(x, 2 * s.height, 2 * s.width, true);
    }
    return style_conv(&walk, x, style);
}

/* x (B, latent + classes + noise): all three side by side */
static mn_forwarded forward_generator(mn_network *network, const void *values, mn_var *x,
                                      mn_mode mode)
{
    const mn_generator_options *o = values;
    const mn_network_spec *spec = mn_network_spec_of(network);
    const int64_t noise = mn_generator_noise(o, spec->input), classes = spec->classes;
    mn_var *images = mn_generator_images(network, o, mn_columns(x, 0, o->latent),
                                         mn_columns(x, o->latent, classes),
                                         mn_columns(x, o->latent + classes, noise), mode);
    return (mn_forwarded){.logits = images, .features = images};
}

static const mn_network_type generator_type = {
    MN_NETWORK_HEADER,
    .name = "genifer-generator",
    .summary = "styles that scale and shift maps, from a learned constant to an image",
    .cite = "Thandiackal et al., Match What Matters, Image and Vision Computing 2024",
    .options = generator_options,
    .options_size = sizeof(mn_generator_options),
    .build = build_generator,
    .forward = forward_generator,
    .parallel = true,
};

const mn_network_type *mn_generator_type(void)
{
    return &generator_type;
}

/* --- discriminator --- */

static const mn_option discriminator_options[] = {
    MN_INT(mn_discriminator_options, width, 256, 1, 65536, "channels of the first block"),
    MN_INT(mn_discriminator_options, most_width, 512, 1, 65536, "at which doubling them ends"),
    MN_INT(mn_discriminator_options, blocks, 2, 1, 8, "each of which halves the maps"),
    MN_INT(mn_discriminator_options, convolutions, 2, 1, 8, "in a block"),
    MN_INT(mn_discriminator_options, dense, 512, 1, 65536, "width behind the last maps"),
    MN_INT(mn_discriminator_options, projection, 128, 1, 65536, "width in which classes meet"),
    MN_END,
};

static int64_t block_width(const mn_discriminator_options *o, int64_t block)
{
    const int64_t width = o->width << block;
    return width < o->most_width ? width : o->most_width;
}

static mn_status build_discriminator(mn_network *network, const void *values)
{
    const mn_discriminator_options *o = values;
    const mn_network_spec *spec = mn_network_spec_of(network);
    char text[64];
    if (spec->input.rank != 3 || spec->input.size[1] >> o->blocks < 1 ||
        spec->input.size[2] >> o->blocks < 1)
        return mn_fail(MN_BAD_SHAPE,
                       "a discriminator of %lld blocks, each of which halves, cannot look at %s; "
                       "it needs maps (channels, height, width) that are larger, or fewer blocks",
                       (long long)o->blocks, mn_shape_text(spec->input, text));
    int64_t inputs = spec->input.size[0], number = 1;
    for (int64_t block = 0; block < o->blocks; block++)
        for (int64_t i = 0; i < o->convolutions; i++) {
            MN_TRY(add_conv(network, number++, inputs, block_width(o, block)));
            inputs = block_width(o, block);
        }
    MN_TRY(add_conv(network, number, inputs + 1, inputs));
    const int64_t pixels = (spec->input.size[1] >> o->blocks) * (spec->input.size[2] >> o->blocks);
    MN_TRY(add(network, "dense", 0, MN_SHAPE(o->dense, inputs * pixels), MN_INITIAL_ZERO));
    MN_TRY(add(network, "phi", 0, MN_SHAPE(o->projection, o->dense), MN_INITIAL_ZERO));
    return mn_network_parameter_add(network, "psi.weight", MN_WEIGHT, false,
                                    MN_SHAPE(o->projection, spec->classes), MN_INITIAL_NORMAL);
}

mn_var *mn_minibatch_deviation(mn_var *x, int64_t group)
{
    const mn_shape s = mn_shape_of(x);
    const int64_t rows = s.size[0];
    if (rows == 0 || s.rank != 4)
        return x;
    mn_tape *tape = mn_tape_of(x);
    const int64_t members = rows % group == 0 ? group : rows, groups = rows / members;
    const int64_t row = mn_shape_count(s) / rows, pixels = s.size[2] * s.size[3];
    /* Row n of each group's members side by side: a group is a stretch of columns. */
    mn_var *all = mn_reshape(x, MN_SHAPE(members, groups * row));
    mn_var *share = mn_scale(ones(tape, MN_SHAPE(1, members)), 1 / (double)members);
    mn_var *away = mn_sub(all, repeat(mn_matmul(share, all), members));
    mn_var *deviation = mn_sqrt(mn_shift(mn_matmul(share, mn_square(away)), 1e-8));
    mn_var *mean =
        mn_scale(mn_row_sum(mn_reshape(deviation, MN_SHAPE(groups, row))), 1 / (double)row);
    mn_var *each =
        mn_reshape(repeat(mn_reshape(mean, MN_SHAPE(1, groups)), members), MN_SHAPE(rows, 1));
    mn_var *parts[] = {mn_reshape(x, MN_SHAPE(rows, row)),
                       mn_matmul(each, ones(tape, MN_SHAPE(1, pixels)))};
    return mn_reshape(mn_concat_columns(parts, 2),
                      MN_SHAPE(rows, s.size[1] + 1, s.size[2], s.size[3]));
}

mn_var *mn_discriminator_scores(mn_network *discriminator, const mn_discriminator_options *options,
                                mn_var *maps, mn_var *classes, mn_mode mode)
{
    mn_walk walk = {.network = discriminator, .mode = mode};
    mn_var *x = maps;
    for (int64_t block = 0; block < options->blocks; block++) {
        for (int64_t i = 0; i < options->convolutions; i++)
            x = mn_leaky_relu(conv(&walk, x), slope);
        x = mn_average_pool_2d(x, 2, 2, 0);
    }
    x = mn_leaky_relu(conv(&walk, mn_minibatch_deviation(x, GROUP)), slope);
    const int64_t rows = mn_rows_of(x), row = rows > 0 ? mn_shape_count(mn_shape_of(x)) / rows : 0;
    x = mn_leaky_relu(linear(&walk, mn_reshape(x, MN_SHAPE(rows, row))), slope);
    mn_var *phi = linear(&walk, x), *weight = mn_layer_next(&walk, x);
    const double seen = (double)mn_shape_of(weight).size[1];
    mn_var *psi = mn_linear(classes, mn_scale(weight, 1 / sqrt(seen)), NULL);
    return mn_scale(mn_row_sum(mn_mul(phi, psi)), 1 / sqrt((double)options->projection));
}

/* x (B, maps + classes): both side by side */
static mn_forwarded forward_discriminator(mn_network *network, const void *values, mn_var *x,
                                          mn_mode mode)
{
    const mn_network_spec *spec = mn_network_spec_of(network);
    const mn_shape s = spec->input;
    const int64_t floats = mn_shape_count(s);
    mn_var *maps = mn_reshape(mn_columns(x, 0, floats),
                              MN_SHAPE(mn_rows_of(x), s.size[0], s.size[1], s.size[2]));
    mn_var *scores =
        mn_discriminator_scores(network, values, maps, mn_columns(x, floats, spec->classes), mode);
    return (mn_forwarded){.logits = scores, .features = scores};
}

static const mn_network_type discriminator_type = {
    MN_NETWORK_HEADER,
    .name = "genifer-discriminator",
    .summary = "convolutions on maps, and a projection in which maps and classes meet",
    .cite = "Thandiackal et al., Match What Matters, Image and Vision Computing 2024",
    .options = discriminator_options,
    .options_size = sizeof(mn_discriminator_options),
    .build = build_discriminator,
    .forward = forward_discriminator,
    .parallel = true,
};

const mn_network_type *mn_discriminator_type(void)
{
    return &discriminator_type;
}
