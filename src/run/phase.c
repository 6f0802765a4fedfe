/* phase.c -- the only training loop: batches from a source, updates on a tape, hooks around them.
 *
 * A phase is resumed in its middle: the position is the count of steps done in it, and the order
 * of every epoch is looked up from its key. */
#include "run/phase.h"
#include "base/hook.h"
#include "learner/plateau.h"
#include "learner/select.h"
#include "run/batches.h"
#include "run/evaluate.h"
#include "run/phases.h"
#include "run/step.h"
#include "store/records.h"
#include "store/runfile.h"

#include <stdio.h>

/* What ends a phase before its time is no part of a commit: it is followed by none but that at the
 * phase's end, and found again by whoever comes from an earlier one. */
static mn_status between_steps(mn_runner *runner)
{
    mn_rebuilt *run = &runner->run;
    const mn_cursor *cursor = &run->learner->cursor;
    const int64_t every = run->learner->settings->eval_every;
    if (every > 0 && cursor->step % every == 0)
        MN_TRY(mn_evaluate(run->learner, run->file, cursor->task, cursor->task, false));
    runner->stop = mn_stop_wanted(runner->reporter.observer) || runner->stop;
    if (run->learner->phase_ends)
        return MN_OK;
    if (runner->stop) {
        const int64_t step = cursor->step;
        const char *path = mn_runfile_path(run->file);
        MN_TRY(mn_commit(&runner->commits, run));
        return mn_fail(MN_INTERRUPTED, "%s: stopped at step %lld; continue with 'mneme resume %s'",
                       path, (long long)step, path);
    }
    return mn_commit_is_due(&runner->commits, run->learner->settings)
               ? mn_commit(&runner->commits, run)
               : MN_OK;
}

/* A phase that is being run. */
typedef struct run_phase {
    const mn_phase *phase;
    int member;
    mn_batches from;
    int64_t steps, epochs;
    int64_t shuffled; /* the epoch that the batches are in; -1: none yet */
    bool plateau;     /* it trains on the task's data, so that such a schedule is its own */
} run_phase;

/* The position of a learner, which a commit may just have made, as the hooks see it. */
static void set_position(const run_phase *at, mn_learner *learner)
{
    const int64_t done = learner->cursor.phase_step, last = at->steps > 0 ? at->steps - 1 : 0;
    learner->phase_steps = at->steps;
    learner->epoch = at->from.steps > 0 ? (done < last ? done : last) / at->from.steps : 0;
}

/* There is no batch, as an image that is decoded when needed has broken.  Nothing of the step is
 * done yet: what was learned before it is kept, and a resume begins with it. */
static mn_status stop_before_step(mn_runner *runner, mn_status status)
{
    mn_rebuilt *run = &runner->run;
    const char *path = mn_runfile_path(run->file);
    char why[1024];
    if (!mn_dataset_decodes(run->dataset))
        return status;
    snprintf(why, sizeof why, "%s", mn_error());
    MN_TRY(mn_commit(&runner->commits, run));
    return mn_fail(status, "%s; put it back as it was, and continue with 'mneme resume %s'", why,
                   path);
}

static mn_status run_step(mn_runner *runner, run_phase *at)
{
    mn_learner *learner = runner->run.learner;
    mn_run_profile *profile = &runner->profile;
    const int64_t done = learner->cursor.phase_step, epoch = learner->epoch;
    if (epoch != at->shuffled)
        MN_TRY(mn_batches_begin_epoch(learner, &at->from, epoch));
    at->shuffled = epoch;
    mn_run_profile_begin(profile, learner);
    mn_learner_begin_step(learner);
    mn_phase_step step = {.phase = at->phase, .member = at->member};
    const mn_status got =
        mn_batches_get(learner, &at->from, epoch, done % at->from.steps, &step.batch);
    if (got != MN_OK)
        return stop_before_step(runner, got);
    mn_run_profile_mark(profile, "batch of the stream");
    step.factor = mn_schedule_factor(&learner->schedule, done, at->steps, epoch, at->epochs);
    if (at->plateau)
        step.factor *= mn_plateau_factor(learner);
    if (learner->cursor.task == 0 && learner->settings->first_lr > 0)
        step.factor *= learner->settings->first_lr / learner->settings->lr;
    learner->in_phase = learner->in_step = true;
    if (step.batch->count > 0 || at->from.kind == MN_FROM_NOTHING)
        MN_TRY(mn_make_step(learner, &step, &runner->reporter.losses, profile));
    learner->in_step = false;
    mn_run_profile_mark(profile, "after the step");
    mn_run_profile_end(profile, learner);
    runner->reporter.window_images += step.batch->count;
    learner->cursor.phase_step++;
    learner->cursor.step++;
    runner->commits.steps++;
    if (learner->cursor.phase_step % at->from.steps == 0) {
        MN_TRY(mn_learner_call(learner, MN_AFTER_EPOCH));
        if (at->plateau)
            MN_TRY(mn_plateau_epoch(learner));
    }
    learner->in_phase = false;
    return MN_OK;
}

static mn_status run_steps(mn_runner *runner, run_phase *at)
{
    const mn_learner *entered = runner->run.learner;
    const bool by_steps = mn_phase_counts_steps(entered, at->phase) && at->from.steps > 0;
    const int64_t length = entered->cursor.length == MN_LENGTH_OF_RUN ? entered->settings->steps
                                                                      : entered->cursor.length;
    at->steps = by_steps ? length : length * at->from.steps;
    at->epochs = by_steps ? (length + at->from.steps - 1) / at->from.steps : length;
    at->shuffled = -1;
    if (entered->cursor.phase_step > at->steps)
        return mn_fail(MN_CORRUPT, "the cursor stands at step %lld of %lld",
                       (long long)entered->cursor.phase_step, (long long)at->steps);
    set_position(at, runner->run.learner);
    runner->run.learner->phase_ends = false;
    while (runner->run.learner->cursor.phase_step < at->steps && !runner->run.learner->phase_ends) {
        MN_TRY(run_step(runner, at));
        const mn_learner *learner = runner->run.learner;
        mn_report_progress(&runner->reporter, learner,
                           (mn_progress){.phase = at->phase->name,
                                         .epoch = learner->epoch,
                                         .epochs = at->epochs,
                                         .step = learner->cursor.phase_step,
                                         .steps = at->steps});
        MN_TRY(between_steps(runner));
        set_position(at, runner->run.learner);
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

static mn_status enter_phase(mn_learner *learner, const mn_phase *phase, int member)
{
    if (learner->cursor.length != MN_LENGTH_UNKNOWN)
        return MN_OK; /* resumed in its middle */
    learner->epoch = learner->phase_steps = 0;
    if (mn_phase_selects(learner, learner->cursor.phase))
        MN_TRY(mn_learner_select(learner));
    mn_learner_enter(learner, member, "length of a phase");
    learner->cursor.length = mn_phase_length(learner, phase);
    (void)mn_hook_leave((mn_hook_place){.owner = NULL}, MN_OK);
    learner->cursor.phase_step = 0;
    mn_plateau_begin(learner);
    return reset_optimisers(learner, phase);
}

/* A phase that was meant to work and finds nothing to work on says so. */
static void say_idle(const mn_runner *runner, const run_phase *at)
{
    const mn_learner *learner = runner->run.learner;
    if (learner->cursor.length != 0 && at->from.steps == 0)
        mn_report_log(runner->reporter.observer, MN_LOG_WARNING,
                      "task %lld, %s: there is no image to work on, so nothing was done",
                      (long long)learner->cursor.task + 1, at->phase->name);
}

mn_status mn_run_phase(mn_runner *runner)
{
    mn_learner *learner = runner->run.learner;
    const int64_t task = learner->cursor.task;
    run_phase at = {.phase = NULL};
    at.phase = mn_phase_at(learner, learner->cursor.phase, &at.member);
    at.plateau = at.phase->visit == NULL &&
                 (at.phase->source <= MN_FROM_SEEN || at.phase->source == MN_FROM_BOTH);
    MN_TRY(enter_phase(learner, at.phase, at.member));
    learner->current = at.member;
    mn_status status = mn_batches_open(learner, at.phase, &at.from);
    if (status == MN_OK) {
        say_idle(runner, &at);
        status = run_steps(runner, &at);
    }
    if (status == MN_OK && at.plateau)
        status = mn_plateau_end(runner->run.learner);
    mn_batches_close(&at.from);
    if (status != MN_OK && status != MN_INTERRUPTED)
        return mn_fail_in(status, "task %lld, %s", (long long)task + 1, at.phase->name);
    return status;
}
