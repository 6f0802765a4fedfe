/* rebuilt.c -- configuration, data and learner of a run, from its file.
 *
 * The data are compared with those that the run began with before anything is made for them: other
 * data would fail somewhere in a strategy instead, with a line that says nothing of the cause. */
#include "run/rebuilt.h"
#include "experiment/data.h"
#include "experiment/experiment.h"
#include "learner/accounting.h"
#include "learner/checkpoint.h"
#include "learner/groups.h"
#include "learner/plateau.h"
#include "learner/provenance.h"
#include "store/records.h"
#include "store/runfile.h"

#include <mneme/memory.h>

/* Of a run that was opened by its file, a failure names the file; a new run has no name yet. */
static mn_status named(const mn_rebuilt *run, mn_status status)
{
    return status == MN_OK || !run->restored ? status
                                             : mn_fail_in(status, "%s", mn_runfile_path(run->file));
}

static mn_status open_configuration(mn_rebuilt *run)
{
    char *config;
    MN_TRY(mn_runfile_find(run->file, "config", &config));
    if (config == NULL)
        return mn_fail(MN_CORRUPT, "%s: holds no configuration; remove it, and start the run again",
                       mn_runfile_path(run->file));
    const mn_status status = mn_experiment_restore(config, &run->experiment);
    mn_memory_give(config);
    run->restored = true;
    return named(run, status);
}

static mn_status open_data(mn_rebuilt *run)
{
    MN_TRY(named(run, mn_experiment_read(run->experiment, &run->dataset)));
    MN_TRY(mn_check_same_data(run->file, run->dataset));
    MN_TRY(named(
        run, mn_experiment_stream(run->experiment, run->dataset, &run->stream, &run->transform)));
    return mn_check_same_stream(run->file, run->stream);
}

static mn_status open_learner(mn_rebuilt *run)
{
    mn_cursor cursor;
    const mn_status begun = mn_runfile_get_cursor(run->file, &cursor);
    if (begun != MN_OK && begun != MN_NOT_FOUND)
        return begun;
    run->begun = begun == MN_OK;
    const mn_learner_spec spec = {.experiment = run->experiment,
                                  .stream = run->stream,
                                  .transform = &run->transform,
                                  .file = run->file,
                                  .begins = !run->begun};
    MN_TRY(mn_learner_new(&spec, &run->learner));
    MN_TRY(mn_learner_check_groups(run->learner));
    MN_TRY(mn_plateau_open(run->learner));
    return run->begun ? mn_learner_load(run->learner, run->file) : MN_OK;
}

mn_status mn_rebuilt_open(mn_rebuilt *run, mn_rebuilt_part last)
{
    if (run->experiment == NULL)
        MN_TRY(open_configuration(run));
    if (last >= MN_REBUILT_DATA && run->stream == NULL)
        MN_TRY(open_data(run));
    if (last >= MN_REBUILT_LEARNER && run->learner == NULL)
        MN_TRY(open_learner(run));
    return MN_OK;
}

mn_status mn_rebuilt_close(mn_rebuilt *run)
{
    mn_learner_free(run->learner);
    mn_stream_free(run->stream);
    mn_dataset_free(run->dataset);
    if (run->restored)
        mn_experiment_free(run->experiment);
    const mn_status status = run->file != NULL ? mn_runfile_close(run->file) : MN_OK;
    *run = (mn_rebuilt){.file = NULL};
    return status;
}
