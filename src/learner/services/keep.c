/* keep.c -- services that give a strategy networks, optimisers and values of its own, which are
 * saved with the run. */
#include "learner/keep.h"
#include "experiment/sections.h"
#include "learner/learner.h"
#include "learner/weights.h"
#include "nn/optimiser.h"

#include <stdio.h>
#include <string.h>

mn_network *mn_learner_network(mn_learner *learner)
{
    return learner->network[0].network;
}

mn_status mn_reinitialise(mn_learner *learner, mn_network *network)
{
    int i = 0;
    while (i < learner->networks && learner->network[i].network != network)
        i++;
    if (i == learner->networks)
        return mn_fail(MN_NOT_FOUND, "reinitialise: the network does not belong to this run");
    MN_TRY(mn_network_initialise(
        network, mn_key_at(learner->network[i].key, (uint64_t)learner->cursor.task)));
    /* A run that began with weights from elsewhere begins again with those. */
    const bool shared = network == mn_learner_network(learner);
    return shared && learner->settings->init[0] != '\0'
               ? mn_weights_restore(network, learner->file, learner->settings->init_head)
               : MN_OK;
}

mn_status mn_add_network(mn_learner *learner, const char *name, const mn_network_spec *spec,
                         mn_network **network)
{
    const char *owner = mn_learner_current_name(learner);
    if (spec != NULL)
        return mn_learner_add_network(learner, owner, name, NULL, NULL, spec, network);
    MN_TRY(mn_learner_add_seeing(learner, owner, name,
                                 mn_network_spec_of(mn_learner_network(learner)), network));
    learner->network[learner->networks - 1].like_shared = true;
    return MN_OK;
}

int mn_teachers(const mn_learner *learner)
{
    return learner->teachers;
}

mn_network *mn_teacher(const mn_learner *learner, int i)
{
    return i >= 0 && i < learner->teachers ? learner->teacher[i] : NULL;
}

mn_status mn_add_network_of(mn_learner *learner, const char *name, const mn_network_type *type,
                            const void *options, const mn_network_spec *spec, mn_network **network)
{
    return mn_learner_add_network(learner, mn_learner_current_name(learner), name, type, options,
                                  spec, network);
}

mn_status mn_add_optimiser(mn_learner *learner, const char *name, const char *kind,
                           const char *options, mn_network *network, double learning_rate)
{
    return network != NULL ? mn_learner_add_optimiser(learner, mn_learner_current_name(learner),
                                                      name, kind, options, network, learning_rate)
                           : mn_fail(MN_BAD_VALUE,
                                     "optimiser '%s': the network is NULL; declare it first", name);
}

mn_status mn_add_head_optimiser(mn_learner *learner, const char *name, const char *kind,
                                const char *options, mn_network *network, double learning_rate)
{
    MN_TRY(mn_add_optimiser(learner, name, kind, options, network, learning_rate));
    mn_optimiser_head_only(learner->optimiser[learner->optimisers - 1].optimiser);
    return MN_OK;
}

mn_status mn_train_with_shared(mn_learner *learner, mn_network *network)
{
    const mn_experiment *experiment = learner->experiment;
    int i = 0;
    while (i < learner->networks && learner->network[i].network != network)
        i++;
    if (i == learner->networks || i == 0)
        return mn_fail(MN_NOT_FOUND, "train_with_shared: the network is not one of the strategy's "
                                     "own; add it with mn_add_network()");
    const char *options;
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_OPTIMISER, &options));
    MN_TRY(mn_add_optimiser(learner, learner->network[i].name,
                            experiment->section[MN_SECTION_OPTIMISER].type, options, network,
                            learner->settings->lr));
    learner->optimiser[learner->optimisers - 1].leader = 0;
    mn_optimiser_follow(learner->optimiser[learner->optimisers - 1].optimiser,
                        learner->optimiser[0].optimiser);
    return MN_OK;
}

mn_status mn_keep_tensor(mn_learner *learner, const char *name, mn_shape shape, mn_tensor **tensor)
{
    return mn_learner_keep_tensor(learner, mn_learner_current_name(learner), name, shape, tensor);
}

mn_status mn_keep_int(mn_learner *learner, const char *name, int64_t **value)
{
    return mn_learner_keep_int(learner, mn_learner_current_name(learner), name, value);
}

mn_status mn_keep_real(mn_learner *learner, const char *name, double **value)
{
    return mn_learner_keep_real(learner, mn_learner_current_name(learner), name, value);
}

mn_status mn_add_scratch(mn_learner *learner, mn_shape shape, mn_tensor **tensor)
{
    if (learner->scratch_count == MN_MOST_SCRATCH)
        return mn_fail(MN_UNSUPPORTED, "more than %d scratch tensors in one run", MN_MOST_SCRATCH);
    MN_TRY(mn_tensor_new(MN_F32, shape, tensor));
    learner->scratch[learner->scratch_count++] = *tensor;
    return MN_OK;
}

/* The factors are kept, so that a resume goes on with what a hook has made of them. */
mn_status mn_add_group(mn_learner *learner, const char *optimiser, const char *pattern,
                       double **rate, double **decay)
{
    const char *owner = mn_learner_current_name(learner);
    const char *which = optimiser != NULL ? optimiser : learner->optimiser[0].name;
    char name[160];
    const mn_owned_optimiser *owned = mn_learner_optimiser(learner, learner->current, optimiser);
    if (owned == NULL)
        return MN_NOT_FOUND;
    snprintf(name, sizeof name, "%s/%s/rate", which, pattern);
    MN_TRY(mn_learner_keep_real(learner, owner, name, rate));
    snprintf(name, sizeof name, "%s/%s/decay", which, pattern);
    MN_TRY(mn_learner_keep_real(learner, owner, name, decay));
    **rate = **decay = 1;
    return mn_optimiser_group(owned->optimiser, pattern, *rate, *decay);
}
