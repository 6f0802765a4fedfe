/* similarity.c -- how like its snapshots a network's features are.
 *
 * A few thousand images say it to a tenth of a point, so that no more are looked at: the first ones
 * of each earlier task, in equal numbers. */
#include "learner/similarity.h"
#include "learner/feature_pair.h"
#include "learner/learner.h"
#include "learner/scoring.h"
#include "nn/network.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <string.h>

enum { MOST_IMAGES = 2048 };

static mn_var *centred(mn_var *x)
{
    mn_var *mean = mn_mean_axis(x, 0);
    return mn_broadcast_add(x, mn_scale(mean, -1));
}

static mn_var *squared_product(mn_var *x, mn_var *y)
{
    return mn_sum(mn_square(mn_matmul(mn_transpose(x), y)));
}

mn_var *mn_linear_cka(mn_var *x, mn_var *y)
{
    mn_var *a = centred(x), *b = centred(y);
    mn_var *own = mn_mul(mn_sqrt(squared_product(a, a)), mn_sqrt(squared_product(b, b)));
    return mn_exp(mn_sub(mn_log(squared_product(b, a)), mn_log(own)));
}

static mn_status add_task(mn_learner *learner, mn_network *snapshot, int64_t task, int64_t wanted,
                          mn_feature_pair *f)
{
    const int64_t end = f->rows + wanted;
    mn_loader *loader;
    MN_TRY(mn_loader_new(learner->stream, mn_evaluated_part(learner), task, task,
                         learner->settings->eval_batch, &learner->plain, &loader));
    mn_status status = mn_loader_shuffle(loader, NULL);
    for (int64_t i = 0; i < mn_loader_batches(loader) && f->rows < end && status == MN_OK; i++) {
        const mn_batch *batch;
        status = mn_loader_batch(loader, i, &batch);
        if (status == MN_OK)
            status = mn_feature_pair_add(learner, snapshot, batch, end - f->rows, f);
    }
    mn_loader_free(loader);
    return status;
}

static mn_status note(mn_learner *learner, const mn_owned_network *owned, mn_feature_pair *f)
{
    const int64_t tasks = learner->cursor.task;
    const mn_scalar_place place = {
        .step = learner->cursor.step, .task = tasks, .phase = "similarity"};
    char name[160];
    for (int64_t task = 0; task < tasks; task++)
        MN_TRY(add_task(learner, owned->network, task, MOST_IMAGES / tasks, f));
    mn_learner_begin_step(learner);
    const double alignment =
        mn_item(mn_linear_cka(mn_features_of_shared(learner, f), mn_features_of_other(learner, f)));
    MN_TRY(mn_learner_check(learner));
    if (!isfinite(alignment)) /* features that do not vary are like nothing */
        return MN_OK;
    snprintf(name, sizeof name, "cka/%s/%s", owned->owner, owned->name);
    return mn_runfile_add_scalar(learner->file, &place, name, alignment);
}

static mn_status note_all(mn_learner *learner, mn_feature_pair *f)
{
    for (int i = 1; i < learner->networks; i++) {
        f->rows = 0;
        if (learner->network[i].like_shared)
            MN_TRY(note(learner, &learner->network[i], f));
    }
    return MN_OK;
}

mn_status mn_learner_note_similarity(mn_learner *learner)
{
    const int64_t width = mn_network_features(learner->network[0].network);
    mn_feature_pair f = {.shared_width = width, .other_width = width};
    if (learner->cursor.task == 0 || learner->cursor.task > MOST_IMAGES || width == 0)
        return MN_OK;
    mn_status status = mn_feature_pair_take(&f, MOST_IMAGES);
    mn_tape_record(learner->tape, false);
    if (status == MN_OK)
        status = note_all(learner, &f);
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    mn_feature_pair_give(&f);
    return status;
}
