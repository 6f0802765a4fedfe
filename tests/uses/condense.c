/* condense.c -- images that are learnt: each class' mean features, as a network drawn anew in each
 * step has them, are those of a few images that are trained themselves.
 *
 *     L_images = sum_c |mean f(real images of c) - mean f(learnt images of c)|^2,  f drawn anew
 *     L = CE(real images) + weight CE(learnt images)
 *
 * As in distribution matching (Zhao and Bilen 2023).
 */
#include <mneme/strategy.h>

typedef struct condense_options {
    int64_t images, real;
    double weight, rate;
} condense_options;

static const mn_option options[] = {
    MN_INT(condense_options, images, 2, 1, 4096, "learnt images of each class"),
    MN_INT(condense_options, real, 4, 1, 4096, "real images that a class is matched with"),
    MN_REAL(condense_options, weight, 0.5, 0, 1000, "weight of the learnt images"),
    MN_REAL(condense_options, rate, 1, 0, 1e6, "learning rate of the images"),
    MN_END,
};

typedef struct condense_state {
    mn_network *images; /* (classes images, image...) */
    mn_network *random;
} condense_state;

static mn_shape image_of(mn_learner *learner)
{
    return mn_network_spec_of(mn_learner_network(learner))->input;
}

static mn_status open(mn_learner *learner)
{
    const condense_options *o = mn_options(learner);
    condense_state *s = mn_state(learner);
    const mn_shape image = image_of(learner);
    const int64_t count = mn_classes(learner, MN_ALL).count * o->images;
    if (image.rank != 3)
        return mn_fail(MN_UNSUPPORTED, "condense: there are no images");
    MN_TRY(mn_add_network(learner, "random", NULL, &s->random));
    MN_TRY(mn_add_parameters(learner, "images",
                             MN_SHAPE(count, image.size[0], image.size[1], image.size[2]),
                             MN_INITIAL_NORMAL, 0.5, &s->images));
    return mn_add_optimiser(learner, "images", "sgd", "{\"momentum\": 0.5}", s->images, o->rate);
}

/* Those of one class. */
static mn_var *learnt(mn_learner *learner, mn_tape *tape, int64_t label)
{
    const condense_options *o = mn_options(learner);
    const condense_state *s = mn_state(learner);
    return mn_rows(mn_parameters(s->images, tape), label * o->images, o->images);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const condense_options *o = mn_options(learner);
    const condense_state *s = mn_state(learner);
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    int32_t labels[4096];
    const mn_range seen = mn_classes(learner, MN_SEEN);
    const int64_t count = seen.count * o->images < 4096 ? seen.count * o->images : 4096;
    for (int64_t i = 0; i < count; i++)
        labels[i] = (int32_t)(i / o->images);
    mn_var *images = mn_detach(mn_rows(mn_parameters(s->images, tape), 0, count));
    const mn_out *out =
        mn_forward_value(learner, mn_learner_network(learner), images, NULL, MN_TRAIN);
    mn_term(learner, "learnt", o->weight, mn_cross_entropy(out->logits, labels));
    return MN_OK;
}

static mn_var *mean_of(mn_var *features)
{
    return mn_mean_axis(features, 0);
}

static mn_status match(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const condense_options *o = mn_options(learner);
    const condense_state *s = mn_state(learner);
    const mn_mode mode = MN_TRAIN_FROZEN | MN_NO_GRADIENT;
    const mn_range present = mn_classes(learner, MN_PRESENT);
    mn_var *sum = NULL;
    (void)now;
    MN_TRY(mn_network_initialise(s->random, mn_strategy_key(learner, "random")));
    for (int64_t label = present.first; label < present.first + present.count; label++) {
        const mn_batch *real = mn_draw_stream_of_class(learner, "real", label, o->real);
        if (real->count == 0)
            continue;
        mn_var *wanted = mean_of(mn_forward_with(learner, s->random, real, mode)->features);
        mn_var *is =
            mean_of(mn_forward_value(learner, s->random, learnt(learner, tape, label), NULL, mode)
                        ->features);
        mn_var *apart = mn_sum(mn_square(mn_sub(wanted, is)));
        sum = sum == NULL ? apart : mn_add(sum, apart);
    }
    if (sum != NULL)
        mn_term(learner, "match", 1, sum);
    return MN_OK;
}

static const mn_update updates[] = {{.name = "train", .loss = loss},
                                    {.name = "condense", .optimiser = "images", .loss = match},
                                    {.name = NULL}};
static const mn_phase phases[] = {{.name = "train", .source = MN_FROM_STREAM, .updates = updates},
                                  {.name = NULL}};

MN_STRATEGY(condense) = {
    MN_STRATEGY_HEADER,
    .name = "condense",
    .summary = "For tests: learns a few images of each class and trains on them, too.",
    .options = options,
    .options_size = sizeof(condense_options),
    .state_size = sizeof(condense_state),
    .open = open,
    .phases = phases,
    .loss = loss,
};
