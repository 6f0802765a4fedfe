/* phase.c -- the only training loop: batches from a source, updates on a tape, hooks around them.
 *
 * A phase is resumed in its middle: the position is the count of steps done in it, and the order
 * of every epoch is looked up from its key. */
#include "base/clock.h"
#include "experiment/checks.h"
#include "learner/scores.h"
#include "learner/select.h"
#include "learner/terms.h"
#include "nn/network.h"
#include "run/batches.h"
#include "run/evaluate.h"
#include "store/records.h"
#include "store/runfile.h"

#include <math.h>
#include <mneme/stream.h>
#include <stdlib.h>
#include <string.h>

static const mn_phase train_phase[] = {{.name = "train"}, {.name = NULL}};
static const mn_phase no_phase[] = {{.name = NULL}};

static const mn_phase *phases_of(const mn_learner *learner, int member, bool before)
{
    const mn_strategy *strategy = learner->member[member].strategy;
    if (before)
        return strategy->phases_before != NULL ? strategy->phases_before : no_phase;
    return strategy->phases != NULL ? strategy->phases : member == 0 ? train_phase : no_phase;
}

/* The i-th phase of a task and the strategy it belongs to; NULL past the end. */
static const mn_phase *phase_at(const mn_learner *learner, int64_t i, int *member)
{
    for (int turn = 0; turn < 2 * learner->members; turn++) {
        *member = turn % learner->members;
        const mn_phase *phase = phases_of(learner, *member, turn < learner->members);
        for (; phase->name != NULL; phase++)
            if (i-- == 0)
                return phase;
    }
    return NULL;
}

int mn_runner_phase_count(const mn_runner *runner)
{
    int count = 0, member;
    while (phase_at(runner->learner, count, &member) != NULL)
        count++;
    return count;
}

/* --- one step --- */

static mn_owned_optimiser *optimiser_of(mn_learner *learner, int member, const char *name)
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

static mn_status build_loss(mn_learner *learner, int member, const mn_update *update,
                            const mn_batch *batch)
{
    learner->current = member;
    mn_tape_scope(learner->tape, learner->member[member].strategy->name);
    /* Earlier updates of the step have moved the weights that their forwards were made with. */
    const int earlier = learner->published_count;
    MN_TRY(update->loss(learner, learner->tape, batch));
    MN_TRY(mn_learner_check(learner));
    const mn_out *published[MN_MOST_PUBLISHED];
    const int count = learner->published_count - earlier;
    learner->group = 0; /* an add-on's terms may be made of any forward: they go with the first */
    for (int i = 0; i < count; i++)
        published[i] = &learner->published[earlier + i];
    for (int i = 1; i < learner->members && member == 0; i++) {
        const mn_strategy *addon = learner->member[i].strategy;
        if (addon->term == NULL)
            continue;
        learner->current = i;
        mn_tape_scope(learner->tape, addon->name);
        MN_TRY(addon->term(learner, learner->tape, published, count));
        MN_TRY(mn_learner_check(learner));
    }
    mn_tape_scope(learner->tape, NULL);
    return MN_OK;
}

/* The i-th of the optimisers that make a step together: a leader and those that follow it. */
static mn_owned_optimiser *together(mn_learner *learner, const mn_owned_optimiser *leader, int i)
{
    for (int j = 0; j < learner->optimisers; j++) {
        mn_owned_optimiser *optimiser = &learner->optimiser[j];
        if (optimiser == leader ||
            (optimiser->leader >= 0 && &learner->optimiser[optimiser->leader] == leader))
            if (i-- == 0)
                return optimiser;
    }
    return NULL;
}

static mn_status clip_gradients(mn_learner *learner, const mn_owned_optimiser *leader, double most)
{
    const mn_owned_optimiser *one;
    double squares = 0;
    if (most <= 0)
        return MN_OK;
    for (int i = 0; (one = together(learner, leader, i)) != NULL; i++)
        squares += pow(mn_tensor_norm(mn_network_gradients(one->network)), 2);
    const double norm = sqrt(squares);
    for (int i = 0; norm > most && (one = together(learner, leader, i)) != NULL; i++) {
        mn_tensor *gradients = mn_network_gradients(one->network);
        MN_TRY(mn_tensor_axpby(gradients, 0, gradients, (float)(most / norm)));
    }
    return MN_OK;
}

static mn_status log_terms(mn_runner *runner, const char *phase)
{
    const mn_learner *learner = runner->learner;
    const mn_cursor *cursor = &learner->cursor;
    for (int i = 0; i < learner->terms; i++)
        MN_TRY(mn_runfile_add_scalar(runner->file, cursor->step, cursor->task, phase,
                                     learner->term[i].name, mn_item(learner->term[i].value)));
    MN_TRY(mn_runfile_add_scalar(runner->file, cursor->step, cursor->task, phase, "loss",
                                 runner->loss));
    return mn_runfile_add_scalar(runner->file, cursor->step, cursor->task, phase, "lr",
                                 learner->learning_rate);
}

static mn_status update_once(mn_runner *runner, const mn_phase *phase, int member,
                             const mn_update *update, const mn_batch *batch, double factor)
{
    mn_learner *learner = runner->learner;
    mn_owned_optimiser *owned = optimiser_of(learner, member, update->optimiser);
    if (owned == NULL)
        return MN_NOT_FOUND;
    mn_learner_begin_terms(learner);
    learner->learning_rate = owned->learning_rate * factor;
    const mn_owned_optimiser *one;
    for (int i = 0; (one = together(learner, owned, i)) != NULL; i++)
        mn_network_forget_gradients(one->network);
    MN_TRY(build_loss(learner, member, update, batch));
    MN_TRY(mn_learner_backward(learner, &runner->loss));
    for (int i = 0; (one = together(learner, owned, i)) != NULL; i++)
        MN_TRY(mn_network_complete_gradients(one->network));
    if (runner->updates < MN_MOST_UPDATES_SHOWN)
        runner->update[runner->updates++] = (mn_update_loss){update->name, runner->loss};
    if (learner->cursor.step % learner->settings->log_every == 0)
        MN_TRY(log_terms(runner, phase->name));
    MN_TRY(mn_learner_call(learner, MN_GRADIENTS));
    MN_TRY(clip_gradients(learner, owned, learner->settings->clip));
    mn_run_profile_mark(runner, "draws and hooks");
    for (int i = 0; (one = together(learner, owned, i)) != NULL; i++)
        MN_TRY(mn_optimiser_step(one->optimiser, learner->learning_rate));
    mn_run_profile_mark(runner, "optimiser");
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, int member, const mn_batch *batch)
{
    const mn_out *out = learner->published_count > 0 ? &learner->published[0] : NULL;
    MN_TRY(mn_learner_refresh_scores(learner));
    for (int i = member == 0 ? 0 : 1; i < learner->members; i++) {
        const mn_strategy *strategy = learner->member[i].strategy;
        if (strategy->after_step == NULL)
            continue;
        learner->current = i;
        mn_status status = strategy->after_step(learner, batch, out);
        if (status == MN_OK)
            status = mn_learner_check(learner);
        if (status != MN_OK)
            return mn_fail_in(status, "%s: after_step", strategy->name);
    }
    return MN_OK;
}

static mn_status show(mn_learner *learner, const mn_phase *phase, int member, const mn_batch *batch,
                      double factor)
{
    learner->current = member;
    learner->learning_rate = learner->optimiser[0].learning_rate * factor;
    MN_TRY(phase->visit(learner, learner->tape, batch));
    return mn_learner_check(learner);
}

static mn_status step_once(mn_runner *runner, const mn_phase *phase, int member,
                           const mn_batch *batch, double factor)
{
    mn_learner *learner = runner->learner;
    if (phase->visit != NULL)
        return show(learner, phase, member, batch, factor);
    const mn_update usual[] = {{.name = "train", .loss = learner->member[member].strategy->loss},
                               {.name = NULL}};
    const mn_update *update = phase->updates != NULL ? phase->updates : usual;
    runner->updates = 0;
    for (; update->name != NULL; update++)
        if (update->every <= 1 || learner->cursor.phase_step % update->every == 0)
            MN_TRY(update_once(runner, phase, member, update, batch, factor));
    return after_step(learner, member, batch);
}

/* --- the phase --- */

static bool commit_is_due(const mn_runner *runner)
{
    const mn_run_settings *settings = runner->learner->settings;
    if (settings->commit_steps > 0 && runner->uncommitted >= settings->commit_steps)
        return true;
    double every = settings->commit_every;
    if (every < 0)
        every = fmax(30, 100 * runner->commit_seconds);
    return mn_now() - runner->committed >= every;
}

static mn_status between_steps(mn_runner *runner)
{
    mn_learner *learner = runner->learner;
    const int64_t every = learner->settings->eval_every;
    if (every > 0 && learner->cursor.step % every == 0)
        MN_TRY(mn_evaluate(learner, runner->file, learner->cursor.task, learner->cursor.task, false,
                           NULL));
    if (mn_runner_stop_wanted(runner)) {
        MN_TRY(mn_runner_commit(runner));
        const char *path =
            mn_runfile_path(runner->file); /* the commit may have made a new learner */
        return mn_fail(MN_INTERRUPTED, "%s: stopped at step %lld; continue with 'mneme resume %s'",
                       path, (long long)runner->learner->cursor.step, path);
    }
    return commit_is_due(runner) ? mn_runner_commit(runner) : MN_OK;
}

bool mn_phase_counts_steps(const mn_learner *learner, const mn_phase *phase)
{
    return phase->steps != NULL || learner->cursor.length == MN_LENGTH_OF_RUN;
}

static mn_status run_steps(mn_runner *runner, const mn_phase *phase, int member, mn_batches *from)
{
    mn_learner *entered = runner->learner;
    const bool by_steps = mn_phase_counts_steps(entered, phase) && from->steps > 0;
    const int64_t length = entered->cursor.length == MN_LENGTH_OF_RUN ? entered->settings->steps
                                                                      : entered->cursor.length;
    const int64_t steps = by_steps ? length : length * from->steps;
    const int64_t epochs = by_steps ? (length + from->steps - 1) / from->steps : length;
    int64_t shuffled = -1;
    while (runner->learner->cursor.phase_step < steps) {
        mn_learner *learner = runner->learner; /* a rebuild at a commit makes a new one */
        const int64_t done = learner->cursor.phase_step, epoch = done / from->steps;
        learner->epoch = epoch;
        learner->phase_steps = steps;
        if (epoch != shuffled)
            MN_TRY(mn_batches_begin_epoch(runner, from, epoch));
        shuffled = epoch;
        mn_run_profile_begin(runner);
        mn_learner_begin_step(learner);
        const mn_batch *batch;
        MN_TRY(mn_batches_get(runner, from, epoch, done % from->steps, &batch));
        mn_run_profile_mark(runner, "batch of the stream");
        if (batch->count > 0 || from->kind == MN_FROM_NOTHING)
            MN_TRY(step_once(runner, phase, member, batch,
                             mn_schedule_factor(&learner->schedule, done, steps, epoch, epochs)));
        mn_run_profile_mark(runner, "after the step");
        mn_run_profile_end(runner);
        runner->window_images += batch->count;
        learner->cursor.phase_step++;
        learner->cursor.step++;
        runner->uncommitted++;
        if (learner->cursor.phase_step % from->steps == 0)
            MN_TRY(mn_learner_call(learner, MN_AFTER_EPOCH));
        mn_runner_report(runner, phase->name, epoch, epochs, learner->cursor.phase_step, steps);
        MN_TRY(between_steps(runner));
    }
    return MN_OK;
}

static mn_status reset_optimisers(mn_learner *learner, const mn_phase *phase)
{
    const bool fresh = phase->reset == MN_FRESH_EACH_PHASE ||
                       (phase->reset == MN_FRESH_EACH_TASK && learner->cursor.phase == 0 &&
                        !learner->settings->keep_moments);
    for (int i = 0; fresh && i < learner->optimisers; i++)
        MN_TRY(mn_optimiser_reset(learner->optimiser[i].optimiser));
    return MN_OK;
}

static bool selects_before(const mn_learner *learner, int64_t phase)
{
    int member;
    const mn_phase *at;
    for (int64_t i = 0; i <= phase && (at = phase_at(learner, i, &member)) != NULL; i++)
        if (at->after_selection)
            return i == phase;
    return false;
}

bool mn_runner_has_selected(const mn_runner *runner)
{
    for (int i = 0; i < mn_runner_phase_count(runner); i++)
        if (selects_before(runner->learner, i))
            return true;
    return false;
}

/* Epochs, or steps where the phase counts those. */
static int64_t length_of(mn_learner *learner, const mn_phase *phase)
{
    if (phase->steps != NULL)
        return phase->steps(learner);
    const int64_t asked = phase->epochs != NULL ? phase->epochs(learner) : MN_USUAL_EPOCHS;
    if (asked != MN_USUAL_EPOCHS)
        return asked;
    if (phase->visit != NULL)
        return 1;
    return learner->settings->steps > 0 ? MN_LENGTH_OF_RUN : learner->settings->epochs;
}

static mn_status enter_phase(mn_runner *runner, const mn_phase *phase, int member)
{
    mn_learner *learner = runner->learner;
    if (learner->cursor.length != MN_LENGTH_UNKNOWN)
        return MN_OK; /* resumed in its middle */
    if (selects_before(learner, learner->cursor.phase))
        MN_TRY(mn_learner_select(learner));
    learner->current = member;
    learner->cursor.length = length_of(learner, phase);
    learner->cursor.phase_step = 0;
    return reset_optimisers(learner, phase);
}

mn_status mn_runner_phase(mn_runner *runner)
{
    int member = 0;
    const mn_phase *phase = phase_at(runner->learner, runner->learner->cursor.phase, &member);
    MN_TRY(enter_phase(runner, phase, member));
    runner->learner->current = member;
    mn_batches from;
    mn_status status = mn_batches_open(runner, phase, &from);
    if (status == MN_OK)
        status = run_steps(runner, phase, member, &from);
    mn_batches_close(&from);
    if (status != MN_OK && status != MN_INTERRUPTED)
        return mn_fail_in(status, "task %lld, %s", (long long)runner->learner->cursor.task + 1,
                          phase->name);
    return status;
}

/* Steps of a phase of a task; 0: only known on entry. */
static int64_t steps_of_phase(const mn_runner *runner, const mn_phase *phase, int64_t task)
{
    const mn_run_settings *settings = runner->learner->settings;
    if (phase->epochs != NULL || phase->steps != NULL)
        return 0;
    if (phase->visit == NULL && settings->steps > 0)
        return settings->steps;
    const int64_t first = phase->source == MN_FROM_SEEN ? 0 : task;
    int64_t images = 0;
    const bool streams = phase->source <= MN_FROM_SEEN || phase->source == MN_FROM_BOTH;
    for (int64_t j = first; j <= task && streams; j++)
        images += mn_stream_task(runner->stream, j).train;
    return (phase->visit != NULL ? 1 : settings->epochs) *
           ((images + settings->batch - 1) / settings->batch);
}

static int64_t steps_of_task(const mn_runner *runner, int64_t task)
{
    int member;
    const mn_phase *phase;
    int64_t steps = 0;
    for (int64_t i = 0; (phase = phase_at(runner->learner, i, &member)) != NULL; i++)
        steps += steps_of_phase(runner, phase, task);
    return steps;
}

mn_status mn_runner_check_schedule(const mn_runner *runner)
{
    int member;
    const mn_phase *phase;
    int64_t longest = 0;
    for (int64_t task = 0; task < mn_stream_tasks(runner->stream); task++)
        for (int64_t i = 0; (phase = phase_at(runner->learner, i, &member)) != NULL; i++) {
            const int64_t steps = phase->visit == NULL ? steps_of_phase(runner, phase, task) : 0;
            longest = steps > longest ? steps : longest;
        }
    return longest > 0 ? mn_experiment_check_warm_up(runner->experiment, longest) : MN_OK;
}

int64_t mn_runner_total_steps(const mn_runner *runner)
{
    int64_t steps = 0;
    for (int64_t task = 0; task < mn_stream_tasks(runner->stream); task++)
        steps += steps_of_task(runner, task);
    const int64_t done = runner->learner->cursor.step;
    return steps > done ? steps : done;
}
