/* curves.c -- accuracy over time, averaged over the runs of a group.
 *
 * Runs of a group take the same steps, so points of different runs are put together by their step;
 * an unfinished run simply has fewer of them. */
#include <mneme/groups.h>

#include <math.h>
#include <mneme/memory.h>

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for a curve of several runs");
}

static mn_mean_point point_of(double when, const double *values, int64_t n)
{
    return (mn_mean_point){when, n, mn_mean_of(values, n), mn_deviation_of(values, n)};
}

/* --- averages after each task --- */

/* values: room for one a run */
static int64_t averages_after(const mn_runs *runs, int64_t group, mn_scope scope, int64_t after,
                              double *values)
{
    int64_t n = 0;
    for (int64_t i = 0; i < runs->count; i++) {
        if (runs->run[i].group != group)
            continue;
        values[n] = mn_results_average_after(runs->run[i].results, scope, after);
        n += !isnan(values[n]);
    }
    return n;
}

mn_status mn_group_averages(const mn_runs *runs, int64_t group, mn_scope scope,
                            mn_mean_point **points, int64_t *count)
{
    const int64_t tasks = runs->group[group].run->tasks;
    double *values = mn_memory_take_zeroed((size_t)runs->count + 1, sizeof *values);
    *points = mn_memory_take_zeroed((size_t)tasks + 1, sizeof **points);
    *count = 0;
    if (values == NULL || *points == NULL) {
        mn_memory_give(values);
        mn_memory_give(*points);
        *points = NULL;
        return no_memory();
    }
    for (int64_t after = 0; after < tasks; after++) {
        const int64_t n = averages_after(runs, group, scope, after, values);
        if (n > 0)
            (*points)[(*count)++] = point_of((double)after + 1, values, n);
    }
    mn_memory_give(values);
    return MN_OK;
}

/* --- one task over time --- */

typedef struct curve {
    mn_curve_point *point; /* (count) in order of step */
    int64_t count, at;
} curve;

typedef struct curves {
    curve *curve;   /* (count) one a run of the group */
    double *values; /* (count) */
    int64_t count;
    int64_t *ends; /* (tasks) the step at which each ended, 0 where it has not */
    int64_t tasks;
} curves;

static void free_curves(curves *all)
{
    for (int64_t i = 0; i < all->count; i++)
        mn_memory_give(all->curve[i].point);
    mn_memory_give(all->curve);
    mn_memory_give(all->values);
    mn_memory_give(all->ends);
}

static mn_status read_ends(const mn_run *run, mn_scope scope, curves *all)
{
    mn_curve_point *point;
    int64_t count;
    MN_TRY(mn_results_curve(run->results, scope, 0, &point, &count));
    for (int64_t i = 0; i < count; i++)
        if (point[i].after_task >= 0 && point[i].after_task < all->tasks)
            all->ends[point[i].after_task] = point[i].step;
    mn_memory_give(point);
    return MN_OK;
}

static mn_status read_curves(const mn_runs *runs, int64_t group, mn_scope scope, int64_t on_task,
                             curves *all)
{
    const mn_run *first = runs->group[group].run;
    *all = (curves){.tasks = first->tasks};
    all->curve = mn_memory_take_zeroed((size_t)runs->count + 1, sizeof *all->curve);
    all->values = mn_memory_take_zeroed((size_t)runs->count + 1, sizeof *all->values);
    all->ends = mn_memory_take_zeroed((size_t)first->tasks + 1, sizeof *all->ends);
    if (all->curve == NULL || all->values == NULL || all->ends == NULL)
        return no_memory();
    MN_TRY(read_ends(first, scope, all));
    for (int64_t i = 0; i < runs->count; i++) {
        if (runs->run[i].group != group)
            continue;
        curve *c = &all->curve[all->count];
        MN_TRY(mn_results_curve(runs->run[i].results, scope, on_task, &c->point, &c->count));
        all->count++;
    }
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

/* The accuracies at a step; asked for in order of step. */
static int64_t values_at(curves *all, int64_t step)
{
    int64_t n = 0;
    for (int64_t i = 0; i < all->count; i++) {
        curve *c = &all->curve[i];
        while (c->at < c->count && c->point[c->at].step < step)
            c->at++;
        if (c->at < c->count && c->point[c->at].step == step && !isnan(c->point[c->at].accuracy))
            all->values[n++] = c->point[c->at].accuracy;
    }
    return n;
}

static const curve *longest(const curves *all)
{
    const curve *found = &all->curve[0];
    for (int64_t i = 1; i < all->count; i++)
        if (all->curve[i].count > found->count)
            found = &all->curve[i];
    return found;
}

static mn_status average(curves *all, int64_t on_task, mn_mean_point **points, int64_t *count)
{
    const curve *steps = longest(all);
    *points = mn_memory_take_zeroed((size_t)steps->count + 1, sizeof **points);
    if (*points == NULL)
        return no_memory();
    for (int64_t i = 0; i < steps->count; i++) {
        const mn_curve_point *point = &steps->point[i];
        if (point->after_task < on_task)
            continue; /* before it was learned */
        const int64_t n = values_at(all, point->step);
        if (n > 0)
            (*points)[(*count)++] = point_of(when(point, all->ends), all->values, n);
    }
    return MN_OK;
}

mn_status mn_group_curve(const mn_runs *runs, int64_t group, mn_scope scope, int64_t on_task,
                         mn_mean_point **points, int64_t *count)
{
    curves all;
    *points = NULL;
    *count = 0;
    mn_status status = read_curves(runs, group, scope, on_task, &all);
    if (status == MN_OK)
        status = average(&all, on_task, points, count);
    free_curves(&all);
    return status;
}
