/* retrieval.c -- an image is looked up by the student's features among those of its teacher.
 *
 * Networks have features of their own widths and bases, so that a map between them has to be found
 * first.  Trained projections (Tian et al. 2020) would measure their training, and differ from
 * strategy to strategy: least squares have no settings. */
#include "learner/retrieval.h"
#include "learner/feature_pair.h"
#include "learner/learner.h"
#include "learner/scoring.h"
#include "learner/similarity.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>

enum { MOST_FITTED = 2048, MOST_LOOKED_UP = 256 };

/* What keeps systems solvable where a feature is always 0, in parts of the mean variance. */
static const double ridge = 1e-3;

static mn_var *less(mn_var *x, mn_var *mean)
{
    return mn_broadcast_add(x, mn_scale(mean, -1));
}

mn_status mn_retrieval(mn_var *x, mn_var *y, mn_var *u, mn_var *v, double *share)
{
    const mn_shape shape = mn_shape_of(x);
    const int64_t looked_up = mn_shape_of(u).size[0];
    mn_var *mean_x = mn_mean_axis(x, 0), *mean_y = mn_mean_axis(y, 0), *map;
    int64_t found = 0;
    x = less(x, mean_x);
    y = less(y, mean_y);
    *share = (double)NAN;
    const double variance = mn_item(mn_sum(mn_square(x))) / (double)shape.size[1];
    if (!(variance > 0))
        return mn_tape_status(mn_tape_of(x));
    MN_TRY(mn_solve_symmetric(mn_matmul(mn_transpose(x), x), ridge * variance,
                              mn_matmul(mn_transpose(y), x), &map));   /* (L,K) */
    mn_var *predicted = mn_matmul(less(u, mean_x), mn_transpose(map)); /* (M,L) */
    const float *nearest = mn_host(mn_row_argmax(mn_cosines(predicted, less(v, mean_y))));
    if (nearest == NULL)
        return mn_tape_status(mn_tape_of(x));
    for (int64_t i = 0; i < looked_up; i++)
        found += (int64_t)nearest[i] == i;
    *share = (double)found / (double)looked_up;
    return MN_OK;
}

/* --- features of a run's images --- */

/* Data sets may be sorted by class, so that the first images would be of few. */
static mn_status add_spaced(mn_learner *learner, mn_network *teacher, mn_loader *loader,
                            int64_t most, mn_feature_pair *f)
{
    const int64_t images = mn_loader_images(loader), batch = learner->settings->eval_batch;
    const int64_t wanted = images < most ? images : most;
    int64_t *places = mn_memory_take((size_t)wanted + 1, sizeof *places);
    if (places == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for places of images");
    for (int64_t i = 0; i < wanted; i++)
        places[i] = i * images / wanted;
    mn_status status = MN_OK;
    for (int64_t i = 0; i < wanted && status == MN_OK; i += batch) {
        const int64_t count = wanted - i < batch ? wanted - i : batch;
        const mn_batch *rows;
        status = mn_loader_rows(loader, places + i, count, &rows);
        if (status == MN_OK)
            status = mn_feature_pair_add(learner, teacher, rows, rows->count, f);
    }
    mn_memory_give(places);
    return status;
}

static mn_status collect(mn_learner *learner, mn_network *teacher, mn_part part, int64_t most,
                         mn_feature_pair *f)
{
    mn_loader *loader;
    MN_TRY(mn_feature_pair_take(f, most));
    MN_TRY(mn_loader_new(learner->stream, part, 0, learner->cursor.task,
                         learner->settings->eval_batch, &learner->plain, &loader));
    mn_status status = mn_loader_shuffle(loader, NULL);
    if (status == MN_OK)
        status = add_spaced(learner, teacher, loader, most, f);
    mn_loader_free(loader);
    return status;
}

/* --- what is noted --- */

static mn_status note(mn_learner *learner, const mn_owned_network *owned, const char *what,
                      double value)
{
    const mn_scalar_place place = {
        .step = learner->cursor.step, .task = learner->cursor.task, .phase = "teacher"};
    char name[160];
    if (!isfinite(value)) /* features that do not vary */
        return MN_OK;
    snprintf(name, sizeof name, "%s/%s/%s", what, owned->owner, owned->name);
    return mn_runfile_add_scalar(learner->file, &place, name, value);
}

static mn_status note_both(mn_learner *learner, const mn_owned_network *owned,
                           const mn_feature_pair *fit, const mn_feature_pair *others)
{
    double share = (double)NAN;
    mn_learner_begin_step(learner);
    mn_var *u = mn_features_of_shared(learner, others), *v = mn_features_of_other(learner, others);
    const double alignment = mn_item(mn_linear_cka(u, v));
    MN_TRY(mn_learner_check(learner));
    MN_TRY(mn_retrieval(mn_features_of_shared(learner, fit), mn_features_of_other(learner, fit), u,
                        v, &share));
    MN_TRY(mn_learner_check(learner));
    MN_TRY(note(learner, owned, "cka", alignment));
    return note(learner, owned, "retrieval", share);
}

static mn_status note_teacher(mn_learner *learner, const mn_owned_network *owned)
{
    mn_feature_pair fit = {.shared_width = mn_network_features(learner->network[0].network),
                           .other_width = mn_network_features(owned->network)};
    mn_feature_pair others = fit;
    if (fit.shared_width == 0 || fit.other_width == 0)
        return MN_OK;
    mn_status status = collect(learner, owned->network, MN_PART_TRAIN, MOST_FITTED, &fit);
    if (status == MN_OK)
        status =
            collect(learner, owned->network, mn_evaluated_part(learner), MOST_LOOKED_UP, &others);
    if (status == MN_OK && fit.rows > 1 && others.rows > 1)
        status = note_both(learner, owned, &fit, &others);
    mn_feature_pair_give(&fit);
    mn_feature_pair_give(&others);
    return status;
}

static bool is_teacher(const mn_learner *learner, const mn_network *network)
{
    for (int i = 0; i < learner->teachers; i++)
        if (learner->teacher[i] == network)
            return true;
    return false;
}

mn_status mn_learner_note_retrieval(mn_learner *learner)
{
    mn_status status = MN_OK;
    if (learner->teachers == 0)
        return MN_OK;
    mn_tape_record(learner->tape, false);
    for (int i = 1; i < learner->networks && status == MN_OK; i++)
        if (is_teacher(learner, learner->network[i].network))
            status = note_teacher(learner, &learner->network[i]);
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    return status;
}
