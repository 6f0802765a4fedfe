/* numerics.c -- which numbers a run is made with, when it goes on under others. */
#include "learner/numerics.h"
#include "base/build.h"
#include "base/text.h"
#include "store/records.h"
#include "store/runfile.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static void warn(const char *path, const char *then, const char *now, const mn_observer *observer)
{
    char line[1024];
    snprintf(
        line, sizeof line,
        "%s: began with numerics %s, here they are %s; it goes on, and is kept apart from runs "
        "made with either",
        path, then, now);
    if (observer != NULL && observer->log != NULL)
        observer->log(observer->context, MN_LOG_WARNING, line);
}

static mn_status continue_from(mn_runfile *file, const char *then, const mn_observer *observer)
{
    char now[16];
    const char *space = strrchr(then, ' ');
    snprintf(now, sizeof now, "%d", MN_NUMERICS);
    if (strcmp(space != NULL ? space + 1 : then, now) == 0)
        return MN_OK;
    char *both = mn_text_format("%s then %s", then, now);
    if (both == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for numerics");
    warn(mn_runfile_path(file), then, now, observer);
    const mn_status status = mn_runfile_set(file, "numerics", both);
    mn_memory_give(both);
    return status;
}

mn_status mn_numerics_continue(mn_runfile *file, const mn_observer *observer)
{
    char *then;
    MN_TRY(mn_runfile_find(file, "numerics", &then));
    const mn_status status = continue_from(file, then != NULL ? then : "1", observer);
    mn_memory_give(then);
    return status;
}
