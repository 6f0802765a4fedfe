/* checkpoint.c -- what a commit writes and a resume reads: weights, statistics, moments, kept
 * values, buffer and position.  Names in the file are paths: "run/network/fc1.weight". */
#include "learner/checkpoint.h"
#include "buffer/save.h"
#include "learner/learner.h"
#include "store/records.h"
#include "store/tensors.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 256 };

/* Writing and reading walk the same tensors under the same names. */
typedef mn_status (*tensor_visit)(mn_runfile *file, const mn_tensor_origin *origin,
                                  const char *name, mn_tensor *tensor);

static mn_status put_tensor(mn_runfile *file, const mn_tensor_origin *origin, const char *name,
                            mn_tensor *tensor)
{
    return mn_runfile_put_tensor(file, origin, name, tensor);
}

static mn_status get_tensor(mn_runfile *file, const mn_tensor_origin *origin, const char *name,
                            mn_tensor *tensor)
{
    (void)origin;
    return mn_runfile_get_tensor(file, name, tensor);
}

/* "run/network/fc1.weight" */
static mn_status path_of(const char *owner, const char *name, const char *part,
                         char path[NAME_BYTES])
{
    if (snprintf(path, NAME_BYTES, "%s/%s/%s", owner, name, part) < NAME_BYTES)
        return MN_OK;
    return mn_fail(MN_BAD_VALUE, "'%.60s...' is longer than the %d bytes of a name in a run file",
                   path, NAME_BYTES - 1);
}

static mn_status visit_network(const mn_owned_network *owned, mn_runfile *file, tensor_visit visit)
{
    const mn_tensor_origin origin = {owned->owner, owned->name, MN_ROLE_WEIGHT};
    char name[NAME_BYTES];
    for (int i = 0; i < mn_network_parameter_count(owned->network); i++) {
        const mn_parameter *parameter = mn_network_parameter(owned->network, i);
        MN_TRY(path_of(owned->owner, owned->name, parameter->name, name));
        MN_TRY(visit(file, &origin, name, parameter->value));
    }
    for (int i = 0; i < mn_network_statistic_count(owned->network); i++) {
        const char *statistic;
        mn_tensor *tensor = mn_network_statistic(owned->network, i, &statistic);
        MN_TRY(path_of(owned->owner, owned->name, statistic, name));
        MN_TRY(visit(file, &origin, name, tensor));
    }
    return MN_OK;
}

static mn_status visit_optimiser(const mn_owned_optimiser *owned, mn_runfile *file,
                                 tensor_visit visit)
{
    const mn_tensor_origin origin = {owned->owner, owned->name, MN_ROLE_MOMENT};
    char name[NAME_BYTES];
    for (int i = 0; i < mn_optimiser_moment_count(owned->optimiser); i++) {
        const char *moment;
        mn_tensor *tensor = mn_optimiser_moment(owned->optimiser, i, &moment);
        MN_TRY(path_of(owned->owner, owned->name, moment, name));
        MN_TRY(visit(file, &origin, name, tensor));
    }
    return MN_OK;
}

static mn_status visit_tensors(mn_learner *learner, mn_runfile *file, tensor_visit visit)
{
    for (int i = 0; i < learner->networks; i++)
        MN_TRY(visit_network(&learner->network[i], file, visit));
    for (int i = 0; i < learner->optimisers; i++)
        MN_TRY(visit_optimiser(&learner->optimiser[i], file, visit));
    for (int i = 0; i < learner->kept_count; i++) {
        const mn_kept *kept = &learner->kept[i];
        if (kept->type == MN_KEPT_TENSOR)
            MN_TRY(visit(file, &(mn_tensor_origin){kept->owner, "", MN_ROLE_KEPT}, kept->name,
                         kept->tensor));
    }
    return MN_OK;
}

static mn_status save_numbers(mn_learner *learner, mn_runfile *file)
{
    char name[NAME_BYTES];
    for (int i = 0; i < learner->optimisers; i++) {
        const mn_owned_optimiser *owned = &learner->optimiser[i];
        MN_TRY(path_of(owned->owner, owned->name, "steps", name));
        MN_TRY(mn_runfile_put_int(file, name, *mn_optimiser_steps(owned->optimiser)));
    }
    for (int i = 0; i < learner->kept_count; i++) {
        const mn_kept *kept = &learner->kept[i];
        if (kept->type == MN_KEPT_INT)
            MN_TRY(mn_runfile_put_int(file, kept->name, kept->integer));
        if (kept->type == MN_KEPT_REAL)
            MN_TRY(mn_runfile_put_real(file, kept->name, kept->real));
    }
    return MN_OK;
}

static mn_status load_numbers(mn_learner *learner, mn_runfile *file)
{
    char name[NAME_BYTES];
    for (int i = 0; i < learner->optimisers; i++) {
        const mn_owned_optimiser *owned = &learner->optimiser[i];
        MN_TRY(path_of(owned->owner, owned->name, "steps", name));
        MN_TRY(mn_runfile_get_int(file, name, mn_optimiser_steps(owned->optimiser)));
    }
    for (int i = 0; i < learner->kept_count; i++) {
        mn_kept *kept = &learner->kept[i];
        if (kept->type == MN_KEPT_INT)
            MN_TRY(mn_runfile_get_int(file, kept->name, &kept->integer));
        if (kept->type == MN_KEPT_REAL)
            MN_TRY(mn_runfile_get_real(file, kept->name, &kept->real));
    }
    return MN_OK;
}

static mn_status save_images(const mn_learner *learner, mn_runfile *file)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)learner->images);
    return mn_runfile_set(file, "images", text);
}

/* Nothing in files of versions that did not count them. */
static mn_status load_images(mn_learner *learner, mn_runfile *file)
{
    char *text;
    MN_TRY(mn_runfile_find(file, "images", &text));
    learner->images = text != NULL ? strtoll(text, NULL, 10) : 0;
    mn_memory_give(text);
    return MN_OK;
}

mn_status mn_learner_save(mn_learner *learner, mn_runfile *file)
{
    MN_TRY(visit_tensors(learner, file, put_tensor));
    MN_TRY(save_numbers(learner, file));
    if (learner->buffer != NULL)
        MN_TRY(mn_buffer_save(learner->buffer, file));
    MN_TRY(save_images(learner, file));
    return mn_runfile_set_cursor(file, &learner->cursor);
}

mn_status mn_learner_load(mn_learner *learner, mn_runfile *file)
{
    MN_TRY(visit_tensors(learner, file, get_tensor));
    MN_TRY(load_numbers(learner, file));
    if (learner->buffer != NULL)
        MN_TRY(mn_buffer_load(learner->buffer, file));
    MN_TRY(load_images(learner, file));
    return mn_runfile_get_cursor(file, &learner->cursor);
}
