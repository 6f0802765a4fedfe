/* curves.c -- accuracy over time, averaged over the runs of a group.
 *
 * Runs of a group take the same steps, so points of different runs are put together by their step;
 * an unfinished run simply has fewer of them. */
#include "cli/curves.h"
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>

typedef struct curve {
    mn_curve_point *point; /* (count) in order of step */
    int64_t count, at;
} curve;

/* Mean over tasks 0..after of one run; NaN when one was not measured. */
static double average_after(const mn_run *run, mn_scope scope, int64_t after)
{
    double *row = mn_or_die(calloc((size_t)after + 1, sizeof *row));
    bool complete = true;
    for (int64_t on = 0; on <= after; on++) {
        row[on] = mn_results_accuracy(run->results, scope, after, on);
        complete = complete && !isnan(row[on]);
    }
    const double mean = complete ? mn_summarise(row, after + 1).mean : (double)NAN;
    free(row);
    return mean;
}

int64_t mn_group_averages(const mn_runs *runs, int group, mn_scope scope, mn_mean_point **points)
{
    const int64_t tasks = runs->group[group].run->tasks;
    double *values = mn_or_die(calloc((size_t)runs->count + 1, sizeof *values));
    *points = mn_or_die(calloc((size_t)tasks + 1, sizeof **points));
    int64_t count = 0;
    for (int64_t after = 0; after < tasks; after++) {
        int64_t n = 0;
        for (int i = 0; i < runs->count; i++) {
            if (runs->run[i].group != group)
                continue;
            values[n] = average_after(&runs->run[i], scope, after);
            n += !isnan(values[n]);
        }
        if (n > 0)
            (*points)[count++] = (mn_mean_point){(double)after + 1, mn_summarise(values, n)};
    }
    free(values);
    return count;
}

/* The step at which each task of a run ended, 0 where it has not; (tasks). */
static mn_status ends_of_tasks(const mn_run *run, mn_scope scope, int64_t **ends)
{
    mn_curve_point *point;
    int64_t count;
    MN_TRY(mn_results_curve(run->results, scope, 0, &point, &count));
    *ends = mn_or_die(calloc((size_t)run->tasks + 1, sizeof **ends));
    for (int64_t i = 0; i < count; i++)
        if (point[i].after_task >= 0 && point[i].after_task < run->tasks)
            (*ends)[point[i].after_task] = point[i].step;
    free(point);
    return MN_OK;
}

/* Inside a task that has no end yet, nothing can be said of how far it has come. */
static double when(const mn_curve_point *point, const int64_t *ends)
{
    const int64_t task = point->after_task;
    const int64_t began = task > 0 ? ends[task - 1] : 0, ended = ends[task];
    if (ended <= began || point->step >= ended)
        return (double)task + 1;
    return (double)task + (double)(point->step - began) / (double)(ended - began);
}

static mn_summary mean_at(curve *curves, int n, const mn_curve_point *point, double *values)
{
    int64_t found = 0;
    for (int i = 0; i < n; i++) {
        curve *c = &curves[i];
        while (c->at < c->count && c->point[c->at].step < point->step)
            c->at++;
        if (c->at < c->count && c->point[c->at].step == point->step &&
            !isnan(c->point[c->at].accuracy))
            values[found++] = c->point[c->at].accuracy;
    }
    return found > 0 ? mn_summarise(values, found)
                     : (mn_summary){.n = 0, .mean = (double)NAN, .deviation = (double)NAN};
}

static mn_status read_curves(const mn_runs *runs, int group, mn_scope scope, int64_t on_task,
                             curve *curves, int *n)
{
    for (int i = 0; i < runs->count; i++) {
        if (runs->run[i].group != group)
            continue;
        curve *c = &curves[*n];
        MN_TRY(mn_results_curve(runs->run[i].results, scope, on_task, &c->point, &c->count));
        (*n)++;
    }
    return MN_OK;
}

mn_status mn_group_curve(const mn_runs *runs, int group, mn_scope scope, int64_t on_task,
                         mn_mean_point **points, int64_t *count)
{
    curve *curves = mn_or_die(calloc((size_t)runs->count + 1, sizeof *curves));
    double *values = mn_or_die(calloc((size_t)runs->count + 1, sizeof *values));
    int64_t *ends = NULL;
    int n = 0;
    mn_status status = read_curves(runs, group, scope, on_task, curves, &n);
    if (status == MN_OK)
        status = ends_of_tasks(runs->group[group].run, scope, &ends);
    if (status == MN_OK) {
        const curve *longest = &curves[0];
        for (int i = 1; i < n; i++)
            if (curves[i].count > longest->count)
                longest = &curves[i];
        *points = mn_or_die(calloc((size_t)longest->count + 1, sizeof **points));
        *count = 0;
        for (int64_t i = 0; i < longest->count; i++) {
            const mn_curve_point *point = &longest->point[i];
            if (point->after_task < on_task)
                continue; /* before it was learned */
            const mn_summary mean = mean_at(curves, n, point, values);
            if (mean.n > 0)
                (*points)[(*count)++] = (mn_mean_point){when(point, ends), mean};
        }
    }
    for (int i = 0; i < n; i++)
        free(curves[i].point);
    free(curves);
    free(values);
    free(ends);
    return status;
}
