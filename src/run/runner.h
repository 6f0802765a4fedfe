/* runner.h -- the parts of a run in progress, shared by the files that make up the runner. */
#ifndef MN_RUN_RUNNER_H
#define MN_RUN_RUNNER_H

#include "learner/learner.h"
#include "run/profile.h"

#include <mneme/run.h>
#include <mneme/stream.h>

/* Where a run stands between commits; mn_cursor.stage. */
typedef enum mn_stage {
    MN_STAGE_START,       /* the untrained network has not been evaluated */
    MN_STAGE_BEFORE_TASK, /* before_task has not been called */
    MN_STAGE_PHASE,       /* inside cursor.phase, or about to enter it */
    MN_STAGE_AFTER_TASK,  /* all phases done; after_task has not been called */
    MN_STAGE_DONE,
} mn_stage;

enum { MN_MOST_UPDATES_SHOWN = 4 };
typedef struct mn_update_loss {
    const char *name;
    double loss;
} mn_update_loss;

typedef struct mn_runner {
    mn_experiment *experiment;
    mn_dataset *dataset;
    mn_stream *stream;
    mn_transform transform;
    mn_learner *learner;
    mn_runfile *file;
    const mn_observer *observer;

    double started, earlier; /* this process's clock; seconds of the run before it */
    double committed, commit_seconds, reported, window_started;
    int64_t steps_at_start, uncommitted, window_images;
    double images_per_second, loss;
    mn_update_loss update[MN_MOST_UPDATES_SHOWN]; /* of the last step */
    int updates;
    mn_run_profile profile;
} mn_runner;

/* runner.c: everything that changed, in one transaction. */
mn_status mn_runner_commit(mn_runner *runner);

/* provenance.c: what the file should know about the run besides its configuration. */
mn_status mn_runner_describe(mn_runner *runner);  /* at creation */
mn_status mn_runner_add_tasks(mn_runner *runner); /* once data are read */

/* phase.c: from the cursor's position to the end of the phase; commits on the way. */
mn_status mn_runner_phase(mn_runner *runner);
/* Whether the phase, which has been entered, is measured in steps instead of epochs. */
bool mn_phase_counts_steps(const mn_learner *learner, const mn_phase *phase);
/* Steps of the whole run, as far as they can be known. */
int64_t mn_runner_total_steps(const mn_runner *runner);
/* Whether any phase of a task, as far as its length is known, gets through the warm-up. */
mn_status mn_runner_check_schedule(const mn_runner *runner);
/* Whether a phase of each task comes after the buffer's selection, which is then made before it. */
bool mn_runner_has_selected(const mn_runner *runner);
/* Phases of a task: the base's, then those of every add-on. */
int mn_runner_phase_count(const mn_runner *runner);

/* progress.c */
void mn_runner_report(mn_runner *runner, const char *phase, int64_t epoch, int64_t epochs,
                      int64_t step, int64_t steps);
void mn_runner_log(mn_runner *runner, mn_log_level level, const char *format, ...) MN_PRINTF(3, 4);
bool mn_runner_stop_wanted(const mn_runner *runner);

#endif
