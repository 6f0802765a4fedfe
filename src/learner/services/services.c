/* services.c -- what a strategy may ask of the run that calls it.
 *
 * Services that return a value instead of a status leave the first failure in the learner; the
 * runner checks after every hook, so that the mathematics of a strategy needs no checks. */
#include "autograd/done.h"
#include "base/options.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *current_name(const mn_learner *learner)
{
    return learner->member[learner->current].strategy->name;
}

static void remember_failure(mn_learner *learner, mn_status status)
{
    if (learner->status != MN_OK || status == MN_OK)
        return;
    learner->status = status;
    snprintf(learner->error, sizeof learner->error, "%s", mn_error());
}

void mn_learner_remember_failure(mn_learner *learner, mn_status status)
{
    remember_failure(learner, status);
}

const char *mn_learner_own_name(const mn_learner *learner, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "%s/%s", current_name(learner), name);
    return mn_intern(text);
}

/* --- asking --- */

const void *mn_options(const mn_learner *learner)
{
    return learner->member[learner->current].options;
}

void *mn_state(mn_learner *learner)
{
    return learner->member[learner->current].state;
}

int64_t mn_task(const mn_learner *learner)
{
    return learner->cursor.task;
}

int64_t mn_tasks(const mn_learner *learner)
{
    return mn_stream_tasks(learner->stream);
}

int64_t mn_epoch(const mn_learner *learner)
{
    return learner->epoch;
}

double mn_phase_done(const mn_learner *learner)
{
    const int64_t steps = learner->phase_steps;
    return steps > 0 ? (double)learner->cursor.phase_step / (double)steps : 0;
}

int64_t mn_batch_size(const mn_learner *learner)
{
    return learner->settings->batch;
}

int64_t mn_step(const mn_learner *learner)
{
    return learner->cursor.step;
}

double mn_learning_rate(const mn_learner *learner)
{
    return learner->learning_rate;
}

void mn_set_learning_rate(mn_learner *learner, double learning_rate)
{
    learner->learning_rate = learning_rate;
}

void mn_hold_out(mn_learner *learner, double fraction)
{
    learner->held_out = fraction;
}

mn_range mn_classes(const mn_learner *learner, mn_when when)
{
    const int64_t all = mn_stream_classes(learner->stream);
    const int64_t last = mn_tasks(learner) - 1, task = mn_task(learner);
    const mn_task_info now = mn_stream_task(learner->stream, task < last ? task : last);
    const int64_t seen = now.first_class + now.classes;
    switch (when) {
    case MN_PAST: return (mn_range){0, now.first_class};
    case MN_PRESENT: return (mn_range){now.first_class, now.classes};
    case MN_FUTURE: return (mn_range){seen, all - seen};
    case MN_SEEN: return (mn_range){0, seen};
    case MN_ALL: break;
    }
    return (mn_range){0, all};
}

mn_range mn_classes_of_task(const mn_learner *learner, int64_t task)
{
    const mn_task_info info = mn_stream_task(learner->stream, task);
    return (mn_range){info.first_class, info.classes};
}

const mn_buffer *mn_learner_buffer(const mn_learner *learner)
{
    return learner->buffer;
}

/* --- losses --- */

mn_var *mn_learner_input(mn_learner *learner, const mn_batch *batch)
{
    mn_shape shape = {.rank = batch->image.rank + 1, .size = {batch->count}};
    for (int i = 0; i < batch->image.rank; i++)
        shape.size[i + 1] = batch->image.size[i];
    return mn_input(learner->tape, shape, batch->x, false);
}

const mn_out *mn_forward_with(mn_learner *learner, mn_network *network, const mn_batch *batch,
                              mn_mode mode)
{
    static const mn_batch nothing;
    if (batch == NULL)
        batch = &nothing;
    const mn_forwarded forwarded =
        mn_network_forward(network, mn_learner_input(learner, batch), mode);
    if ((mode & MN_NO_GRADIENT) == 0)
        learner->images += batch->count;
    if (learner->published_count == MN_MOST_PUBLISHED) {
        remember_failure(learner, mn_fail(MN_UNSUPPORTED, "more than %d forwards in one step",
                                          MN_MOST_PUBLISHED));
        learner->published_count--;
    }
    mn_var_keep(forwarded.logits);
    mn_var_keep(forwarded.features);
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

const mn_batch *mn_join(mn_learner *learner, const mn_batch *a, const mn_batch *b)
{
    mn_batch_space *space = mn_learner_space(learner);
    const mn_shape image = a->count > 0 ? a->image : b->image;
    const mn_status status = mn_batch_space_prepare(space, image, a->count + b->count);
    if (status == MN_OK) {
        mn_batch_space_copy(space, 0, a);
        mn_batch_space_copy(space, a->count, b);
    }
    remember_failure(learner, status);
    space->batch.stream_rows = a->stream_rows;
    return &space->batch;
}

const mn_batch *mn_plain(mn_learner *learner, const mn_batch *batch)
{
    mn_batch_space *space = mn_learner_space(learner);
    mn_status status = mn_batch_space_prepare(space, batch->image, batch->count);
    if (status == MN_OK) {
        mn_batch_space_copy(space, 0, batch);
        status = mn_transform_apply(&learner->plain, batch->image, batch->count, space->pixels,
                                    mn_key_of(0, "plain"), NULL, space->x);
    }
    remember_failure(learner, status);
    space->batch.stream_rows = batch->stream_rows;
    return &space->batch;
}

static mn_key fixed_key(const mn_learner *learner, const char *kind, const char *name)
{
    char purpose[160];
    snprintf(purpose, sizeof purpose, "%s.%s/%s", kind, current_name(learner), name);
    return mn_key_of((uint64_t)learner->settings->seed, purpose);
}

static mn_key draw_key(const mn_learner *learner, const char *kind, const char *name)
{
    return mn_key_at(fixed_key(learner, kind, name), (uint64_t)learner->cursor.step);
}

mn_key mn_learner_key(const mn_learner *learner, const char *kind, const char *name)
{
    return draw_key(learner, kind, name);
}

typedef double random_number(mn_key key, uint64_t counter);

static mn_var *random_numbers(mn_learner *learner, mn_tape *tape, mn_key key, random_number *number,
                              mn_shape shape)
{
    const int64_t count = mn_shape_count(shape);
    float *numbers = malloc((size_t)(count > 0 ? count : 1) * sizeof *numbers);
    if (numbers == NULL) {
        remember_failure(learner, mn_fail(MN_NO_MEMORY, "out of memory for random numbers"));
        return mn_zeros(tape, shape);
    }
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)number(key, (uint64_t)i);
    mn_var *made = mn_input(tape, shape, numbers, false);
    free(numbers);
    return made;
}

mn_var *mn_noise(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape)
{
    return random_numbers(learner, tape, draw_key(learner, "noise", name), mn_random_normal, shape);
}

mn_var *mn_fixed_noise(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape)
{
    return random_numbers(learner, tape, fixed_key(learner, "fixed-noise", name), mn_random_normal,
                          shape);
}

mn_var *mn_uniform(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape)
{
    return random_numbers(learner, tape, draw_key(learner, "uniform", name), mn_random_uniform,
                          shape);
}

/* --- the buffer --- */

mn_status mn_keep_column(mn_learner *learner, const char *name, int64_t width)
{
    if (learner->buffer == NULL)
        return mn_fail(MN_OUT_OF_ORDER,
                       "column '%s': the strategy has no buffer; declare MN_NEEDS_BUFFER", name);
    return mn_buffer_add_column(learner->buffer, name,
                                width > 0 ? width : mn_stream_classes(learner->stream));
}

void mn_require_rows(mn_learner *learner, int64_t rows, const char *of)
{
    if (rows <= learner->least_rows)
        return;
    learner->least_rows = rows;
    snprintf(learner->least_reason, sizeof learner->least_reason,
             "%s needs room for an exemplar of each %s, %lld", current_name(learner), of,
             (long long)rows);
}

static int64_t *slots_for(mn_learner *learner, int64_t count)
{
    if (count > learner->slots_capacity) {
        int64_t *larger = realloc(learner->slots, (size_t)count * sizeof *larger);
        if (larger == NULL) {
            remember_failure(learner, mn_fail(MN_NO_MEMORY, "out of memory for a draw"));
            return NULL;
        }
        learner->slots = larger;
        learner->slots_capacity = count;
    }
    return learner->slots;
}

static const mn_batch *gather(mn_learner *learner, const int64_t *slots, int64_t count, mn_key key)
{
    mn_batch_space *space = mn_learner_space(learner);
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    const mn_shape image = MN_SHAPE(data->channels, data->height, data->width);
    mn_status status = learner->buffer != NULL
                           ? mn_buffer_gather(learner->buffer, slots, count, space)
                           : mn_batch_space_prepare(space, image, 0);
    if (status == MN_OK)
        status = mn_transform_apply(learner->transform, space->batch.image, space->batch.count,
                                    space->pixels, key, NULL, space->x);
    remember_failure(learner, status);
    if (status != MN_OK)
        space->batch.count = 0;
    return &space->batch;
}

const mn_batch *mn_draw(mn_learner *learner, const char *name, int64_t wanted)
{
    const mn_key key = draw_key(learner, "draw", name);
    int64_t *slots = slots_for(learner, wanted > 0 ? wanted : 1);
    int64_t count = 0;
    if (slots != NULL && learner->buffer != NULL)
        count = mn_buffer_draw(learner->buffer, key, wanted, slots);
    return gather(learner, slots, count, mn_key_at(key, 1));
}

const mn_batch *mn_draw_of_task(mn_learner *learner, const char *name, int64_t task, int64_t wanted)
{
    const mn_key key = mn_key_at(draw_key(learner, "draw-of-task", name), (uint64_t)task);
    int64_t *slots = slots_for(learner, wanted > 0 ? wanted : 1);
    int64_t count = 0;
    if (slots != NULL && learner->buffer != NULL)
        count = mn_buffer_draw_of_task(learner->buffer, key, (int32_t)task, wanted, slots);
    return gather(learner, slots, count, mn_key_at(key, 1));
}

const mn_batch *mn_draw_per_class(mn_learner *learner, const char *name, int64_t wanted)
{
    const mn_key key = draw_key(learner, "draw-per-class", name);
    int64_t *slots = slots_for(learner, wanted * mn_stream_classes(learner->stream) + 1);
    int64_t count = 0;
    if (slots != NULL && learner->buffer != NULL)
        count = mn_buffer_draw_per_class(learner->buffer, key, wanted, slots);
    return gather(learner, slots, count, mn_key_at(key, 1));
}

static const mn_batch_column *find_column(const mn_batch *batch, const char *name)
{
    for (int i = 0; i < batch->columns; i++)
        if (strcmp(batch->column[i].name, name) == 0)
            return &batch->column[i];
    return NULL;
}

mn_var *mn_column(mn_tape *tape, const mn_batch *batch, const char *name)
{
    const mn_batch_column *column = find_column(batch, name);
    if (column == NULL)
        return mn_tape_refuse(
            tape, "column",
            mn_fail(MN_NOT_FOUND, "the batch has no column '%s'; declare it with mn_keep_column()",
                    name));
    return mn_input(tape, MN_SHAPE(batch->count, column->width), column->values, false);
}

/* Offers rows whose columns are set, with the score that the policy wants to see. */
static mn_status offer(mn_learner *learner, mn_batch *offered)
{
    if (!mn_buffer_wants_score(mn_buffer_policy_of(learner->buffer)))
        return mn_buffer_offer(learner->buffer, offered);
    if (offered->columns == MN_MAX_COLUMNS)
        return mn_fail(MN_UNSUPPORTED, "%d columns leave no room for the policy's score",
                       offered->columns);
    const int64_t rows = offered->stream_rows;
    float *scores = malloc((size_t)(rows > 0 ? rows : 1) * sizeof *scores);
    if (scores == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for scores");
    mn_batch_column *column = &offered->column[offered->columns++];
    *column = (mn_batch_column){MN_SCORE_COLUMN, 1, scores};
    mn_status status = mn_learner_scores(learner, offered, scores);
    if (status == MN_OK)
        status = mn_buffer_offer(learner->buffer, offered);
    free(scores);
    return status;
}

static mn_status values_of_column(const char *name, mn_var *value, const float **values)
{
    *values = mn_host(value);
    if (*values != NULL)
        return MN_OK;
    const mn_tape *tape = mn_tape_of(value);
    if (tape != NULL && mn_tape_status(tape) != MN_OK)
        return mn_fail(mn_tape_status(tape), "%s", mn_tape_error(tape));
    return mn_fail(MN_OUT_OF_ORDER,
                   "column '%s': its values are gone; after mn_terms_done() logits and features of "
                   "forwards can be read",
                   name);
}

mn_status mn_remember(mn_learner *learner, const mn_batch *batch, const mn_column_value *columns,
                      int n)
{
    if (learner->buffer == NULL)
        return mn_fail(MN_OUT_OF_ORDER, "there is no buffer; declare MN_NEEDS_BUFFER");
    mn_batch offered = *batch;
    offered.columns = 0;
    for (int i = 0; i < n; i++) {
        const mn_shape shape = mn_shape_of(columns[i].value);
        char text[64];
        if (shape.rank != 2 || shape.size[0] < batch->stream_rows || n > MN_MAX_COLUMNS)
            return mn_fail(
                MN_BAD_SHAPE, "column '%s': %s does not give a row to each of %lld images",
                columns[i].name, mn_shape_text(shape, text), (long long)batch->stream_rows);
        mn_batch_column *column = &offered.column[offered.columns++];
        snprintf(column->name, sizeof column->name, "%s", columns[i].name);
        column->width = shape.size[1];
        MN_TRY(values_of_column(columns[i].name, columns[i].value, &column->values));
    }
    return offer(learner, &offered);
}

mn_status mn_shrink_class(mn_learner *learner, int32_t label, int64_t keep)
{
    return learner->buffer != NULL ? mn_buffer_shrink_label(learner->buffer, label, keep) : MN_OK;
}

mn_status mn_update_column(mn_learner *learner, const mn_batch *batch, const char *name,
                           mn_var *value)
{
    const mn_batch_column *column = find_column(batch, name);
    const mn_shape shape = mn_shape_of(value);
    if (batch->count == 0)
        return MN_OK;
    if (column == NULL || learner->buffer == NULL)
        return mn_fail(MN_NOT_FOUND, "column '%s': the batch was drawn without it", name);
    if (shape.rank != 2 || shape.size[0] != batch->count || shape.size[1] != column->width)
        return mn_fail(MN_BAD_SHAPE, "column '%s': expected (%lld,%lld)", name,
                       (long long)batch->count, (long long)column->width);
    const float *values;
    MN_TRY(values_of_column(name, value, &values));
    return mn_buffer_update_column(learner->buffer, batch->slots, batch->count, name, values);
}

/* --- networks, optimisers, kept state --- */

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
    return mn_learner_add_network(
        learner, current_name(learner), name, NULL, NULL,
        spec != NULL ? spec : mn_network_spec_of(mn_learner_network(learner)), network);
}

mn_status mn_add_network_of(mn_learner *learner, const char *name, const mn_network_type *type,
                            const void *options, const mn_network_spec *spec, mn_network **network)
{
    return mn_learner_add_network(learner, current_name(learner), name, type, options, spec,
                                  network);
}

mn_status mn_add_optimiser(mn_learner *learner, const char *name, const char *kind,
                           const char *options, mn_network *network, double learning_rate)
{
    return mn_learner_add_optimiser(learner, current_name(learner), name, kind, options, network,
                                    learning_rate);
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
    MN_TRY(mn_add_optimiser(learner, learner->network[i].name,
                            experiment->section[MN_SECTION_OPTIMISER].type,
                            mn_experiment_section_json(experiment, MN_SECTION_OPTIMISER), network,
                            learner->settings->lr));
    learner->optimiser[learner->optimisers - 1].leader = 0;
    return MN_OK;
}

static mn_status keep(mn_learner *learner, const char *name, mn_kept_type type, mn_kept **kept)
{
    const char *full = mn_learner_own_name(learner, name);
    for (int i = 0; i < learner->kept_count; i++)
        if (strcmp(learner->kept[i].name, full) == 0)
            return mn_fail(MN_OUT_OF_ORDER, "'%s' is kept twice", full);
    if (learner->kept_count == MN_MOST_KEPT)
        return mn_fail(MN_UNSUPPORTED, "'%s': more than %d kept values in one run", full,
                       MN_MOST_KEPT);
    *kept = &learner->kept[learner->kept_count++];
    **kept = (mn_kept){.name = full, .type = type};
    return MN_OK;
}

mn_status mn_keep_tensor(mn_learner *learner, const char *name, mn_shape shape, mn_tensor **tensor)
{
    mn_kept *kept;
    MN_TRY(keep(learner, name, MN_KEPT_TENSOR, &kept));
    MN_TRY(mn_tensor_new(MN_F32, shape, &kept->tensor));
    *tensor = kept->tensor;
    return MN_OK;
}

mn_status mn_add_scratch(mn_learner *learner, mn_shape shape, mn_tensor **tensor)
{
    if (learner->scratch_count == MN_MOST_SCRATCH)
        return mn_fail(MN_UNSUPPORTED, "more than %d scratch tensors in one run", MN_MOST_SCRATCH);
    MN_TRY(mn_tensor_new(MN_F32, shape, tensor));
    learner->scratch[learner->scratch_count++] = *tensor;
    return MN_OK;
}

mn_status mn_keep_int(mn_learner *learner, const char *name, int64_t **value)
{
    mn_kept *kept;
    MN_TRY(keep(learner, name, MN_KEPT_INT, &kept));
    *value = &kept->integer;
    return MN_OK;
}

mn_status mn_keep_real(mn_learner *learner, const char *name, double **value)
{
    mn_kept *kept;
    MN_TRY(keep(learner, name, MN_KEPT_REAL, &kept));
    *value = &kept->real;
    return MN_OK;
}
