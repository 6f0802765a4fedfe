/* cost.c -- what the runs of an arm will take, from a few steps of the first of them. */
#include "cli/study/cost.h"
#include "base/clock.h"
#include "base/options.h"
#include "cli/complain.h"
#include "cli/signals.h"
#include "cli/study/attend.h"

#include <errno.h>
#include <math.h>
#include <mneme/memory.h>
#include <mneme/run.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FEW_STEPS = 50 };
static const double least_seconds = 1, most_seconds = 10;

static void see(void *context, const mn_progress *now)
{
    *(mn_progress *)context = *now;
}

/* Enough is seen after some steps and a second; of large networks after few steps. */
static bool enough(void *context)
{
    const mn_progress *seen = context;
    return mn_signals_stop(NULL) || (seen->seconds_left >= 0 &&
                                     ((seen->done >= FEW_STEPS && seen->seconds >= least_seconds) ||
                                      seen->seconds >= most_seconds));
}

static mn_status set_all(mn_experiment *experiment, const cJSON *set)
{
    const cJSON *setting;
    cJSON_ArrayForEach(setting, set)
    {
        char *value;
        MN_TRY(mn_option_text(setting, "set", setting->string, &value));
        const mn_status status = mn_experiment_set(experiment, setting->string, value);
        mn_memory_give(value);
        if (status != MN_OK)
            return mn_fail_in(status, "set");
    }
    return MN_OK;
}

/* As its runs will be made: side by side, each on a thread unless told otherwise. */
static mn_status prepare(const mn_manifest *manifest, const mn_arm *arm, mn_experiment *experiment)
{
    MN_TRY(mn_experiment_set(experiment, "threads", "1"));
    MN_TRY(set_all(experiment, manifest->set));
    MN_TRY(set_all(experiment, arm->set));
    return mn_experiment_resolve(experiment);
}

/* The file as it stands, with its buffer filled up. */
static mn_status measure(const mn_experiment *experiment, const char *path, double *bytes)
{
    struct stat file;
    int64_t rows = 0;
    mn_results *results;
    MN_TRY(mn_resolved_number(experiment, "buffer_size", &rows));
    MN_TRY(mn_results_open_uncalibrated(path, &results));
    const mn_buffer_size now = mn_results_buffer_size(results);
    mn_results_free(results);
    *bytes = stat(path, &file) == 0 ? (double)file.st_size : (double)NAN;
    if (now.rows > 0 && rows > now.rows)
        *bytes += (double)(rows - now.rows) * (double)(now.image_bytes + now.column_bytes) /
                  (double)now.rows;
    return MN_OK;
}

static mn_status look_at(mn_experiment *experiment, const char *path, mn_cost *cost)
{
    mn_progress seen = {.seconds_left = -1};
    const double began = mn_now();
    const mn_observer observer = {.context = &seen, .progress = see, .stop = enough};
    const mn_status status = mn_experiment_run(experiment, path, &observer);
    if (status != MN_OK && status != MN_INTERRUPTED)
        return status;
    if (mn_signals_stop(NULL))
        return mn_fail(MN_INTERRUPTED, "stopped on request");
    cost->steps = seen.total;
    cost->seconds = status == MN_OK ? mn_now() - began : seen.seconds + seen.seconds_left;
    return measure(experiment, path, &cost->bytes);
}

mn_status mn_cost_of(const mn_manifest *manifest, const mn_arm *arm, mn_cost *cost)
{
    mn_experiment *experiment;
    *cost = (mn_cost){.seconds = (double)NAN, .bytes = (double)NAN};
    MN_TRY(mn_experiment_new(arm->benchmark, arm->strategy, &experiment));
    const char *temporary = getenv("TMPDIR");
    char *folder = mn_text("%s/mneme-XXXXXX", temporary != NULL ? temporary : "/tmp");
    char *path = NULL;
    mn_status status = prepare(manifest, arm, experiment);
    if (status == MN_OK && mkdtemp(folder) == NULL)
        status = mn_fail(MN_IO_FAILED, "%s: no folder can be made: %s", folder, strerror(errno));
    else if (status == MN_OK) {
        path = mn_text("%s/look.mneme", folder);
        status = look_at(experiment, path, cost);
        char *why = mn_text("%s", mn_error());
        if (mn_remove_run(path) != MN_OK || rmdir(folder) != 0)
            mn_complain("%s is left behind", folder);
        if (status != MN_OK)
            status = mn_fail(status, "%s", why);
        mn_memory_give(why);
    }
    mn_memory_give(path);
    mn_memory_give(folder);
    mn_experiment_free(experiment);
    return status;
}
