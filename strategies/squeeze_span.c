/* squeeze_span.c -- squeeze and span: what a replay generator computes inside teaches the
 * classifier's features, and no label is made up for what it draws.
 *
 *     L = the base's loss + kappa [alpha L_squeeze + (1 - alpha) L_span]
 *     L_squeeze = lambda mse(Z_s, Z_g) + mu [v(Z_s) + v(Z_g)] + nu [c(Z_s) + c(Z_g)]
 *     L_span    = lambda mse(Z_r, Z_r') + mu [v(Z_r) + v(Z_r')] + nu [c(Z_r) + c(Z_r')]
 *     Z_s = P(f(a(x'))),  Z_g = T(h_1, ..., h_L),  Z_r = P(f(a(x))),  Z_r' = P(f(a'(x)))
 *
 * x' is drawn by the generator as it was after the last task, h_l is what its l-th layer was at
 * that, averaged over places; x are images of the task and of the buffer; f are the network's
 * features, a and a' random views (the benchmark's section `views`), v and c the variance and
 * covariance of columns (shared/vicreg.h).  P and T are learned beside the network and used for
 * nothing else; T begins anew at each task, as its generator has changed.  Each kind of image goes
 * through the network in a forward of its own, so that norms do not mix them.  The first task has
 * no generator, and no term.
 *
 * The generator is dgr's variational autoencoder, trained in a phase of its own after each task but
 * the last: on the task's images and, in their share, on what the old one draws.
 */
#include "strategies/shared/labelled.h"
#include "strategies/shared/vae.h"
#include "strategies/shared/vicreg.h"

#include <mneme/layers.h>
#include <string.h>

typedef struct squeeze_options {
    double weight, share, invariance, variance, covariance, generator_lr;
    const char *generator, *projector;
    int64_t target, rows, width, squeeze_layers, generator_epochs, samples;
    bool reg_teacher;
} squeeze_options;

enum { SQUEEZED, TAPS, STANDARDISED };
static const char *const targets[] = {"squeeze", "taps", "standardised", NULL};

static const mn_option options[] = {
    MN_REAL(squeeze_options, weight, 0.04, 0, 1000, "kappa: weight of both losses"),
    MN_REAL(squeeze_options, share, 0.5, 0, 1,
            "alpha: share of the drawn images' loss; 1: no real image is looked at, 0: no "
            "generator is trained"),
    MN_CHOICE(squeeze_options, target, SQUEEZED, targets,
              "what a drawn image's features are brought to: what is squeezed out of the "
              "generator's layers, or, as plain distillation, the layers as they are, or each of "
              "their units brought to mean 0 and deviation 1 in the batch"),
    MN_BOOL(squeeze_options, reg_teacher, true,
            "target=squeeze: variance and covariance of what is squeezed, too, as in the paper; "
            "false: as in the authors' code"),
    MN_REAL(squeeze_options, invariance, 25, 0, 1e6, "lambda: weight of being equal"),
    MN_REAL(squeeze_options, variance, 25, 0, 1e6, "mu: weight of each column's deviation"),
    MN_REAL(squeeze_options, covariance, 1, 0, 1e6,
            "nu: weight of what two columns have in common"),
    MN_INT(squeeze_options, rows, 0, 0, 65536,
           "images drawn in a step, and real ones, half of which come from the buffer where there "
           "is one; 0: as many as a batch has"),
    MN_INT(squeeze_options, width, 128, 2, MN_VICREG_MOST, "columns of what is compared"),
    MN_TEXT(squeeze_options, projector, "128",
            "units of the hidden layers between the features and what is compared"),
    MN_INT(squeeze_options, squeeze_layers, 2, 0, 4,
           "hidden layers behind the sum of the generator's"),
    MN_TEXT(squeeze_options, generator, "{\"widths\": \"400,400\", \"latent\": 100}",
            "options of the generator, a network of type vae, as a JSON object"),
    MN_REAL(squeeze_options, generator_lr, 0.001, 0, 100, "learning rate of the generator (Adam)"),
    MN_INT(squeeze_options, generator_epochs, 0, 0, 1000000,
           "passes over a task's images that the generator is trained for; 0: as many as the "
           "network"),
    MN_INT(squeeze_options, samples, 100, 0, 65536,
           "images that the run file keeps after a task, to be looked at"),
    MN_END,
};

static const char *const differs[] = {
    "The authors train a network from nothing beside a StyleGAN2 that is given; here it is a term "
    "of a stream's loss, and the generator is a variational autoencoder that learns the stream.",
    "Their code changes a batch of drawn images by one draw; here each image has its own, as their "
    "real images have.",
    "Layers before a norm have biases here, which the norm takes out again.",
    NULL,
};

typedef struct squeeze_state {
    mn_network *generator, *old_generator, *projector, *squeeze;
    int64_t rows;
} squeeze_state;

/* --- T: one layer for each of the generator's, summed, and an MLP ------------------------------
 */

enum { MOST_TAPS = 8, MOST_HIDDEN = 4, TEXT = MOST_TAPS * 24 };
static const char *const tap_names[MOST_TAPS] = {"tap1", "tap2", "tap3", "tap4",
                                                 "tap5", "tap6", "tap7", "tap8"};
static const char *const hidden_names[MOST_HIDDEN] = {"fc1", "fc2", "fc3", "fc4"};
static const char *const norm_names[MOST_HIDDEN] = {"bn1", "bn2", "bn3", "bn4"};

typedef struct network_options {
    const char *taps;
    int64_t layers;
} network_options;

static const mn_option network_option_table[] = {
    MN_TEXT(network_options, taps, "1", "widths of the generator's layers"),
    MN_INT(network_options, layers, 2, 0, MOST_HIDDEN, "hidden layers behind their sum"),
    MN_END,
};

static mn_status build_squeeze(mn_network *network, const void *values)
{
    const network_options *o = values;
    const int64_t width = mn_network_spec_of(network)->classes;
    int64_t taps[MN_MOST_LAYERS];
    int count;
    MN_TRY(mn_layer_widths("taps", o->taps, taps, &count));
    for (int i = 0; i < count && i < MOST_TAPS; i++)
        MN_TRY(mn_layer_add_linear(network, tap_names[i], taps[i], width));
    for (int64_t i = 0; i < o->layers; i++) {
        MN_TRY(mn_layer_add_linear(network, hidden_names[i], width, width));
        MN_TRY(mn_layer_add_norm(network, norm_names[i], width, true));
    }
    return mn_layer_add_linear(network, "last", width, width);
}

/* x (B, all taps side by side) -> (B, width) */
static mn_forwarded forward_squeeze(mn_network *network, const void *values, mn_var *x,
                                    mn_mode mode)
{
    const network_options *o = values;
    const int64_t inputs = mn_shape_count(mn_network_spec_of(network)->input);
    mn_walk walk = {.network = network, .mode = mode};
    mn_var *sum = NULL;
    for (int64_t at = 0; at < inputs;) {
        const int64_t tap =
            mn_tensor_shape(mn_network_parameter(network, walk.parameter)->value).size[1];
        mn_var *one = mn_layer_linear(&walk, mn_columns(x, at, tap));
        sum = sum == NULL ? one : mn_add(sum, one);
        at += tap;
    }
    for (int64_t i = 0; i < o->layers; i++)
        sum = mn_relu(mn_layer_batch_norm(&walk, mn_layer_linear(&walk, sum)));
    mn_forwarded out = {.features = sum};
    out.logits = mn_layer_linear(&walk, sum);
    return out;
}

static const mn_network_type squeeze_type = {
    MN_NETWORK_HEADER,
    .name = "squeeze",
    .summary = "a layer for each of a generator's layers, their sum, and an MLP",
    .cite = "Yang et al., Distilling Representations from GAN Generator via Squeeze and Span, "
            "NeurIPS 2022",
    .options = network_option_table,
    .options_size = sizeof(network_options),
    .build = build_squeeze,
    .forward = forward_squeeze,
};

/* --- opening -----------------------------------------------------------------------------------
 */

static bool draws(const squeeze_options *o)
{
    return o->weight > 0 && o->share > 0;
}

/* The i-th of the generator's layers as rows (B, K): of maps their mean over places.  NULL past the
 * last. */
static mn_var *tap(const mn_forwarded *drawn, int i)
{
    mn_var *map = mn_network_map_of_role(drawn, MN_MAP_NAMED, i).value;
    return map != NULL && mn_shape_of(map).rank == 4 ? mn_global_average_pool(map) : map;
}

/* Adds ",123" or, to nothing, "123". */
static void append_width(char text[TEXT], int64_t width)
{
    char digits[20];
    size_t at = strlen(text);
    int count = 0;
    if (at > 0)
        text[at++] = ',';
    for (; width > 0; width /= 10)
        digits[count++] = (char)('0' + width % 10);
    while (count > 0)
        text[at++] = digits[--count];
    text[at] = '\0';
}

/* Widths of the generator's layers as text, and their sum. */
static mn_status measure_taps(mn_learner *learner, char text[TEXT], int64_t *sum)
{
    const squeeze_state *s = mn_state(learner);
    mn_tape *tape;
    int count = 0;
    MN_TRY(mn_tape_new(&tape));
    const mn_forwarded drawn =
        mn_network_forward(s->generator, mn_zeros(tape, MN_SHAPE(1, mn_vae_latent(s->generator))),
                           MN_EVAL | MN_NO_GRADIENT);
    text[0] = '\0';
    *sum = 0;
    for (mn_var *map; (map = tap(&drawn, count)) != NULL && mn_tape_status(tape) == MN_OK;
         count++) {
        const int64_t width = mn_shape_of(map).size[1];
        *sum += width;
        if (count < MOST_TAPS)
            append_width(text, width);
    }
    mn_status status = mn_tape_status(tape);
    if (status == MN_UNSUPPORTED && count == 0)
        status = mn_fail(MN_BAD_OPTION, "squeeze-span.generator: no hidden layer to learn from; "
                                        "set its widths, as \"400,400\"");
    else if (status != MN_OK)
        status = mn_fail(status, "squeeze-span.generator: %s", mn_tape_error(tape));
    else if (count > MOST_TAPS)
        status =
            mn_fail(MN_BAD_OPTION, "squeeze-span.generator: %d hidden layers; expected at most %d",
                    count, MOST_TAPS);
    mn_tape_free(tape);
    return status;
}

/* P, of BN before each ReLU */
static mn_status add_projector(mn_learner *learner, int64_t width)
{
    const squeeze_options *o = mn_options(learner);
    squeeze_state *s = mn_state(learner);
    static const char before[] = "{\"batch_norm\":true,\"classifier\":false,\"init\":\"pytorch\","
                                 "\"widths\":\"";
    char text[sizeof before + 256 + 2];
    int64_t widths[MN_MOST_LAYERS];
    int count;
    MN_TRY(mn_layer_widths("squeeze-span.projector", o->projector, widths, &count));
    const size_t length = strlen(o->projector);
    if (length > 256)
        return mn_fail(MN_BAD_OPTION,
                       "squeeze-span.projector: %zu characters; expected at most 256", length);
    memcpy(text, before, sizeof before - 1);
    memcpy(text + sizeof before - 1, o->projector, length);
    memcpy(text + sizeof before - 1 + length, "\"}", 3);
    const mn_network_spec spec = {
        "mlp", text, MN_SHAPE(mn_network_features(mn_learner_network(learner))), width};
    MN_TRY(mn_add_network(learner, "projector", &spec, &s->projector));
    return mn_train_with_shared(learner, s->projector);
}

static mn_status add_generator(mn_learner *learner, int64_t *width)
{
    const squeeze_options *o = mn_options(learner);
    squeeze_state *s = mn_state(learner);
    char taps[TEXT];
    int64_t sum;
    MN_TRY(mn_vae_add(learner, o->generator, "squeeze-span.generator", &s->generator,
                      &s->old_generator));
    MN_TRY(mn_add_optimiser(learner, "generator", "adam", "", s->generator, o->generator_lr));
    MN_TRY(measure_taps(learner, taps, &sum));
    if (o->target != SQUEEZED) {
        *width = sum;
        return MN_OK;
    }
    const network_options of_squeeze = {taps, o->squeeze_layers};
    const mn_network_spec spec = {.input = MN_SHAPE(sum), .classes = o->width};
    MN_TRY(mn_add_network_of(learner, "squeeze", &squeeze_type, &of_squeeze, &spec, &s->squeeze));
    return mn_train_with_shared(learner, s->squeeze);
}

static mn_status open(mn_learner *learner)
{
    const squeeze_options *o = mn_options(learner);
    squeeze_state *s = mn_state(learner);
    const mn_view_spec views = mn_full_views(learner);
    int64_t width = o->width;
    s->rows = o->rows > 0 ? o->rows : mn_batch_size(learner);
    if (mn_network_features(mn_learner_network(learner)) == 0)
        return mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
    if (s->rows < 2)
        return mn_fail(MN_BAD_OPTION,
                       "squeeze-span.rows: 1 image a step; columns of one row have no "
                       "deviation: set 2 or more");
    MN_TRY(mn_check_views(learner, &views));
    if (draws(o))
        MN_TRY(add_generator(learner, &width));
    if (width > MN_VICREG_MOST)
        return mn_fail(
            MN_BAD_OPTION,
            "squeeze-span.target: the generator's layers have %lld units; expected at most "
            "%d: make them narrower, or squeeze them",
            (long long)width, MN_VICREG_MOST);
    return add_projector(learner, width);
}

static mn_status before_task(mn_learner *learner)
{
    const squeeze_state *s = mn_state(learner);
    if (s->generator != NULL)
        MN_TRY(mn_network_copy(s->old_generator, s->generator));
    return s->squeeze != NULL ? mn_reinitialise(learner, s->squeeze) : MN_OK;
}

/* --- the losses --------------------------------------------------------------------------------
 */

/* (rows, width) of one view of each image. */
static mn_var *seen(mn_learner *learner, const char *name, const mn_batch *batch)
{
    const squeeze_state *s = mn_state(learner);
    const mn_view_spec spec = mn_full_views(learner);
    const mn_batch *view = mn_views(learner, name, batch, &spec, 1);
    mn_var *features = mn_forward(learner, view, MN_TRAIN)->features;
    return mn_network_forward(s->projector, features, MN_TRAIN).logits;
}

/* `both`: the second's columns are held apart, too. */
static void compare(mn_learner *learner, const char *const names[3], double weight, mn_var *a,
                    mn_var *b, bool both)
{
    const squeeze_options *o = mn_options(learner);
    mn_var *variance = mn_vicreg_variance(a), *covariance = mn_vicreg_covariance(a);
    if (both) {
        variance = mn_add(variance, mn_vicreg_variance(b));
        covariance = mn_add(covariance, mn_vicreg_covariance(b));
    }
    mn_term(learner, names[0], weight * o->invariance, mn_mse(a, b));
    mn_term(learner, names[1], weight * o->variance, variance);
    mn_term(learner, names[2], weight * o->covariance, covariance);
}

/* (rows, all layers side by side) */
static mn_var *taps_of(const mn_forwarded *drawn)
{
    mn_var *map = tap(drawn, 0), *all = map;
    for (int i = 1; i < MOST_TAPS && map != NULL; i++)
        if ((map = tap(drawn, i)) != NULL)
            all = mn_concat_columns((mn_var *[]){all, map}, 2);
    return all;
}

static void add_squeeze(mn_learner *learner, mn_tape *tape)
{
    static const char *const names[] = {"squeeze-invariance", "squeeze-variance",
                                        "squeeze-covariance"};
    const squeeze_options *o = mn_options(learner);
    const squeeze_state *s = mn_state(learner);
    const double weight = o->weight * o->share;
    const mn_shape shape = MN_SHAPE(s->rows, mn_vae_latent(s->old_generator));
    const mn_forwarded drawn = mn_network_forward(
        s->old_generator, mn_noise(learner, tape, "code", shape), MN_EVAL | MN_NO_GRADIENT);
    const mn_batch *images =
        mn_plain_images(learner, mn_sigmoid(drawn.logits), NULL, (mn_range){0, 0});
    mn_var *student = seen(learner, "drawn", images), *taps = taps_of(&drawn);
    mn_term(learner, "deviation", 0, mn_detach(mn_mean(mn_vicreg_deviations(student))));
    if (o->target == SQUEEZED)
        compare(learner, names, weight, student,
                mn_network_forward(s->squeeze, taps, MN_TRAIN).logits, o->reg_teacher);
    else
        mn_term(learner, names[0], weight * o->invariance,
                mn_mse(student, o->target == TAPS ? taps : mn_vicreg_standardised(taps)));
}

/* Of the task and, as far as there is one that keeps images, of the buffer. */
static const mn_batch *real_images(mn_learner *learner, mn_shape image)
{
    const squeeze_state *s = mn_state(learner);
    const mn_batch *old = mn_draw(learner, "old", s->rows / 2);
    const bool images = old->count > 0 && mn_shape_equal(old->image, image);
    const int64_t wanted = s->rows - (images ? old->count : 0);
    const mn_batch *new = mn_draw_images(learner, "new", wanted);
    return images ? mn_join(learner, new, old) : new;
}

static void add_span(mn_learner *learner, mn_shape image)
{
    static const char *const names[] = {"span-invariance", "span-variance", "span-covariance"};
    const squeeze_options *o = mn_options(learner);
    const mn_batch *real = real_images(learner, image);
    if (real->count < 2)
        return;
    mn_var *first = seen(learner, "first", real), *second = seen(learner, "second", real);
    compare(learner, names, o->weight * (1 - o->share), first, second, true);
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    const squeeze_options *o = mn_options(learner);
    int i = 0;
    while (i < n && !mn_is_training_forward(learner, published[i]))
        i++;
    if (mn_task(learner) == 0 || o->weight == 0 || i == n)
        return MN_OK;
    if (o->share > 0)
        add_squeeze(learner, tape);
    if (o->share < 1)
        add_span(learner, published[i]->batch->image);
    return MN_OK;
}

/* --- the generator -----------------------------------------------------------------------------
 */

/* After the last task nothing will be drawn. */
static int64_t generator_epochs(mn_learner *learner)
{
    const squeeze_options *o = mn_options(learner);
    if (!draws(o) || mn_task(learner) == mn_tasks(learner) - 1)
        return 0;
    return o->generator_epochs > 0 ? o->generator_epochs : MN_USUAL_EPOCHS;
}

static mn_status learn_generator(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const squeeze_state *s = mn_state(learner);
    mn_var *drawn = mn_task(learner) > 0 ? mn_vae_draw(learner, tape, s->old_generator,
                                                       "replay code", mn_batch_size(learner))
                                         : NULL;
    mn_vae_learn(learner, tape, s->generator, now, drawn);
    return MN_OK;
}

/* --- what is noted after a task -----------------------------------------------------------------
 */

enum { MEASURED = 2000, PIECE = 250 };

/* (PIECE, width): P(f(x')) of drawn images as they are, in evaluation. */
static mn_var *measured_piece(mn_learner *learner, mn_tape *tape, mn_var *codes)
{
    const squeeze_state *s = mn_state(learner);
    const mn_batch *images =
        mn_plain_images(learner, mn_vae_images(s->old_generator, codes), NULL, (mn_range){0, 0});
    const mn_shape image = images->image;
    mn_var *x = mn_input(tape, MN_SHAPE(images->count, image.size[0], image.size[1], image.size[2]),
                         images->x, false);
    mn_var *features =
        mn_network_forward(mn_learner_network(learner), x, MN_EVAL | MN_NO_GRADIENT).features;
    return mn_network_forward(s->projector, features, MN_EVAL | MN_NO_GRADIENT).logits;
}

/* Whether columns have collapsed, or say the same: of 2000 drawn images. */
static mn_status measure(mn_learner *learner, mn_tape *tape)
{
    const squeeze_state *s = mn_state(learner);
    mn_var *all = NULL, *codes = mn_fixed_noise(learner, tape, "measured",
                                                MN_SHAPE(MEASURED, mn_vae_latent(s->generator)));
    for (int64_t i = 0; i < MEASURED; i += PIECE)
        all = mn_rows_below(all, measured_piece(learner, tape, mn_rows(codes, i, PIECE)));
    const double deviation = mn_item(mn_mean(mn_vicreg_deviations(all)));
    const double correlation = mn_item(mn_vicreg_correlation(all));
    if (mn_tape_status(tape) != MN_OK)
        return mn_fail(mn_tape_status(tape), "%s", mn_tape_error(tape));
    MN_TRY(mn_note(learner, "deviation of columns", deviation));
    return mn_note(learner, "correlation of columns", correlation);
}

static mn_status after_task(mn_learner *learner)
{
    const squeeze_options *o = mn_options(learner);
    const squeeze_state *s = mn_state(learner);
    mn_tape *tape;
    if (generator_epochs(learner) != 0)
        MN_TRY(mn_vae_keep_samples(learner, s->generator, o->samples));
    if (!draws(o) || mn_task(learner) == 0)
        return MN_OK;
    MN_TRY(mn_tape_new(&tape));
    const mn_status status = measure(learner, tape);
    mn_tape_free(tape);
    return status;
}

static const mn_update updates[] = {
    {.name = "generator", .optimiser = "generator", .loss = learn_generator},
    {.name = NULL},
};
static const mn_phase phases[] = {
    {.name = "generator", .source = MN_FROM_STREAM, .epochs = generator_epochs, .updates = updates},
    {.name = NULL},
};

MN_STRATEGY(squeeze_span) = {
    MN_STRATEGY_HEADER,
    .name = "squeeze-span",
    .summary = "Squeeze and span: features learn what a replay generator computes inside (add-on).",
    .cite = "Yang et al., Distilling Representations from GAN Generator via Squeeze and Span, "
            "NeurIPS 2022",
    .options = options,
    .options_size = sizeof(squeeze_options),
    .state_size = sizeof(squeeze_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .term = term,
    .after_task = after_task,
    .differs = differs,
};
