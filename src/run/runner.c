/* runner.c -- a run from its first commit to its last, and again after any interruption.
 *
 * The cursor says what has been done; everything since the last commit is done again, with the
 * same numbers, because all randomness is looked up by position. */
#include "run/runner.h"
#include "base/clock.h"
#include "base/folder.h"
#include "base/registry.h"
#include "experiment/data.h"
#include "experiment/experiment.h"
#include "experiment/plugins.h"
#include "learner/checkpoint.h"
#include "learner/select.h"
#include "run/evaluate.h"
#include "run/probe.h"
#include "run/provenance.h"
#include "store/records.h"
#include "store/runfile.h"

#include <math.h>
#include <mneme/stream.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- committing --- */

/* What the run has cost so far. */
static mn_status set_costs(mn_runner *runner)
{
    char text[32];
    snprintf(text, sizeof text, "%.3f", runner->earlier + mn_now() - runner->started);
    MN_TRY(mn_runfile_set(runner->file, "seconds", text));
    snprintf(text, sizeof text, "%lld", (long long)runner->learner->images);
    return mn_runfile_set(runner->file, "images", text);
}

/* What it had cost when it was committed; nothing where nobody counted. */
static double earlier_cost(const mn_runner *runner, const char *key)
{
    char *text = mn_runfile_get(runner->file, key);
    const double cost = text != NULL ? strtod(text, NULL) : 0;
    free(text);
    return cost;
}

static mn_status new_learner(mn_runner *runner, bool begins, mn_learner **learner)
{
    const mn_learner_spec spec = {.experiment = runner->experiment,
                                  .stream = runner->stream,
                                  .transform = &runner->transform,
                                  .file = runner->file,
                                  .begins = begins};
    return mn_learner_new(&spec, learner);
}

static mn_status rebuild(mn_runner *runner)
{
    mn_learner *again;
    MN_TRY(new_learner(runner, false, &again));
    const int64_t epoch = runner->learner->epoch, images = runner->learner->images;
    mn_learner_free(runner->learner);
    runner->learner = again;
    again->epoch = epoch;
    again->images = images;
    return mn_learner_load(again, runner->file);
}

mn_status mn_runner_commit(mn_runner *runner)
{
    const double before = mn_now();
    runner->learner->cursor.commits++;
    MN_TRY(mn_learner_save(runner->learner, runner->file));
    MN_TRY(set_costs(runner));
    MN_TRY(mn_runfile_commit(runner->file));
    if (runner->learner->buffer != NULL)
        mn_buffer_saved(runner->learner->buffer);
    runner->committed = mn_now();
    runner->commit_seconds = runner->committed - before;
    runner->profile.commits += runner->commit_seconds;
    runner->profile.commit_count++;
    runner->uncommitted = 0;
    if (mn_experiment_settings(runner->experiment)->rebuild)
        MN_TRY(rebuild(runner));
    return mn_runfile_begin(runner->file);
}

/* --- the stages of a task --- */

static mn_status report_task(mn_runner *runner, const double *accuracy)
{
    const mn_observer *observer = runner->observer;
    const int64_t task = runner->learner->cursor.task;
    if (observer == NULL || observer->task_done == NULL)
        return MN_OK;
    double sum = 0;
    for (int64_t i = 0; i <= task; i++)
        sum += accuracy[i];
    observer->task_done(observer->context,
                        &(mn_task_report){.task = task,
                                          .tasks = mn_stream_tasks(runner->stream),
                                          .accuracy = accuracy,
                                          .average_accuracy = sum / (double)(task + 1),
                                          .seconds = mn_now() - runner->started});
    return MN_OK;
}

static mn_status evaluate_task_end(mn_runner *runner)
{
    const double before = mn_now();
    mn_learner *learner = runner->learner;
    const int64_t task = learner->cursor.task;
    double *accuracy = calloc((size_t)task + 1, sizeof *accuracy);
    if (accuracy == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for an evaluation");
    mn_status status =
        mn_evaluate(learner, runner->file, task, task, learner->settings->outputs, accuracy);
    if (status == MN_OK)
        status = mn_evaluate_next(learner, runner->file, task);
    if (status == MN_OK)
        status = mn_probe_unlabelled(learner, runner->file);
    if (status == MN_OK)
        status = report_task(runner, accuracy);
    free(accuracy);
    runner->profile.evaluation += mn_now() - before;
    return status;
}

static mn_status before_task(mn_runner *runner)
{
    mn_cursor *cursor = &runner->learner->cursor;
    MN_TRY(mn_learner_call(runner->learner, MN_BEFORE_TASK));
    cursor->stage = MN_STAGE_PHASE;
    cursor->phase = 0;
    cursor->length = MN_LENGTH_UNKNOWN;
    return MN_OK;
}

static mn_status phase(mn_runner *runner)
{
    MN_TRY(mn_runner_phase(runner));
    mn_cursor *cursor = &runner->learner->cursor;
    const int count = mn_runner_phase_count(runner);
    cursor->phase++;
    cursor->length = MN_LENGTH_UNKNOWN;
    if (cursor->phase == count)
        cursor->stage = MN_STAGE_AFTER_TASK;
    return cursor->phase < count ? mn_runner_commit(runner) : MN_OK;
}

static mn_status after_task(mn_runner *runner)
{
    mn_learner *learner = runner->learner;
    mn_learner_begin_step(learner);
    if (!mn_runner_has_selected(runner))
        MN_TRY(mn_learner_select(learner));
    MN_TRY(mn_learner_call(learner, MN_AFTER_TASK));
    mn_runner_report(runner, "evaluate", 0, 1, 0, 1);
    MN_TRY(evaluate_task_end(runner));
    learner->cursor.task++;
    learner->cursor.stage = learner->cursor.task < mn_stream_tasks(runner->stream)
                                ? MN_STAGE_BEFORE_TASK
                                : MN_STAGE_DONE;
    if (learner->cursor.stage == MN_STAGE_DONE)
        MN_TRY(mn_runfile_set(runner->file, "status", "done"));
    return mn_runner_commit(runner);
}

/* The untrained network on every task: the R of forward transfer. */
static mn_status start(mn_runner *runner)
{
    const double before = mn_now();
    runner->learner->cursor.stage = MN_STAGE_BEFORE_TASK;
    const mn_status status = mn_evaluate(runner->learner, runner->file, -1,
                                         mn_stream_tasks(runner->stream) - 1, false, NULL);
    runner->profile.evaluation += mn_now() - before;
    return status;
}

static mn_status advance(mn_runner *runner)
{
    switch ((mn_stage)runner->learner->cursor.stage) {
    case MN_STAGE_START: return start(runner);
    case MN_STAGE_BEFORE_TASK: return before_task(runner);
    case MN_STAGE_PHASE: return phase(runner);
    case MN_STAGE_AFTER_TASK: return after_task(runner);
    case MN_STAGE_DONE: break;
    }
    return MN_OK;
}

static mn_status run_to_end(mn_runner *runner)
{
    while (runner->learner->cursor.stage != MN_STAGE_DONE)
        MN_TRY(advance(runner));
    mn_run_profile_report(runner);
    return MN_OK;
}

/* --- opening and closing --- */

/* What a finished, stopped or failed run says of itself; the work since the last commit is gone
 * after a failure, and the file says why. */
static mn_status close_run(mn_runner *runner, mn_status status)
{
    char why[1024];
    snprintf(why, sizeof why, "%s", mn_error());
    if (status != MN_OK && runner->file != NULL) {
        mn_runfile_rollback(runner->file);
        if (mn_runfile_begin(runner->file) == MN_OK) {
            mn_status noted = mn_runfile_set(runner->file, "status",
                                             status == MN_INTERRUPTED ? "interrupted" : "failed");
            if (noted == MN_OK && status != MN_INTERRUPTED)
                noted = mn_runfile_set(runner->file, "error", why);
            if (noted != MN_OK || mn_runfile_commit(runner->file) != MN_OK)
                mn_runfile_rollback(runner->file);
        }
    }
    const mn_status closed = mn_runfile_close(runner->file);
    mn_learner_free(runner->learner);
    mn_run_profile_free(&runner->profile);
    mn_stream_free(runner->stream);
    mn_dataset_free(runner->dataset);
    if (status != MN_OK)
        return mn_fail(status, "%s", why);
    return closed;
}

static mn_status open_learner(mn_runner *runner, bool begins)
{
    MN_TRY(mn_experiment_data(runner->experiment, &runner->dataset, &runner->stream,
                              &runner->transform));
    omp_set_num_threads((int)mn_experiment_settings(runner->experiment)->threads);
    MN_TRY(new_learner(runner, begins, &runner->learner));
    return mn_runner_check_schedule(runner);
}

static void start_clocks(mn_runner *runner)
{
    runner->started = runner->committed = runner->window_started = mn_now();
    runner->loss = (double)NAN;
}

/* --- a new run --- */

/* Whose code runs is said, and above all when a built-in name hides it. */
static void log_plugins(mn_runner *runner)
{
    mn_kind kind;
    const char *name, *path;
    for (int i = 0; mn_plugin_used(runner->experiment, i, &kind, &name, &path); i++)
        if (path != NULL)
            mn_runner_log(runner, MN_LOG_INFO, "%s '%s' comes from %s%s", mn_kind_name(kind, false),
                          name, path,
                          mn_is_builtin(kind, name) ? " instead of the built-in one" : "");
}

static mn_status begin_run(mn_runner *runner)
{
    log_plugins(runner);
    MN_TRY(mn_runfile_begin(runner->file));
    MN_TRY(mn_runner_describe(runner));
    MN_TRY(mn_runfile_commit(runner->file));
    MN_TRY(open_learner(runner, true));
    MN_TRY(mn_runfile_begin(runner->file));
    MN_TRY(mn_runner_add_tasks(runner));
    return mn_runner_commit(runner);
}

mn_status mn_experiment_run(mn_experiment *experiment, const char *path,
                            const mn_observer *observer)
{
    MN_TRY(mn_experiment_resolve(experiment));
    MN_TRY(mn_folder_make_above(path));
    mn_runner runner = {.experiment = experiment, .observer = observer};
    start_clocks(&runner);
    MN_TRY(mn_runfile_create(path, &runner.file));
    mn_status status = begin_run(&runner);
    const bool begun = status == MN_OK;
    if (begun)
        status = run_to_end(&runner);
    status = close_run(&runner, status);
    if (!begun)
        (void)unlink(path); /* nothing was learnt: the name is free for another try */
    return status;
}

/* --- an old one --- */

static mn_status continue_run(mn_runner *runner)
{
    runner->earlier = earlier_cost(runner, "seconds");
    mn_cursor cursor;
    const mn_status begun = mn_runfile_get_cursor(runner->file, &cursor);
    MN_TRY(open_learner(runner, begun == MN_NOT_FOUND));
    MN_TRY(mn_check_same_data(runner->file, runner->dataset));
    runner->learner->images = (int64_t)earlier_cost(runner, "images");
    if (begun == MN_OK)
        MN_TRY(mn_learner_load(runner->learner, runner->file));
    else if (begun != MN_NOT_FOUND)
        return begun;
    MN_TRY(mn_runfile_begin(runner->file));
    if (begun == MN_NOT_FOUND) /* killed before its first state was kept: it starts afresh */
        MN_TRY(mn_runner_add_tasks(runner));
    MN_TRY(mn_runfile_set(runner->file, "status", "running"));
    MN_TRY(mn_runfile_set(runner->file, "error", "")); /* of an earlier try */
    runner->steps_at_start = runner->learner->cursor.step;
    return mn_runner_commit(runner);
}

static mn_status resume_open(mn_runner *runner)
{
    char *config = mn_runfile_get(runner->file, "config");
    if (config == NULL)
        return mn_fail(MN_CORRUPT, "%s: holds no configuration; start the run again",
                       mn_runfile_path(runner->file));
    const mn_status status = mn_experiment_restore(config, &runner->experiment);
    free(config);
    MN_TRY(status);
    log_plugins(runner);
    MN_TRY(continue_run(runner));
    mn_runner_log(runner, MN_LOG_INFO, "%s: continuing at step %lld", mn_runfile_path(runner->file),
                  (long long)runner->steps_at_start);
    return run_to_end(runner);
}

mn_status mn_resume(const char *path, const mn_observer *observer)
{
    mn_runner runner = {.observer = observer};
    start_clocks(&runner);
    MN_TRY(mn_runfile_open(path, MN_WRITE, &runner.file));
    char *was = mn_runfile_get(runner.file, "status");
    const bool done = was != NULL && strcmp(was, "done") == 0;
    free(was);
    if (done)
        return mn_runfile_close(runner.file);
    const mn_status status = close_run(&runner, resume_open(&runner));
    mn_experiment_free(runner.experiment);
    return status;
}
