/* check.c -- whether run files are what they were when they were closed. */
#include "store/check.h"
#include "results/paths.h"
#include "store/runfile.h"

#include <mneme/results.h>

static mn_status check_file(const char *path)
{
    mn_runfile *file;
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    const mn_status status = mn_runfile_check(file);
    const mn_status closed = mn_runfile_close(file);
    return status != MN_OK ? status : closed;
}

mn_status mn_results_check(const char *const *paths, int64_t count, mn_checked each, void *context)
{
    mn_paths found;
    const mn_status status = mn_paths_read(paths, count, &found);
    for (int64_t i = 0; status == MN_OK && i < found.count; i++)
        each(context, found.path[i], check_file(found.path[i]));
    mn_paths_free(&found);
    return status;
}
