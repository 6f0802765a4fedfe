/* plot_data.c -- the numbers of a figure as CSV: one line a point. */
#include "cli/show/plot_data.h"
#include "base/escape.h"
#include "base/folder.h"
#include "cli/complain.h"

#include <errno.h>
#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* on: a task, or -1: the mean over those seen. */
static mn_status write_points(FILE *out, const mn_runs *runs, mn_scope scope, int group, int64_t on)
{
    mn_mean_point *points;
    int64_t count;
    MN_TRY(on < 0 ? mn_group_averages(runs, group, scope, &points, &count)
                  : mn_group_curve(runs, group, scope, on, &points, &count));
    for (int64_t i = 0; i < count; i++) {
        mn_write_csv(out, runs->group[group].run->benchmark);
        fputc(',', out);
        mn_write_csv(out, runs->group[group].label);
        fprintf(out, ",%lld,", (long long)points[i].n);
        if (on < 0)
            fprintf(out, "seen");
        else
            fprintf(out, "%lld", (long long)on + 1);
        fprintf(out, ",%g,%.4f,", points[i].when, points[i].mean);
        if (!isnan(points[i].deviation))
            fprintf(out, "%.4f", points[i].deviation);
        fputc('\n', out);
    }
    mn_memory_give(points);
    return MN_OK;
}

static mn_status write_all(FILE *out, const mn_runs *runs, mn_scope scope)
{
    fprintf(out, "benchmark,group,runs,task,tasks learned,mean,deviation\n");
    for (int group = 0; group < runs->group_count; group++)
        for (int64_t on = -1; on < runs->group[group].run->tasks; on++)
            MN_TRY(write_points(out, runs, scope, group, on));
    return MN_OK;
}

mn_status mn_plot_write_data(const mn_runs *runs, mn_scope scope, const char *figure)
{
    char *path = mn_text("%s.csv", figure), *part = mn_text("%s.%ld.part", path, (long)getpid());
    FILE *out = fopen(part, "wxe");
    mn_status status = out != NULL ? write_all(out, runs, scope) : MN_IO_FAILED;
    const bool failed = out == NULL || ferror(out) != 0;
    if ((out != NULL && fclose(out) != 0) || failed)
        status = mn_fail(MN_IO_FAILED, "%s cannot be written: %s", path, strerror(errno));
    if (status == MN_OK)
        status = mn_folder_take_name(part, path);
    if (out != NULL && status != MN_OK)
        (void)unlink(part);
    mn_memory_give(part);
    mn_memory_give(path);
    return status;
}
