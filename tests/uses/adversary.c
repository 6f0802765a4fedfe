/* adversary.c -- an add-on: each image moved by a little to where its loss grows, and learnt again.
 *
 *     x' = x + distance g / |g|,  g = d CE(f(x), y) / d x;   L = base + weight CE(f(x'), y)
 *
 * As adversarial training has it (Goodfellow et al. 2015), with the length of the step in place of
 * its largest part.
 */
#include <mneme/strategy.h>

typedef struct adversary_options {
    double distance, weight;
} adversary_options;

static const mn_option options[] = {
    MN_REAL(adversary_options, distance, 0.5, 0, 1000, "how far an image is moved"),
    MN_REAL(adversary_options, weight, 0.5, 0, 1000, "weight of the moved images"),
    MN_END,
};

static mn_status open(mn_learner *learner)
{
    mn_want_image_gradients(learner);
    return MN_OK;
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    const adversary_options *o = mn_options(learner);
    (void)tape;
    if (n == 0 || published[0]->network != mn_learner_network(learner))
        return MN_OK;
    const mn_out *out = published[0];
    for (int64_t i = 0; i < out->batch->count; i++)
        if (out->batch->labels[i] < 0)
            return MN_OK; /* nothing to move away from */
    mn_var *x = mn_batch_images(learner, out->batch);
    const mn_shape shape = mn_shape_of(x);
    const int64_t rows = mn_rows_of(x);
    if (rows == 0)
        return MN_OK;
    mn_var *gradient = mn_gradient_of(mn_cross_entropy(out->logits, out->batch->labels), x);
    mn_var *way =
        mn_row_normalise(mn_reshape(gradient, MN_SHAPE(rows, mn_shape_count(shape) / rows)));
    mn_var *moved = mn_detach(mn_axpby(1, x, o->distance, mn_reshape(way, shape)));
    const mn_out *again =
        mn_forward_value(learner, out->network, moved, out->batch, MN_TRAIN_FROZEN);
    mn_term(learner, "moved", o->weight, mn_cross_entropy(again->logits, again->batch->labels));
    return MN_OK;
}

MN_STRATEGY(adversary) = {
    MN_STRATEGY_HEADER,
    .name = "adversary",
    .summary = "For tests: an add-on that trains on images moved to where their loss grows.",
    .options = options,
    .options_size = sizeof(adversary_options),
    .open = open,
    .term = term,
};
