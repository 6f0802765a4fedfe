/* views.c -- services that make random views of a batch.
 *
 * Whether a network takes views of another size than its images is tried out rather than declared:
 * that needs nothing from networks, and is true whatever their options. */
#include "learner/learner.h"
#include "learner/services/random.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <string.h>

mn_view_spec mn_full_views(const mn_learner *learner)
{
    return *(const mn_view_spec *)learner->experiment->section[MN_SECTION_VIEWS].values;
}

mn_view_spec mn_small_views(const mn_learner *learner)
{
    const mn_view_spec full = mn_full_views(learner);
    return mn_small_view(&full, mn_dataset_image(mn_stream_dataset(learner->stream)));
}

static bool same_size(mn_shape a, mn_shape b)
{
    return a.size[1] == b.size[1] && a.size[2] == b.size[2];
}

/* --- a batch of views --- */

static void copy_facts(mn_batch_space *to, const mn_batch *from, int64_t views)
{
    const size_t n = (size_t)from->count;
    for (int64_t view = 0; view < views; view++) {
        const int64_t at = view * from->count;
        memcpy(to->labels + at, from->labels, n * sizeof *to->labels);
        memcpy(to->tasks + at, from->tasks, n * sizeof *to->tasks);
        memcpy(to->indices + at, from->indices, n * sizeof *to->indices);
        memcpy(to->slots + at, from->slots, n * sizeof *to->slots);
    }
}

static mn_status fill(const mn_learner *learner, const mn_view_spec *spec, const mn_batch *from,
                      int64_t views, mn_key key, mn_batch_space *to)
{
    if (from->count == 0 || views < 1)
        return mn_batch_space_prepare(
            to, mn_view_shape(spec, mn_dataset_image(mn_stream_dataset(learner->stream))),
            from->type, 0);
    const mn_shape view = mn_view_shape(spec, from->image);
    const int64_t values = mn_shape_count(view), image = mn_shape_count(from->image);
    MN_TRY(mn_batch_space_prepare(to, view, from->type, from->count * views));
    MN_TRY(mn_views_apply(spec, learner->transform, from->image, from->count, from->type,
                          from->pixels, views, key, to->x));
    copy_facts(to, from, views);
    for (int64_t i = 0; i < from->count * views; i++)
        if (same_size(view, from->image))
            memcpy(to->pixels + mn_row_bytes(to->type, i * values),
                   from->pixels + mn_row_bytes(to->type, i % from->count * image),
                   mn_row_bytes(to->type, image));
        else
            mn_transform_invert(learner->transform, view, to->x + i * values, to->type,
                                to->pixels + mn_row_bytes(to->type, i * values));
    return MN_OK;
}

const mn_batch *mn_views(mn_learner *learner, const char *name, const mn_batch *batch,
                         const mn_view_spec *spec, int64_t views)
{
    mn_batch_space *space = NULL;
    mn_status status = mn_learner_space(learner, &space);
    if (status == MN_OK)
        status = fill(learner, spec, batch, views, mn_learner_key(learner, "views", name), space);
    return mn_learner_batch(learner, status, space);
}

/* --- whether they can be --- */

static mn_status try_forward(mn_network *network, mn_shape view)
{
    mn_tape *tape;
    float *black = mn_memory_take_zeroed((size_t)mn_shape_count(view), sizeof *black);
    mn_status status = black != NULL ? mn_tape_new(&tape) : MN_NO_MEMORY;
    if (status == MN_OK) {
        const mn_shape batch = {.rank = 4, .size = {1, view.size[0], view.size[1], view.size[2]}};
        mn_var *x = mn_input(tape, batch, black, false);
        (void)mn_network_forward(network, x, MN_EVAL | MN_NO_GRADIENT);
        status = mn_tape_status(tape);
        mn_tape_free(tape);
    }
    mn_memory_give(black);
    return status;
}

mn_status mn_check_views(mn_learner *learner, const mn_view_spec *spec)
{
    const mn_shape image = mn_dataset_image(mn_stream_dataset(learner->stream)),
                   view = mn_view_shape(spec, image);
    mn_network *network = mn_learner_network(learner);
    MN_TRY(mn_view_check(spec, image));
    if (same_size(view, image))
        return MN_OK;
    if (learner->transform->scale != NULL)
        return mn_fail(MN_BAD_OPTION,
                       "views of %lldx%lld: the data are measurements, of which a part cannot be "
                       "made larger",
                       (long long)view.size[1], (long long)view.size[2]);
    if (try_forward(network, view) != MN_OK)
        return mn_fail(MN_BAD_OPTION,
                       "views of %lldx%lld: network %s takes images of %lldx%lld alone; choose one "
                       "that ends in global pooling, such as resnet18-reduced, or no views of "
                       "another size",
                       (long long)view.size[1], (long long)view.size[2],
                       mn_network_spec_of(network)->type, (long long)image.size[1],
                       (long long)image.size[2]);
    return MN_OK;
}
