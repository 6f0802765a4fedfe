/* maker.c -- a buffer of images that the strategy makes: of each class some of the task's images,
 * moved by noise, of which a third is made anew, and moved further, at the end of each later task.
 *
 *     L = CE(stream) + CE(made) + weight |h(made) - h|^2,  h the features at the time of making
 */
#include <mneme/strategy.h>

typedef struct maker_options {
    int64_t each;
    double weight, noise;
} maker_options;

static const mn_option options[] = {
    MN_INT(maker_options, each, 3, 1, 65536, "made images of each class"),
    MN_REAL(maker_options, weight, 0.1, 0, 1000, "weight of the features"),
    MN_REAL(maker_options, noise, 0.3, 0, 1000, "deviation of what is added to an image"),
    MN_END,
};

static mn_status open(mn_learner *learner)
{
    const maker_options *o = mn_options(learner);
    mn_require_rows(learner, o->each * mn_classes(learner, MN_ALL).count, "made image");
    return mn_keep_column(learner, "features", mn_network_features(mn_learner_network(learner)));
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const maker_options *o = mn_options(learner);
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    const mn_batch *made = mn_draw(learner, "made", 16);
    if (made->count == 0)
        return MN_OK;
    const mn_out *out = mn_forward(learner, made, MN_TRAIN);
    mn_term(learner, "made", 1, mn_cross_entropy(out->logits, made->labels));
    mn_term(learner, "features", o->weight,
            mn_mse(out->features, mn_column(tape, made, "features")));
    return MN_OK;
}

/* Images with noise, and what the network makes of them, into the slots they came from or new ones.
 */
static mn_status make(mn_learner *learner, const char *name, const mn_batch *from,
                      const int64_t *slots)
{
    const maker_options *o = mn_options(learner);
    const mn_out *out = mn_forward(learner, from, MN_EVAL | MN_NO_GRADIENT);
    mn_tape *tape = mn_tape_of(out->logits);
    const mn_shape shape =
        MN_SHAPE(from->count, from->image.size[0], from->image.size[1], from->image.size[2]);
    mn_var *x = mn_input(tape, shape, from->x, false);
    mn_var *made = mn_axpby(1, x, o->noise, mn_noise(learner, tape, name, shape));
    return mn_put(learner, made, from->labels, slots, MN_WITH({"features", out->features}));
}

static mn_status after_task(mn_learner *learner)
{
    const maker_options *o = mn_options(learner);
    const int64_t used = mn_buffer_used(mn_learner_buffer(learner));
    if (used > 2) {
        const mn_batch *old = mn_draw(learner, "again", used / 3);
        MN_TRY(make(learner, "anew", old, old->slots));
    }
    const mn_range present = mn_classes(learner, MN_PRESENT);
    for (int64_t label = present.first; label < present.first + present.count; label++) {
        MN_TRY(mn_shrink_class(learner, (int32_t)label, 0)); /* the class may have come before */
        const mn_batch *some = mn_draw_stream_of_class(learner, "some", label, o->each);
        MN_TRY(make(learner, "noise", some, NULL));
    }
    return MN_OK;
}

MN_STRATEGY(maker) = {
    MN_STRATEGY_HEADER,
    .name = "maker",
    .summary = "For tests: replays images that it makes itself.",
    .options = options,
    .options_size = sizeof(maker_options),
    .needs = MN_NEEDS_BUFFER | MN_FILLS_BUFFER,
    .open = open,
    .loss = loss,
    .after_task = after_task,
};
