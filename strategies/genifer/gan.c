/* gan.c -- training the generator of Genifer.
 *
 *     L_D = softplus(D(f, c)) + softplus(-D(r, c)) + R1,   r, f = phi(A(x)) of real and made images
 *     R1  = gamma / 2 16/17 mean_i |dD(r_i) / dr_i|^2, in every 16th step
 *     L_G = softplus(-D(phi(A(G(z, c))), c)) + distil old/new classes mean |G(z, c) - G'(z, c)|
 *
 * phi are maps of the frozen classifier in evaluation mode, through which the gradient reaches the
 * images; A is adaptive augmentation, of images that have not been cropped or mirrored.  From the
 * second task on half of the "real" images come from the previous generator G', for classes and
 * noise that G gets, too.  What is replayed is a running average of G.  R1 is a difference of
 * first-order gradients (mn_loss_of_gradient()).
 *
 * Images are made once a step: the discriminator moves first, on a copy that no gradient passes.
 * The authors' code makes them again for the generator's update, of the same latent numbers and
 * classes with new noise maps and changes. */
#include "strategies/genifer/gan.h"
#include "strategies/genifer/augment.h"

#include <math.h>

enum { MOST_ROWS = MN_MOST_AUGMENTED, PENALTY_EVERY = 16, ADAPT_EVERY = 4 };
/* Rates are lower by it, as the penalty makes 17 updates of 16. */
static const double lazy = (double)PENALTY_EVERY / (PENALTY_EVERY + 1);
static const double certain_of = 0.99; /* share of the past in the running mean of the loss */

mn_var *mn_genifer_maps(mn_learner *learner, mn_network *classifier, mn_var *images, mn_mode mode)
{
    const mn_genifer_options *o = mn_options(learner);
    const mn_forwarded seen = mn_network_forward(classifier, images, mode);
    return mn_network_map(&seen, o->stage);
}

/* --- opening --- */

static mn_status size_of_maps(mn_learner *learner, mn_shape *maps)
{
    const mn_genifer_state *s = mn_state(learner);
    mn_tape *tape;
    MN_TRY(mn_tape_new(&tape));
    mn_var *image =
        mn_zeros(tape, MN_SHAPE(1, s->image.size[0], s->image.size[1], s->image.size[2]));
    mn_var *seen =
        mn_genifer_maps(learner, mn_learner_network(learner), image, MN_EVAL | MN_NO_GRADIENT);
    mn_status status = mn_tape_status(tape);
    const mn_shape shape = mn_shape_of(seen);
    if (status != MN_OK)
        status = mn_fail(status, "genifer.stage: %s", mn_tape_error(tape));
    else if (shape.rank != 4)
        status = mn_fail(MN_BAD_OPTION,
                         "genifer.stage: the maps of a stage are images; this network has none");
    mn_tape_free(tape);
    *maps = MN_SHAPE(shape.size[1], shape.size[2], shape.size[3]);
    return status;
}

static mn_status add_networks(mn_learner *learner, mn_shape maps)
{
    mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    const mn_network_spec makes = {.input = s->image, .classes = mn_classes(learner, MN_ALL).count};
    const mn_network_spec looks = {.input = maps, .classes = makes.classes};
    const mn_network_type *generator = mn_generator_type();
    MN_TRY(mn_add_network_of(learner, "generator", generator, &s->generator_options, &makes,
                             &s->generator));
    MN_TRY(mn_add_network_of(learner, "average", generator, &s->generator_options, &makes,
                             &s->average));
    MN_TRY(mn_add_network_of(learner, "previous", generator, &s->generator_options, &makes,
                             &s->previous));
    MN_TRY(mn_add_network_of(learner, "discriminator", mn_discriminator_type(),
                             &s->discriminator_options, &looks, &s->discriminator));
    MN_TRY(mn_add_optimiser(learner, "generator", "adam", "{\"beta1\": 0, \"beta2\": 0.99}",
                            s->generator, o->generator_lr));
    /* 0.99^(16/17) */
    return mn_add_optimiser(learner, "discriminator", "adam",
                            "{\"beta1\": 0, \"beta2\": 0.990585633446}", s->discriminator,
                            o->discriminator_lr * lazy);
}

static mn_status keep_numbers(mn_learner *learner)
{
    mn_genifer_state *s = mn_state(learner);
    MN_TRY(mn_keep_int(learner, "updates", &s->updates));
    MN_TRY(mn_keep_real(learner, "augmented", &s->augmented));
    MN_TRY(mn_keep_real(learner, "signs", &s->signs));
    MN_TRY(mn_keep_real(learner, "certainty", &s->certainty));
    *s->certainty = 1;
    return MN_OK;
}

mn_status mn_genifer_open_gan(mn_learner *learner)
{
    mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    s->generator_options =
        (mn_generator_options){o->latent, o->embedding, o->style, o->width, o->doublings};
    s->discriminator_options = (mn_discriminator_options){
        o->discriminator_width, o->discriminator_most, o->blocks, o->convolutions, o->dense,
        o->projection};
    mn_shape maps;
    MN_TRY(size_of_maps(learner, &maps));
    if (!o->generator)
        return MN_OK;
    if (o->sees == MN_GENIFER_PIXELS)
        maps = s->image;
    MN_TRY(add_networks(learner, maps));
    s->noise = mn_generator_noise(&s->generator_options, s->image);
    return keep_numbers(learner);
}

mn_status mn_genifer_begin_gan(mn_learner *learner)
{
    const mn_genifer_state *s = mn_state(learner);
    *s->updates = 0;
    *s->augmented = *s->signs = 0;
    *s->certainty = 1;
    if (mn_task(learner) == 0)
        return MN_OK;
    MN_TRY(mn_network_copy(s->previous, s->average));
    return mn_network_copy(s->generator, s->average);
}

/* After the last task nothing will be replayed. */
int64_t mn_genifer_gan_steps(mn_learner *learner)
{
    const mn_genifer_options *o = mn_options(learner);
    if (!o->generator || mn_task(learner) == mn_tasks(learner) - 1)
        return 0;
    return mn_task(learner) == 0 ? o->steps : o->later_steps;
}

int64_t mn_genifer_gan_batch(mn_learner *learner)
{
    const mn_genifer_options *o = mn_options(learner);
    return mn_task(learner) == 0 ? o->gan_batch : o->gan_batch / 2;
}

/* --- making images --- */

/* The three inputs of the generator. */
typedef struct recipe {
    mn_var *latent, *classes, *noise;
} recipe;

static recipe recipe_of(mn_learner *learner, mn_tape *tape, const char *const names[3],
                        mn_range classes, int64_t count, int32_t *labels)
{
    const mn_genifer_state *s = mn_state(learner);
    const float *chance = mn_host(mn_uniform(learner, tape, names[0], MN_SHAPE(count)));
    for (int64_t i = 0; i < count; i++) {
        const double place = chance != NULL ? (double)chance[i] * (double)classes.count : 0;
        labels[i] = (int32_t)(classes.first + (int64_t)fmin(place, (double)(classes.count - 1)));
    }
    return (recipe){
        mn_noise(learner, tape, names[1], MN_SHAPE(count, s->generator_options.latent)),
        mn_one_hot(tape, labels, count, mn_classes(learner, MN_ALL).count),
        mn_noise(learner, tape, names[2], MN_SHAPE(count, s->noise)),
    };
}

static mn_var *images_of(const mn_genifer_state *s, mn_network *generator, const recipe *r,
                         mn_mode mode)
{
    return mn_generator_images(generator, &s->generator_options, r->latent, r->classes, r->noise,
                               mode);
}

mn_var *mn_genifer_replay(mn_learner *learner, mn_tape *tape, const char *name, mn_range classes,
                          int64_t count, int32_t *labels)
{
    const mn_genifer_state *s = mn_state(learner);
    const char *const names[] = {name, name, "replay-noise"};
    const recipe r = recipe_of(learner, tape, names, classes, count, labels);
    return images_of(s, s->average, &r, MN_EVAL | MN_NO_GRADIENT);
}

/* --- the discriminator's update --- */

/* The discriminator's input for images. */
static mn_var *seen_in(mn_learner *learner, mn_var *images)
{
    const mn_genifer_options *o = mn_options(learner);
    if (o->sees == MN_GENIFER_PIXELS)
        return images;
    return mn_genifer_maps(learner, mn_learner_network(learner), images, MN_EVAL | MN_NO_GRADIENT);
}

static mn_var *scores_of(const mn_genifer_state *s, mn_var *maps, mn_var *classes, mn_mode mode)
{
    return mn_discriminator_scores(s->discriminator, &s->discriminator_options, maps, classes,
                                   mode);
}

typedef struct penalised {
    const mn_genifer_state *state;
    mn_var *classes;
    double scale;
} penalised;

static mn_var *sum_of_scores(mn_var *maps, void *context)
{
    const penalised *p = context;
    return mn_sum(scores_of(p->state, maps, p->classes, MN_TRAIN));
}

static mn_var *squared_length(mn_var *gradient, void *context)
{
    const penalised *p = context;
    return mn_scale(mn_sum(mn_square(gradient)), p->scale);
}

static mn_var *joined(mn_var *old, mn_var *new)
{
    return old != NULL ? mn_concat_rows((mn_var *[]){old, new}, 2) : new;
}

/* Makes the step's images, of which the generator's update wants the gradient. */
static void make_images(mn_learner *learner, mn_tape *tape, int64_t count, recipe *old, recipe *new)
{
    static const char *const old_names[] = {"old-class", "old-latent", "old-noise"};
    static const char *const new_names[] = {"new-class", "new-latent", "new-noise"};
    mn_genifer_state *s = mn_state(learner);
    int32_t labels[MOST_ROWS]; /* which the classes tell, too */
    s->old_fakes = s->old_reals = NULL;
    *old = (recipe){NULL, NULL, NULL};
    if (mn_task(learner) > 0) {
        *old = recipe_of(learner, tape, old_names, mn_classes(learner, MN_PAST), count, labels);
        s->old_reals = images_of(s, s->previous, old, MN_EVAL | MN_NO_GRADIENT);
        s->old_fakes = images_of(s, s->generator, old, MN_TRAIN);
    }
    *new = recipe_of(learner, tape, new_names, mn_classes(learner, MN_PRESENT), count, labels);
    s->fakes = joined(s->old_fakes, images_of(s, s->generator, new, MN_TRAIN));
    s->fake_classes = joined(old->classes, new->classes);
}

mn_status mn_genifer_discriminator_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    recipe old, new;
    batch = mn_plain(learner, batch); /* what it makes is augmented only when it is replayed */
    mn_set_learning_rate(learner, o->discriminator_lr * (o->gamma > 0 ? lazy : 1));
    make_images(learner, tape, batch->count, &old, &new);
    const mn_shape shape =
        MN_SHAPE(batch->count, s->image.size[0], s->image.size[1], s->image.size[2]);
    mn_var *reals = joined(s->old_reals, mn_input(tape, shape, batch->x, false));
    mn_var *real_classes = joined(old.classes, mn_one_hot(tape, batch->labels, batch->count,
                                                          mn_classes(learner, MN_ALL).count));
    mn_var *real_maps =
        mn_detach(seen_in(learner, mn_augmented(learner, "real-changes", reals, *s->augmented)));
    s->fake_maps = seen_in(learner, mn_augmented(learner, "fake-changes", s->fakes, *s->augmented));
    s->real_scores = scores_of(s, real_maps, real_classes, MN_TRAIN);
    mn_var *fake_scores = scores_of(s, mn_detach(s->fake_maps), s->fake_classes, MN_TRAIN);
    mn_var *of_reals = mn_mean(mn_softplus(mn_scale(s->real_scores, -1)));
    mn_var *of_fakes = mn_mean(mn_softplus(fake_scores));
    mn_term(learner, "real", 1, of_reals);
    mn_term(learner, "made", 1, of_fakes);
    if (o->gamma > 0 && *s->updates % PENALTY_EVERY == 0) {
        penalised p = {s, real_classes, 1 / (double)mn_rows_of(real_maps)};
        mn_term(learner, "r1", o->gamma / 2 * lazy,
                mn_loss_of_gradient(sum_of_scores, squared_length, &p, real_maps));
    }
    *s->certainty =
        certain_of * *s->certainty + (1 - certain_of) * (mn_item(of_fakes) + mn_item(of_reals));
    return MN_OK;
}

/* --- the generator's update --- */

mn_status mn_genifer_generator_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    (void)tape, (void)batch;
    mn_set_learning_rate(learner, o->generator_lr);
    mn_var *scores = scores_of(s, s->fake_maps, s->fake_classes, MN_TRAIN | MN_NO_GRADIENT);
    mn_term(learner, "fooling", 1, mn_mean(mn_softplus(mn_scale(scores, -1))));
    if (s->old_fakes == NULL || o->distil == 0)
        return MN_OK;
    const double past = (double)mn_classes(learner, MN_PAST).count;
    const double present = (double)mn_classes(learner, MN_PRESENT).count;
    mn_term(learner, "generator-distil", o->distil * past / present,
            mn_mean(mn_abs(mn_sub(s->old_fakes, s->old_reals))));
    return MN_OK;
}

/* --- after both --- */

/* How much of the average stays: its half-life, in images, grows with the training up to the
 * option, which it reaches in the middle. */
static double kept_by_average(mn_learner *learner)
{
    const mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    const double steps = (double)mn_genifer_gan_steps(learner);
    const double half_life = o->half_life * fmin(1, (double)*s->updates / (steps / 2));
    return half_life > 0 ? pow(0.5, (double)o->gan_batch / half_life) : 0;
}

static mn_status adapt_augmentation(mn_learner *learner)
{
    const mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    const float *scores;
    const int64_t rows = mn_rows_of(s->real_scores);
    double sum = 0;
    MN_TRY(mn_values(s->real_scores, &scores));
    for (int64_t i = 0; i < rows; i++)
        sum += scores[i] > 0 ? 1 : scores[i] < 0 ? -1 : 0;
    *s->signs += sum / (double)(rows > 0 ? rows : 1);
    if (*s->updates % ADAPT_EVERY != 0)
        return MN_OK;
    *s->augmented =
        mn_augmentation_adapted(*s->augmented, *s->signs / (double)ADAPT_EVERY, o->most_augmented);
    *s->signs = 0;
    return MN_OK;
}

static mn_status look_for_collapse(mn_learner *learner)
{
    const mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    if (*s->certainty >= o->collapsed)
        return MN_OK;
    return mn_fail(MN_NOT_FINITE,
                   "the discriminator collapsed at step %lld of the generator's training (task "
                   "%lld): it tells real from made images with a mean loss of %.2g, and the "
                   "generator learns nothing more; lower genifer.discriminator_lr or raise "
                   "genifer.gamma",
                   (long long)*s->updates, (long long)mn_task(learner) + 1, *s->certainty);
}

mn_status mn_genifer_after_updates(mn_learner *learner)
{
    mn_genifer_state *s = mn_state(learner);
    if (s->fakes == NULL)
        return MN_OK; /* the classifier's training */
    MN_TRY(mn_network_average(s->average, s->generator, kept_by_average(learner)));
    ++*s->updates;
    MN_TRY(adapt_augmentation(learner));
    s->fakes = NULL;
    return look_for_collapse(learner);
}

/* --- what is remembered, to be looked at --- */

int64_t mn_genifer_classes_to_keep(mn_learner *learner)
{
    return mn_genifer_gan_steps(learner) > 0 ? mn_classes(learner, MN_SEEN).count : 0;
}

/* Of each class in turn; and how many of them the classifier takes for that class. */
mn_status mn_genifer_keep_class(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    const mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    const int64_t seen = mn_classes(learner, MN_SEEN).count,
                  all = mn_classes(learner, MN_ALL).count;
    int32_t labels[MOST_ROWS];
    (void)nothing;
    for (int64_t i = 0; i < o->samples; i++)
        labels[i] = (int32_t)mn_epoch(learner);
    /* From the same numbers after every task, so that images can be compared. */
    const recipe r = {
        mn_fixed_noise(learner, tape, "latent", MN_SHAPE(o->samples, o->latent)),
        mn_one_hot(tape, labels, o->samples, all),
        mn_fixed_noise(learner, tape, "noise", MN_SHAPE(o->samples, s->noise)),
    };
    mn_var *images = images_of(s, s->average, &r, MN_EVAL | MN_NO_GRADIENT);
    const mn_forwarded shown =
        mn_network_forward(mn_learner_network(learner), images, MN_EVAL | MN_NO_GRADIENT);
    const float *logits;
    MN_TRY(mn_values(shown.logits, &logits));
    double right = 0;
    for (int64_t i = 0; i < o->samples; i++)
        right += mn_argmax(logits + i * all, seen) == labels[i];
    MN_TRY(mn_note(learner, "recognised", right / (double)o->samples));
    return mn_keep_samples(learner, mn_augmented_images(learner, "kept", images, labels));
}
