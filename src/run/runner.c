/* runner.c -- a run from its first commit to its last, and again after any interruption.
 *
 * The cursor says what has been done; everything since the last commit is done again, with the
 * same numbers, because all randomness is looked up by position. */
#include "base/clock.h"
#include "base/folder.h"
#include "base/registry.h"
#include "base/team.h"
#include "experiment/data.h"
#include "experiment/plugins.h"
#include "learner/numerics.h"
#include "learner/provenance.h"
#include "learner/retrieval.h"
#include "learner/select.h"
#include "learner/similarity.h"
#include "run/evaluate.h"
#include "run/phase.h"
#include "run/phases.h"
#include "run/probe.h"
#include "store/query.h"
#include "store/records.h"
#include "store/runfile.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/run.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- what the observer is told of a task --- */

static mn_status read_average(mn_runfile *file, int64_t task, double *average)
{
    static const char sql[] = "SELECT value FROM average_accuracy_after WHERE after_task = ?1 "
                              "ORDER BY scope"; /* class-IL or domain-IL; else task-IL */
    bool row = false;
    mn_query *query;
    MN_TRY(mn_query_new(file, sql, &query));
    mn_query_set_int(query, 1, task);
    const mn_status status = mn_query_next(query, &row);
    if (row)
        *average = mn_query_real(query, 0);
    mn_query_free(query);
    return status;
}

static mn_status read_accuracies(mn_runfile *file, int64_t task, double *accuracy)
{
    static const char sql[] =
        "SELECT on_task, accuracy FROM accuracy WHERE after_task = ?1 AND on_task BETWEEN 0 AND ?1 "
        "AND scope = (SELECT min(scope) FROM accuracy WHERE after_task = ?1)";
    bool row = false;
    mn_query *query;
    MN_TRY(mn_query_new(file, sql, &query));
    mn_query_set_int(query, 1, task);
    mn_status status = mn_query_next(query, &row);
    for (; status == MN_OK && row; status = mn_query_next(query, &row))
        accuracy[mn_query_int(query, 0)] = mn_query_real(query, 1);
    mn_query_free(query);
    return status;
}

/* The task is committed: numbers that cannot be read back spoil an empty transaction at most. */
static mn_status report_task(mn_runner *runner, int64_t task)
{
    const mn_observer *observer = runner->reporter.observer;
    if (observer == NULL || observer->task_done == NULL)
        return MN_OK;
    mn_task_report report = {.task = task,
                             .tasks = mn_stream_tasks(runner->run.stream),
                             .average_accuracy = (double)NAN,
                             .seconds = mn_now() - runner->reporter.started};
    double *accuracy = mn_memory_take_zeroed((size_t)task + 1, sizeof *accuracy);
    mn_status status = accuracy != NULL ? read_accuracies(runner->run.file, task, accuracy)
                                        : mn_fail(MN_NO_MEMORY, "out of memory for the report");
    if (status == MN_OK)
        status = read_average(runner->run.file, task, &report.average_accuracy);
    report.accuracy = accuracy;
    if (status == MN_OK)
        observer->task_done(observer->context, &report);
    else
        mn_report_log(observer, MN_LOG_WARNING, "task %lld is done, but cannot be reported: %s",
                      (long long)task + 1, mn_error());
    mn_memory_give(accuracy);
    mn_runfile_rollback(runner->run.file);
    return mn_runfile_begin(runner->run.file);
}

/* --- the stages of a task --- */

/* Evaluates the untrained network on every task: forward transfer is measured against it. */
static mn_status start(mn_runner *runner)
{
    const double before = mn_now();
    mn_rebuilt *run = &runner->run;
    run->learner->cursor.stage = MN_STAGE_BEFORE_TASK;
    const mn_status status =
        mn_evaluate(run->learner, run->file, -1, mn_stream_tasks(run->stream) - 1, false);
    runner->profile.evaluation += mn_now() - before;
    return status;
}

static mn_status before_task(mn_learner *learner)
{
    learner->epoch = learner->phase_steps = 0;
    MN_TRY(mn_learner_call(learner, MN_BEFORE_TASK));
    learner->cursor.stage = MN_STAGE_PHASE;
    learner->cursor.phase = 0;
    learner->cursor.length = MN_LENGTH_UNKNOWN;
    return MN_OK;
}

static mn_status phase(mn_runner *runner)
{
    MN_TRY(mn_run_phase(runner));
    mn_cursor *cursor = &runner->run.learner->cursor;
    const int count = mn_phase_count(runner->run.learner);
    cursor->phase++;
    cursor->length = MN_LENGTH_UNKNOWN;
    if (cursor->phase == count)
        cursor->stage = MN_STAGE_AFTER_TASK;
    /* The evaluation after the last looks at many images, any of which may have broken meanwhile.
     */
    return cursor->phase < count || mn_dataset_decodes(runner->run.dataset)
               ? mn_commit(&runner->commits, &runner->run)
               : MN_OK;
}

static mn_status evaluate_task_end(mn_runner *runner)
{
    const double before = mn_now();
    mn_learner *learner = runner->run.learner;
    mn_runfile *file = runner->run.file;
    const int64_t task = learner->cursor.task;
    MN_TRY(mn_evaluate(learner, file, task, task, learner->settings->outputs));
    MN_TRY(mn_evaluate_next(learner, file, task));
    MN_TRY(mn_probe_unlabelled(learner, file));
    runner->profile.evaluation += mn_now() - before;
    return MN_OK;
}

static mn_status after_task(mn_runner *runner)
{
    mn_learner *learner = runner->run.learner;
    const int64_t task = learner->cursor.task;
    mn_learner_begin_step(learner);
    if (!mn_phases_select(learner))
        MN_TRY(mn_learner_select(learner));
    MN_TRY(mn_learner_note_similarity(learner)); /* before snapshots are taken anew */
    MN_TRY(mn_learner_note_retrieval(learner));
    MN_TRY(mn_learner_call(learner, MN_AFTER_TASK));
    mn_report_progress(&runner->reporter, learner,
                       (mn_progress){.phase = "evaluate", .epochs = 1, .steps = 1});
    MN_TRY(evaluate_task_end(runner));
    learner->cursor.task++;
    learner->cursor.stage = learner->cursor.task < mn_stream_tasks(runner->run.stream)
                                ? MN_STAGE_BEFORE_TASK
                                : MN_STAGE_DONE;
    if (learner->cursor.stage == MN_STAGE_DONE)
        MN_TRY(mn_runfile_set(runner->run.file, "status", "done"));
    MN_TRY(mn_commit(&runner->commits, &runner->run));
    return report_task(runner, task);
}

static mn_status advance(mn_runner *runner)
{
    switch ((mn_stage)runner->run.learner->cursor.stage) {
    case MN_STAGE_START: return start(runner);
    case MN_STAGE_BEFORE_TASK: return before_task(runner->run.learner);
    case MN_STAGE_PHASE: return phase(runner);
    case MN_STAGE_AFTER_TASK: return after_task(runner);
    case MN_STAGE_DONE: break;
    }
    return MN_OK;
}

static mn_status run_to_end(mn_runner *runner)
{
    while (runner->run.learner->cursor.stage != MN_STAGE_DONE)
        MN_TRY(advance(runner));
    mn_run_profile_report(&runner->profile, &runner->commits,
                          (int)runner->run.learner->settings->threads, runner->reporter.observer);
    return MN_OK;
}

/* --- opening and closing --- */

/* Writes the final status to the file.  Uncommitted work of a failed run is rolled back. */
static mn_status close_run(mn_runner *runner, mn_status status)
{
    char why[1024];
    snprintf(why, sizeof why, "%s", mn_error());
    mn_runfile *file = runner->run.file;
    if (status != MN_OK && file != NULL) {
        mn_runfile_rollback(file);
        if (mn_runfile_begin(file) == MN_OK) {
            mn_status noted =
                mn_runfile_set(file, "status", status == MN_INTERRUPTED ? "interrupted" : "failed");
            if (noted == MN_OK && status != MN_INTERRUPTED)
                noted = mn_runfile_set(file, "error", why);
            if (noted != MN_OK || mn_runfile_commit(file) != MN_OK)
                mn_runfile_rollback(file);
        }
    }
    mn_run_profile_free(&runner->profile);
    const mn_status closed = mn_rebuilt_close(&runner->run);
    if (status != MN_OK)
        return mn_fail(status, "%s", why);
    return closed;
}

static mn_status start_clocks(mn_runner *runner, const mn_observer *observer)
{
    mn_reporter_start(&runner->reporter, observer);
    return mn_commits_start(&runner->commits, runner->run.file);
}

static mn_status open_learner(mn_runner *runner)
{
    const mn_pack_watch watch = {&runner->reporter, mn_report_made};
    MN_TRY(mn_rebuilt_open(&runner->run, MN_REBUILT_CONFIGURATION));
    mn_experiment_watch(runner->run.experiment, &watch);
    const mn_status status = mn_rebuilt_open(&runner->run, MN_REBUILT_DATA);
    mn_experiment_watch(runner->run.experiment, NULL);
    MN_TRY(status);
    MN_TRY(mn_team_begin((int)mn_experiment_settings(runner->run.experiment)->threads));
    MN_TRY(mn_rebuilt_open(&runner->run, MN_REBUILT_LEARNER));
    MN_TRY(mn_phases_check_cursor(runner->run.learner));
    return mn_phases_check_schedule(runner->run.learner);
}

/* --- a new run --- */

/* Whose code runs is said, and above all when a built-in name hides it. */
static void log_plugins(const mn_runner *runner)
{
    mn_kind kind;
    const char *name, *path;
    for (int i = 0; mn_plugin_used(runner->run.experiment, i, &kind, &name, &path); i++)
        if (path != NULL)
            mn_report_log(runner->reporter.observer, MN_LOG_INFO, "%s '%s' comes from %s%s",
                          mn_kind_name(kind, false), name, path,
                          mn_is_builtin(kind, name) ? " instead of the built-in one" : "");
}

/* What the reader of the data has to say, line by line, and how far from 1 their values are. */
static void log_notes(const mn_runner *runner)
{
    const char *notes = runner->run.dataset->notes;
    char line[256];
    if (mn_experiment_is_far(runner->run.dataset, &runner->run.transform, line, sizeof line))
        mn_report_log(runner->reporter.observer, MN_LOG_WARNING, "%s", line);
    while (notes != NULL && *notes != '\0') {
        const size_t length = strcspn(notes, "\n");
        mn_report_log(runner->reporter.observer, MN_LOG_INFO, "%.*s", (int)length, notes);
        notes += length + (notes[length] == '\n');
    }
}

static mn_status begin_run(mn_runner *runner, const mn_observer *observer)
{
    mn_rebuilt *run = &runner->run;
    MN_TRY(start_clocks(runner, observer));
    log_plugins(runner);
    MN_TRY(open_learner(runner));
    log_notes(runner);
    MN_TRY(mn_runfile_begin(run->file));
    MN_TRY(mn_describe_tasks(run->learner, run->file));
    return mn_commit(&runner->commits, run);
}

static mn_status describe(void *experiment, mn_runfile *file)
{
    return mn_describe_run(experiment, file);
}

mn_status mn_experiment_run(mn_experiment *experiment, const char *path,
                            const mn_observer *observer)
{
    MN_TRY(mn_experiment_resolve(experiment));
    MN_TRY(mn_folder_make_above(path));
    mn_runner runner = {.run = {.experiment = experiment}};
    MN_TRY(mn_runfile_create_filled(path, describe, experiment, observer, &runner.run.file));
    mn_status status = begin_run(&runner, observer);
    const bool begun = status == MN_OK;
    if (begun)
        status = run_to_end(&runner);
    status = close_run(&runner, status);
    if (!begun)
        (void)unlink(path); /* nothing was learnt: the name is free for another try */
    return status;
}

/* --- an old one --- */

static mn_status log_arithmetic(const mn_runner *runner)
{
    char line[1024];
    bool differs;
    MN_TRY(mn_arithmetic_differs(runner->run.file, line, sizeof line, &differs));
    if (differs)
        mn_report_log(runner->reporter.observer, MN_LOG_WARNING, "%s", line);
    return MN_OK;
}

static mn_status continue_run(mn_runner *runner, const mn_observer *observer)
{
    mn_rebuilt *run = &runner->run;
    MN_TRY(start_clocks(runner, observer));
    MN_TRY(mn_rebuilt_open(run, MN_REBUILT_CONFIGURATION));
    log_plugins(runner);
    MN_TRY(log_arithmetic(runner));
    MN_TRY(open_learner(runner));
    MN_TRY(mn_runfile_begin(run->file));
    if (!run->begun) /* killed before its first state was kept: it starts afresh */
        MN_TRY(mn_describe_tasks(run->learner, run->file));
    MN_TRY(mn_describe_data(run->file, run->dataset)); /* files may have been copied since */
    MN_TRY(mn_numerics_continue(run->file, observer));
    MN_TRY(mn_runfile_set(run->file, "status", "running"));
    MN_TRY(mn_runfile_set(run->file, "error", "")); /* of an earlier try */
    runner->reporter.first_step = run->learner->cursor.step;
    MN_TRY(mn_commit(&runner->commits, run));
    mn_report_log(runner->reporter.observer, MN_LOG_INFO, "%s: continuing at step %lld",
                  mn_runfile_path(run->file), (long long)runner->reporter.first_step);
    return run_to_end(runner);
}

mn_status mn_resume(const char *path, const mn_observer *observer)
{
    mn_runner runner = {.run = {.file = NULL}};
    bool done = false;
    MN_TRY(mn_runfile_look(path, &done));
    if (done)
        return MN_OK;
    MN_TRY(mn_runfile_open_for(observer, path, &runner.run.file));
    mn_status status = mn_runfile_is_done(runner.run.file, &done); /* perhaps meanwhile */
    if (status == MN_OK && !done)
        return close_run(&runner, continue_run(&runner, observer));
    const mn_status closed = mn_runfile_close(runner.run.file);
    return status != MN_OK ? status : closed;
}
