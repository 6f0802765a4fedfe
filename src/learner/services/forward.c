/* forward.c -- services that run a network on a batch and publish the result. */
#include "autograd/memory.h"
#include "data/stream/stream.h"
#include "learner/input.h"
#include "learner/learner.h"
#include "learner/services/random.h"

#include <string.h>

/* What a forward drops at random belongs to the strategy, its network and the place among the
 * forwards that the strategy has made with it in this step: another's move nothing. */
static mn_key key_of_drops(const mn_learner *learner, const mn_network *network)
{
    uint64_t earlier = 0;
    int i = 0;
    for (int out = 0; out < learner->published_count; out++)
        earlier += learner->published[out].network == network &&
                   learner->published_by[out] == learner->current;
    while (i < learner->networks && learner->network[i].network != network)
        i++;
    const char *name = i < learner->networks ? learner->network[i].name : "";
    return mn_key_at(mn_learner_key(learner, "dropout", name), earlier);
}

static const mn_out *refuse(mn_learner *learner, mn_out out, mn_status status)
{
    out.logits = out.features = mn_tape_refuse(learner->tape, "forward", status);
    learner->unpublished = out;
    return &learner->unpublished;
}

const mn_out *mn_forward_with(mn_learner *learner, mn_network *network, const mn_batch *batch,
                              mn_mode mode)
{
    static const mn_batch nothing;
    if (batch == NULL)
        batch = &nothing;
    const mn_out nothing_out = {.batch = batch, .network = network, .mode = mode};
    if (network == NULL)
        return refuse(learner, nothing_out,
                      mn_fail(MN_BAD_VALUE, "the network is NULL; was it declared in open?"));
    if (learner->published_count == MN_MOST_PUBLISHED)
        return refuse(
            learner, nothing_out,
            mn_fail(MN_UNSUPPORTED, "more than %d forwards in one step", MN_MOST_PUBLISHED));
    mn_network_key_next(network, key_of_drops(learner, network));
    const mn_forwarded forwarded =
        mn_network_forward(network, mn_learner_input(learner, batch), mode);
    if ((mode & MN_NO_GRADIENT) == 0)
        learner->images += batch->count;
    mn_var_keep(forwarded.logits);
    mn_var_keep(forwarded.features);
    learner->published_by[learner->published_count] = learner->current;
    mn_out *out = &learner->published[learner->published_count++];
    *out = (mn_out){forwarded.logits, forwarded.features, batch, network, mode, forwarded.maps};
    return out;
}

mn_var *mn_out_map(const mn_out *out, const char *name)
{
    return mn_network_map(&(mn_forwarded){out->logits, out->features, out->maps}, name);
}

const mn_out *mn_forward(mn_learner *learner, const mn_batch *batch, mn_mode mode)
{
    return mn_forward_with(learner, mn_learner_network(learner), batch, mode);
}

mn_role_map mn_map_of_role(const mn_out *out, mn_map_role role, int i)
{
    return mn_network_map_of_role(&(mn_forwarded){out->logits, out->features, out->maps}, role, i);
}

mn_status mn_try_forward(mn_learner *learner, void (*look)(mn_learner *learner, const mn_out *out))
{
    static const mn_batch nothing;
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT | MN_ATTENTIONS;
    mn_network *network = mn_learner_network(learner);
    const mn_shape image = mn_network_spec_of(network)->input;
    mn_shape shape = {.rank = image.rank + 1, .size = {2}};
    for (int i = 0; i < image.rank; i++)
        shape.size[i + 1] = image.size[i];
    const mn_forwarded tried = mn_network_forward(network, mn_zeros(learner->tape, shape), mode);
    look(learner, &(mn_out){tried.logits, tried.features, &nothing, network, mode, tried.maps});
    const mn_status status = mn_tape_status(learner->tape);
    mn_tape_reset(learner->tape);
    return status;
}

/* --- of images that were made on the tape --- */

static mn_status check_rows(const mn_batch *about, mn_shape shape)
{
    char text[64];
    if (shape.rank < 2)
        return mn_fail(MN_BAD_SHAPE, "images to go forward are %s, expected (B, image...)",
                       mn_shape_text(shape, text));
    return about == NULL || about->count == shape.size[0]
               ? MN_OK
               : mn_fail(MN_BAD_SHAPE, "%lld images to go forward, of which %lld rows are known",
                         (long long)shape.size[0], (long long)about->count);
}

/* Whether values can be shown as rows of the stream's kind: they have the shape of its images, or
 * another size of them where no place has a scale of its own.  Others are what the network sees
 * alone. */
static bool are_images(const mn_learner *learner, mn_shape image)
{
    const mn_shape usual = mn_dataset_image(mn_stream_dataset(learner->stream));
    return mn_shape_equal(image, usual) ||
           (image.rank == usual.rank && image.size[0] == usual.size[0] &&
            learner->transform->scale == NULL);
}

static void fill_pixels(const mn_learner *learner, mn_batch_space *space)
{
    const mn_shape image = space->batch.image;
    const int64_t values = mn_shape_count(image);
    for (int64_t row = 0; row < space->batch.count; row++) {
        const float *x = space->x + row * values;
        uint8_t *to = space->pixels + mn_row_bytes(space->type, row * values);
        if (space->type == MN_ROW_X)
            memcpy(to, x, mn_row_bytes(MN_ROW_X, values));
        else
            mn_transform_invert(learner->transform, image, x, space->type, to);
    }
}

static void fill_facts(mn_batch_space *space, const mn_batch *about)
{
    for (int64_t row = 0; row < space->batch.count; row++) {
        space->labels[row] = about != NULL ? about->labels[row] : MN_UNLABELLED;
        space->tasks[row] = about != NULL ? about->tasks[row] : MN_NO_TASK;
        space->indices[row] = about != NULL ? about->indices[row] : MN_NO_INDEX;
    }
}

static mn_status batch_of(mn_learner *learner, mn_var *x, const mn_batch *about,
                          const mn_batch **batch)
{
    const mn_shape shape = mn_shape_of(x);
    const float *values;
    mn_batch_space *space;
    MN_TRY(mn_values(x, &values));
    MN_TRY(check_rows(about, shape));
    mn_shape image = {.rank = shape.rank - 1};
    for (int i = 0; i < image.rank; i++)
        image.size[i] = shape.size[i + 1];
    MN_TRY(mn_learner_space(learner, &space));
    MN_TRY(mn_batch_space_prepare(
        space, image, are_images(learner, image) ? mn_learner_row_type(learner) : MN_ROW_X,
        shape.size[0]));
    memcpy(space->x, values, (size_t)mn_shape_count(shape) * sizeof *values);
    fill_pixels(learner, space);
    fill_facts(space, about);
    mn_learner_brought(learner, &space->batch, x);
    *batch = &space->batch;
    return MN_OK;
}

const mn_out *mn_forward_value(mn_learner *learner, mn_network *network, mn_var *x,
                               const mn_batch *about, mn_mode mode)
{
    static const mn_batch nothing;
    const mn_batch *batch = &nothing;
    const mn_status status = batch_of(learner, x, about, &batch);
    return status == MN_OK
               ? mn_forward_with(learner, network, batch, mode)
               : refuse(learner, (mn_out){.batch = batch, .network = network, .mode = mode},
                        status);
}

/* --- of a network that is distilled from --- */

/* Earlier updates may have moved the network since their forwards. */
static const mn_out *seen_by(mn_learner *learner, mn_network *network, const mn_batch *batch)
{
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    for (int i = learner->published_before; i < learner->published_count; i++) {
        const mn_out *out = &learner->published[i];
        if (out->network == network && out->mode == mode && out->batch->x == batch->x &&
            out->batch->count == batch->count)
            return out;
    }
    return mn_forward_with(learner, network, batch, mode);
}

mn_var *mn_target(mn_learner *learner, mn_network *network, const mn_batch *batch, const char *name)
{
    const mn_out *out = seen_by(learner, network, batch);
    mn_var *target = strcmp(name, "logits") == 0     ? out->logits
                     : strcmp(name, "features") == 0 ? out->features
                                                     : mn_out_map(out, name);
    return mn_detach(target);
}

/* --- gradients of images --- */

void mn_want_image_gradients(mn_learner *learner)
{
    learner->image_gradients = true;
}

mn_var *mn_batch_images(mn_learner *learner, const mn_batch *batch)
{
    return mn_learner_input(learner, batch);
}
