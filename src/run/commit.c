/* commit.c -- everything that changed since the last commit, in one transaction. */
#include "run/commit.h"
#include "base/clock.h"
#include "buffer/save.h"
#include "learner/checkpoint.h"
#include "store/records.h"
#include "store/runfile.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>

mn_status mn_commits_start(mn_commits *commits, mn_runfile *file)
{
    char *earlier; /* NULL: nobody counted */
    MN_TRY(mn_runfile_find(file, "seconds", &earlier));
    *commits = (mn_commits){.earlier = earlier != NULL ? strtod(earlier, NULL) : 0};
    commits->started = commits->last = mn_now();
    mn_memory_give(earlier);
    return MN_OK;
}

bool mn_commit_is_due(const mn_commits *commits, const mn_run_settings *settings)
{
    if (settings->commit_steps > 0 && commits->steps >= settings->commit_steps)
        return true;
    const double every =
        settings->commit_every < 0 ? fmax(30, 100 * commits->seconds) : settings->commit_every;
    return mn_now() - commits->last >= every;
}

mn_status mn_commit(mn_commits *commits, mn_rebuilt *run)
{
    const double before = mn_now();
    char seconds[32];
    run->learner->cursor.commits++;
    MN_TRY(mn_learner_save(run->learner, run->file));
    snprintf(seconds, sizeof seconds, "%.3f", commits->earlier + mn_now() - commits->started);
    MN_TRY(mn_runfile_set(run->file, "seconds", seconds));
    MN_TRY(mn_runfile_commit(run->file));
    if (run->learner->buffer != NULL)
        mn_buffer_saved(run->learner->buffer);
    commits->last = mn_now();
    commits->seconds = commits->last - before;
    commits->all_seconds += commits->seconds;
    commits->count++;
    commits->steps = 0;
    if (mn_experiment_settings(run->experiment)->rebuild) {
        mn_learner_free(run->learner);
        run->learner = NULL;
        MN_TRY(mn_rebuilt_open(run, MN_REBUILT_LEARNER));
    }
    return mn_runfile_begin(run->file);
}
