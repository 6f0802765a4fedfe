/* mixing.c -- services that blend the rows of a batch in pairs. */
#include "autograd/memory.h"
#include "learner/learner.h"
#include "learner/services/random.h"

#include <mneme/mixing.h>
#include <string.h>

mn_mixing mn_draw_mixing(mn_learner *learner, const char *name, int64_t count, double alpha)
{
    const mn_key key = mn_learner_key(learner, "mix", name);
    int64_t *partner = mn_tape_take(learner->tape, (size_t)(count + 1) * sizeof *partner);
    float *share = mn_tape_take(learner->tape, (size_t)(count + 1) * sizeof *share);
    if (partner == NULL || share == NULL) /* the tape says why */
        return (mn_mixing){0, NULL, NULL};
    mn_random_permutation(mn_key_at(key, 0), count, partner);
    for (int64_t i = 0; i < count; i++) {
        const double s = mn_random_beta(mn_key_at(mn_key_at(key, 1), (uint64_t)i), alpha, alpha);
        share[i] = (float)(s > 0.5 ? s : 1 - s);
    }
    return (mn_mixing){count, partner, share};
}

static void mix_images(const mn_batch *batch, const mn_mixing *mixing, float *x)
{
    const int64_t pixels = mn_shape_count(batch->image);
    for (int64_t i = 0; i < batch->count; i++) {
        const float *own = batch->x + i * pixels, *other = batch->x + mixing->partner[i] * pixels;
        for (int64_t k = 0; k < pixels; k++)
            x[i * pixels + k] = other[k] + mixing->share[i] * (own[k] - other[k]);
    }
}

static mn_status mix(mn_learner *learner, const mn_batch *batch, const mn_mixing *mixing,
                     mn_batch_space **space)
{
    if (batch->count != mixing->count)
        return mn_fail(MN_BAD_SHAPE, "a mixing of %lld rows for a batch of %lld",
                       (long long)mixing->count, (long long)batch->count);
    MN_TRY(mn_learner_space(learner, space));
    MN_TRY(mn_batch_space_prepare(*space, batch->image, batch->type, batch->count));
    mn_batch_space_copy(*space, 0, batch);
    mix_images(batch, mixing, (*space)->x);
    return MN_OK;
}

const mn_batch *mn_mix_batch(mn_learner *learner, const mn_batch *batch, const mn_mixing *mixing)
{
    mn_batch_space *space = NULL;
    const mn_status status = mix(learner, batch, mixing, &space);
    return mn_learner_batch(learner, status, space);
}

mn_var *mn_mix_rows(mn_var *x, const mn_mixing *mixing)
{
    mn_tape *tape = mn_tape_of(x);
    const mn_shape shape = mn_shape_of(x);
    if (mn_tape_status(tape) != MN_OK)
        return x;
    if (shape.rank != 2 || shape.size[0] != mixing->count)
        return mn_tape_refuse(tape, "mix_rows",
                              mn_fail(MN_BAD_SHAPE, "a mixing of %lld rows, and not so many",
                                      (long long)mixing->count));
    mn_var *one = mn_shift(mn_zeros(tape, MN_SHAPE(1, shape.size[1])), 1);
    mn_var *column = mn_input(tape, MN_SHAPE(mixing->count, 1), mixing->share, false);
    mn_var *partner = mn_gather_rows(x, mixing->partner, mixing->count);
    return mn_add(partner, mn_mul(mn_matmul(column, one), mn_sub(x, partner)));
}
