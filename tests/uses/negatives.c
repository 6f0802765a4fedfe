/* negatives.c -- a memory of features of all training images, and negatives drawn from it.
 *
 *     L = CE + weight mean_bj softplus(u_b . v_bj / temperature),  u features of length 1, v_bj the
 *     memory's rows of images of other classes
 *
 * As contrastive distillation has it (Tian et al. 2020), without its teacher.
 */
#include <mneme/strategy.h>

typedef struct negatives_options {
    int64_t negatives, noise;
    double weight;
} negatives_options;

static const mn_option options[] = {
    MN_INT(negatives_options, negatives, 8, 1, 65536, "negatives of each image"),
    MN_INT(negatives_options, noise, 2, 0, 65536,
           "rows of the memory that are forgotten in a step"),
    MN_REAL(negatives_options, weight, 0.5, 0, 1000, "weight of the contrast"),
    MN_END,
};

typedef struct negatives_state {
    mn_tensor *memory; /* (training images, features) */
} negatives_state;

static mn_status open(mn_learner *learner)
{
    negatives_state *s = mn_state(learner);
    const int64_t features = mn_network_features(mn_learner_network(learner));
    if (features == 0)
        return mn_fail(MN_UNSUPPORTED, "negatives: the network has no features");
    return mn_keep_tensor(learner, "memory",
                          MN_SHAPE(mn_train_images(learner, MN_NO_TASK), features), &s->memory);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const negatives_options *o = mn_options(learner);
    const negatives_state *s = mn_state(learner);
    const mn_out *out = mn_forward(learner, now, MN_TRAIN);
    mn_term(learner, "stream", 1, mn_cross_entropy(out->logits, now->labels));
    if (mn_classes(learner, MN_PRESENT).count == 1)
        return MN_OK; /* a task of one class has no negatives */
    const int64_t *places = mn_draw_other_classes(learner, "negatives", now, o->negatives);
    if (places == NULL)
        return MN_OK; /* the failure is the learner's */
    const int64_t features = mn_shape_of(out->features).size[1];
    mn_var *u = mn_reshape(mn_row_normalise(out->features), MN_SHAPE(now->count, features, 1));
    mn_var *v =
        mn_reshape(mn_gather_rows(mn_const(tape, s->memory), places, now->count * o->negatives),
                   MN_SHAPE(now->count, o->negatives, features));
    mn_term(learner, "contrast", o->weight,
            mn_mean(mn_softplus(mn_scale(mn_batched_matmul(v, u, false, false), 10))));
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    const negatives_options *o = mn_options(learner);
    const negatives_state *s = mn_state(learner);
    mn_var *rows = mn_row_normalise(out->features);
    for (int64_t i = 0; i < now->count; i++)
        MN_TRY(mn_store_rows(mn_rows(rows, i, 1), s->memory, now->indices[i]));
    const int64_t *forgotten =
        mn_draw_int(learner, "forgotten", mn_train_images(learner, MN_NO_TASK), o->noise);
    mn_var *nothing = mn_zeros(mn_tape_of(rows), MN_SHAPE(1, mn_shape_of(rows).size[1]));
    for (int64_t i = 0; i < o->noise && forgotten != NULL; i++)
        MN_TRY(mn_store_rows(nothing, s->memory, forgotten[i]));
    return MN_OK;
}

MN_STRATEGY(negatives) = {
    MN_STRATEGY_HEADER,
    .name = "negatives",
    .summary = "For tests: contrasts features with a memory of other classes' features.",
    .options = options,
    .options_size = sizeof(negatives_options),
    .state_size = sizeof(negatives_state),
    .open = open,
    .loss = loss,
    .after_step = after_step,
};
