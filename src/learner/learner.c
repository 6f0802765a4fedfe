/* learner.c -- a learner is made, lends itself to hooks, and is unmade. */
#include "learner/learner.h"
#include "base/hook.h"
#include "base/names.h"
#include "buffer/storage.h"
#include "data/stream/row.h"
#include "experiment/checks.h"
#include "experiment/data.h"
#include "experiment/network.h"
#include "experiment/sections.h"
#include "learner/teacher.h"
#include "nn/network.h"
#include "nn/weights.h"
#include "store/records.h"
#include "tensor/kernels.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <string.h>

/* --- making --- */

static mn_status add_network(mn_learner *learner, const char *owner, const char *name,
                             const mn_network_type *type, const void *options,
                             const mn_network_spec *spec, mn_sight sight, mn_network **network)
{
    if (learner->networks == MN_MOST_NETWORKS)
        return mn_fail(MN_UNSUPPORTED, "network '%s': more than %d in one run", name,
                       MN_MOST_NETWORKS);
    char purpose[160];
    if (snprintf(purpose, sizeof purpose, "network.initial.%s/%s", owner, name) >=
        (int)sizeof purpose)
        return mn_fail(MN_BAD_VALUE, "network '%.40s...' of %s: the name is too long", name, owner);
    mn_owned_network *added = &learner->network[learner->networks];
    *added = (mn_owned_network){.owner = owner};
    MN_TRY(mn_keep_text(name, &added->name));
    added->key = mn_key_of((uint64_t)learner->settings->seed, purpose);
    MN_TRY(mn_network_new_seeing(type, options, spec, sight, added->key, &added->network));
    learner->networks++;
    if (network != NULL)
        *network = added->network;
    return MN_OK;
}

mn_status mn_learner_add_network(mn_learner *learner, const char *owner, const char *name,
                                 const mn_network_type *type, const void *options,
                                 const mn_network_spec *spec, mn_network **network)
{
    return add_network(learner, owner, name, type, options, spec, MN_SEES_ALL, network);
}

mn_status mn_learner_add_seeing(mn_learner *learner, const char *owner, const char *name,
                                const mn_network_spec *spec, mn_network **network)
{
    return add_network(learner, owner, name, NULL, NULL, spec, (mn_sight)learner->settings->sees,
                       network);
}

mn_status mn_learner_add_optimiser(mn_learner *learner, const char *owner, const char *name,
                                   const char *kind, const char *options, mn_network *network,
                                   double learning_rate)
{
    if (learner->optimisers == MN_MOST_OPTIMISERS)
        return mn_fail(MN_UNSUPPORTED, "optimiser '%s': more than %d in one run", name,
                       MN_MOST_OPTIMISERS);
    mn_owned_optimiser *added = &learner->optimiser[learner->optimisers];
    *added = (mn_owned_optimiser){owner, NULL, NULL, network, learning_rate, -1};
    MN_TRY(mn_keep_text(name, &added->name));
    MN_TRY(mn_optimiser_new(kind, options, network, &added->optimiser));
    learner->optimisers++;
    return MN_OK;
}

/* The network and the optimiser that all strategies of the run share. */
static mn_status add_shared(mn_learner *learner)
{
    const mn_experiment *experiment = learner->experiment;
    const char *of_optimiser;
    mn_network_spec spec;
    MN_TRY(mn_experiment_network_spec(experiment, learner->stream, &spec));
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_OPTIMISER, &of_optimiser));
    mn_network *network = NULL;
    MN_TRY(mn_learner_add_seeing(learner, "run", "network", &spec, &network));
    return mn_learner_add_optimiser(learner, "run", "optimiser",
                                    experiment->section[MN_SECTION_OPTIMISER].type, of_optimiser,
                                    network, learner->settings->lr);
}

static mn_status add_buffer(mn_learner *learner, int64_t rows)
{
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    const mn_section *section = &learner->experiment->section[MN_SECTION_BUFFER];
    const mn_policy *policy =
        (const void *)mn_find(MN_KIND_POLICY, learner->settings->buffer_policy);
    if (policy == NULL)
        return MN_NOT_FOUND;
    mn_encoding_spec encoding;
    MN_TRY(mn_experiment_encoding(learner->experiment, &encoding));
    const bool native = learner->settings->codec_consumption == MN_NATIVE;
    const int64_t before = native ? mn_encoding_bytes(&encoding) : 0; /* in the data's form */
    if (native)
        encoding.kind = MN_ENCODE_RAW;
    const mn_buffer_spec spec = {
        .capacity = rows,
        .image = mn_dataset_image(data),
        .type = data->type,
        .offset = data->offset,
        .scale = data->scale,
        .values = (mn_kept_values)learner->settings->buffer_values,
        .encoding = encoding,
        .codec_bytes = before,
        .classes = mn_stream_classes(learner->stream),
        .policy = policy,
        .options = section->values,
        .key = mn_key_of((uint64_t)learner->settings->seed, "buffer"),
        .memory = learner->settings->buffer_memory,
        .file = learner->file,
    };
    return mn_buffer_new(&spec, &learner->buffer);
}

static mn_status open_member(mn_learner *learner, int i)
{
    mn_member *member = &learner->member[i];
    member->strategy = learner->experiment->strategy[i];
    member->options = learner->experiment->section[MN_SECTION_STRATEGY + i].values;
    if (member->strategy->state_size > 0) {
        member->state = mn_memory_take_zeroed(1, member->strategy->state_size);
        if (member->state == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for the state of %s",
                           member->strategy->name);
    }
    learner->members = i + 1;
    learner->current = i;
    if (member->strategy->open == NULL)
        return MN_OK;
    mn_learner_enter(learner, i, "open");
    const mn_status status = mn_learner_leave(learner, member->strategy->open(learner));
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s: open", member->strategy->name);
}

/* A strategy that keeps something beside the rows is told which are gone (lost.h). */
static mn_status watch_buffer(mn_learner *learner)
{
    bool wanted = false;
    for (int i = 0; i < learner->members; i++)
        wanted = wanted || learner->member[i].strategy->forget != NULL;
    if (learner->buffer == NULL || !wanted)
        return MN_OK;
    learner->lost = mn_memory_take((size_t)mn_buffer_capacity(learner->buffer), sizeof(int64_t));
    return learner->lost != NULL ? mn_buffer_watch(learner->buffer)
                                 : mn_fail(MN_NO_MEMORY, "out of memory for a list of slots");
}

/* A run may begin with weights from elsewhere; once it has begun, they are in its file. */
static mn_status take_initial_weights(mn_learner *learner)
{
    const mn_run_settings *settings = learner->settings;
    if (settings->init[0] == '\0')
        return MN_OK;
    const mn_status status = mn_weights_load(learner->network[0].network, settings->init,
                                             settings->init_digest, settings->init_head);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "init");
}

static mn_status add_teacher(mn_learner *learner, const char *name, const mn_network_spec *spec,
                             mn_network **network)
{
    MN_TRY(mn_learner_add_network(learner, MN_TEACHERS, name, NULL, NULL, spec, network));
    learner->teacher[learner->teachers++] = *network;
    return MN_OK;
}

static mn_status add_teachers(mn_learner *learner, bool begins)
{
    const mn_lesson lesson = {.settings = learner->settings,
                              .stream = learner->stream,
                              .transform = learner->transform,
                              .file = learner->file,
                              .begins = begins,
                              .learner = learner,
                              .add = add_teacher};
    return mn_lesson_begin(&lesson);
}

static mn_status build(mn_learner *learner, bool begins, int64_t buffer_rows)
{
    const mn_experiment *experiment = learner->experiment;
    learner->kept = mn_memory_take_zeroed(MN_MOST_KEPT, sizeof *learner->kept);
    if (learner->kept == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the learner");
    learner->learning_rate = learner->settings->lr; /* what open is told */
    MN_TRY(mn_tape_new(&learner->tape));
    const mn_status precise =
        mn_tape_precision(learner->tape, (mn_dtype)learner->settings->precision);
    if (precise != MN_OK) /* a run that began on another processor */
        return mn_fail_in(precise, "precision");
    MN_TRY(mn_experiment_schedule(experiment, &learner->schedule));
    MN_TRY(add_shared(learner));
    if (begins) /* before `open`, which may copy the network */
        MN_TRY(take_initial_weights(learner));
    MN_TRY(add_teachers(learner, begins));
    if (mn_experiment_needs_buffer(experiment))
        MN_TRY(add_buffer(learner, buffer_rows));
    for (int i = 0; i < experiment->strategy_count; i++)
        MN_TRY(open_member(learner, i));
    return watch_buffer(learner);
}

mn_status mn_learner_make(const mn_learner_spec *spec, int64_t buffer_rows, mn_learner **learner)
{
    mn_learner *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the learner");
    made->experiment = spec->experiment;
    made->settings = mn_experiment_settings(spec->experiment);
    made->stream = spec->stream;
    made->transform = spec->transform;
    made->plain = mn_transform_plain(spec->transform);
    made->file = spec->file;
    made->cursor.length = MN_LENGTH_UNKNOWN;
    made->trained = MN_ALL;
    const mn_status status = build(made, spec->begins, buffer_rows);
    if (status != MN_OK) {
        mn_learner_free(made);
        return status;
    }
    *learner = made;
    return MN_OK;
}

void mn_learner_free(mn_learner *learner)
{
    if (learner == NULL)
        return;
    mn_tape_free(learner->tape);
    for (int i = 0; i < learner->optimisers; i++)
        mn_optimiser_free(learner->optimiser[i].optimiser);
    for (int i = 0; i < learner->networks; i++)
        mn_network_free(learner->network[i].network);
    for (int i = 0; i < learner->kept_count; i++)
        mn_tensor_free(learner->kept[i].tensor);
    for (int i = 0; i < learner->scratch_count; i++)
        mn_tensor_free(learner->scratch[i]);
    for (int i = 0; i < MN_MOST_SPACES; i++)
        mn_batch_space_free(&learner->space[i]);
    for (int i = 0; i < learner->members; i++)
        mn_memory_give(learner->member[i].state);
    mn_buffer_free(learner->buffer);
    mn_memory_give(learner->kept);
    mn_memory_give(learner->slots);
    mn_memory_give(learner->lost);
    mn_memory_give(learner->term_name);
    mn_memory_give(learner);
}

/* --- the step --- */

void mn_learner_begin_step(mn_learner *learner)
{
    mn_learner_reset_tape(learner);
    mn_learner_begin_terms(learner);
    learner->spaces = learner->draws = 0;
    mn_hook_at(learner->cursor.task, learner->cursor.step);
}

void mn_learner_reset_tape(mn_learner *learner)
{
    mn_tape_reset(learner->tape);
    learner->published_count = learner->brought_count = 0;
}

void mn_learner_begin_terms(mn_learner *learner)
{
    learner->terms = learner->group = learner->groups_done = 0;
    learner->published_before = learner->published_count;
}

void mn_learner_remember_failure(mn_learner *learner, mn_status status)
{
    if (learner->status != MN_OK || status == MN_OK)
        return;
    learner->status = status;
    snprintf(learner->error, sizeof learner->error, "%s", mn_error());
}

mn_status mn_learner_check(mn_learner *learner)
{
    if (learner->status == MN_OK)
        return mn_tape_status(learner->tape) == MN_OK
                   ? mn_kernels_check()
                   : mn_fail(mn_tape_status(learner->tape), "%s", mn_tape_error(learner->tape));
    const mn_status status = learner->status;
    learner->status = MN_OK;
    return mn_fail(status, "%s", learner->error);
}

mn_row_type mn_learner_row_type(const mn_learner *learner)
{
    return mn_row_type_in_batches(mn_stream_dataset(learner->stream)->type);
}

int32_t mn_learner_task_of(const mn_learner *learner, int32_t label)
{
    const int64_t task = mn_stream_task_of(learner->stream, label);
    return (int32_t)(task >= 0 ? task : learner->cursor.task);
}

mn_status mn_learner_space(mn_learner *learner, mn_batch_space **space)
{
    if (learner->spaces == MN_MOST_SPACES)
        return mn_fail(MN_UNSUPPORTED, "more than %d batches in one step", MN_MOST_SPACES);
    *space = &learner->space[learner->spaces++];
    return MN_OK;
}

const mn_batch *mn_learner_batch(mn_learner *learner, mn_status status, const mn_batch_space *space)
{
    static const mn_batch nothing;
    mn_learner_remember_failure(learner, status);
    return status == MN_OK ? &space->batch : &nothing;
}

const char *mn_learner_current_name(const mn_learner *learner)
{
    return learner->member[learner->current].strategy->name;
}

mn_status mn_learner_owned_name(const char *owner, const char *name, const char **full)
{
    char text[128];
    const int length = snprintf(text, sizeof text, "%s/%s", owner, name);
    if (length >= (int)sizeof text)
        return mn_fail(MN_BAD_VALUE, "name '%.40s...' of %s is %d bytes too long", name, owner,
                       length + 1 - (int)sizeof text);
    return mn_keep_text(text, full);
}

mn_status mn_learner_own_name(const mn_learner *learner, const char *name, const char **full)
{
    return mn_learner_owned_name(mn_learner_current_name(learner), name, full);
}

mn_owned_optimiser *mn_learner_optimiser(mn_learner *learner, int member, const char *name)
{
    if (name == NULL)
        return &learner->optimiser[0];
    const char *owner = learner->member[member].strategy->name;
    for (int i = 0; i < learner->optimisers; i++)
        if (strcmp(learner->optimiser[i].owner, owner) == 0 &&
            strcmp(learner->optimiser[i].name, name) == 0)
            return &learner->optimiser[i];
    (void)mn_fail(MN_NOT_FOUND, "%s: no optimiser '%s' was declared in open", owner, name);
    return NULL;
}

void mn_learner_enter(mn_learner *learner, int member, const char *hook)
{
    learner->current = member;
    mn_hook_at(learner->cursor.task, learner->cursor.step);
    (void)mn_hook_enter(learner->member[member].strategy->name, hook);
}

mn_status mn_learner_leave(mn_learner *learner, mn_status status)
{
    MN_TRY(mn_hook_leave((mn_hook_place){.owner = NULL}, status));
    return mn_learner_check(learner);
}

static mn_hook hook_of(const mn_strategy *strategy, mn_occasion occasion)
{
    switch (occasion) {
    case MN_BEFORE_TASK: return strategy->before_task;
    case MN_GRADIENTS: return strategy->gradients;
    case MN_AFTER_EPOCH: return strategy->after_epoch;
    case MN_AFTER_TASK: return strategy->after_task;
    }
    return NULL;
}

mn_status mn_learner_call(mn_learner *learner, mn_occasion occasion)
{
    static const char *const names[] = {"before_task", "gradients", "after_epoch", "after_task"};
    for (int i = 0; i < learner->members; i++) {
        const mn_strategy *strategy = learner->member[i].strategy;
        const mn_hook hook = hook_of(strategy, occasion);
        if (hook == NULL)
            continue;
        mn_learner_enter(learner, i, names[occasion]);
        const mn_status status = mn_learner_leave(learner, hook(learner));
        if (status != MN_OK)
            return mn_fail_in(status, "%s: %s", strategy->name, names[occasion]);
    }
    return MN_OK;
}
