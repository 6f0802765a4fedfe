/* again.c -- tasks whose classes or domains come again, and tasks without sharp borders.
 *
 * Every image is in one task.  Which one is drawn class by class, or task by task, from keys: a
 * task that is added moves no other class's images. */
#include "data/stream/again.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the tasks of a stream");
}

/* --- the order of classes --------------------------------------------------------------------- */

int64_t mn_domain_of_task(const mn_stream_spec *spec, int64_t task)
{
    return spec->domain_order != NULL ? spec->domain_order[task] : task;
}

/* The task of a domain; -1: none shows it. */
static int32_t task_of_domain(const mn_stream_spec *spec, int64_t domain)
{
    for (int64_t task = 0; task < spec->tasks; task++)
        if (mn_domain_of_task(spec, task) == domain)
            return (int32_t)task;
    return -1;
}

static void order_listed(const mn_stream_spec *spec, bool *seen, int64_t *classes,
                         int64_t *original)
{
    int64_t listed = 0;
    for (int64_t task = 0; task < spec->tasks; task++)
        listed += spec->task_classes[task];
    for (int64_t i = 0; i < listed; i++) {
        const int64_t label = spec->class_order[i];
        if (!seen[label])
            original[(*classes)++] = label;
        seen[label] = true;
    }
}

/* Task by task, as the training images have them; within a task as the data set numbers them. */
static void order_found(const mn_stream_spec *spec, const mn_dataset *dataset, bool *seen,
                        bool *now, int64_t *classes, int64_t *original)
{
    const mn_images *train = &dataset->train;
    for (int64_t task = 0; task < spec->tasks; task++) {
        memset(now, 0, (size_t)dataset->classes * sizeof *now);
        for (int64_t i = 0; i < train->count; i++)
            if (task_of_domain(spec, train->domains[i]) == task)
                now[train->labels[i]] = true;
        for (int64_t label = 0; label < dataset->classes; label++) {
            if (now[label] && !seen[label])
                original[(*classes)++] = label;
            seen[label] = seen[label] || now[label];
        }
    }
}

mn_status mn_repetition_order(const mn_stream_spec *spec, const mn_dataset *dataset,
                              int64_t *classes, int64_t *original)
{
    bool *seen = mn_memory_take_zeroed((size_t)(2 * dataset->classes), sizeof *seen);
    if (seen == NULL)
        return no_memory();
    *classes = 0;
    if (spec->class_order != NULL)
        order_listed(spec, seen, classes, original);
    else
        order_found(spec, dataset, seen, seen + dataset->classes, classes, original);
    mn_memory_give(seen);
    return MN_OK;
}

/* --- dealing out ------------------------------------------------------------------------------ */

typedef struct dealing {
    const mn_stream_spec *spec;
    const mn_grouped *part;
    int64_t *members, *order; /* (images) of one class */
    int64_t *tasks;           /* (tasks) that list it */
} dealing;

static int64_t tasks_of_class(const dealing *d, int64_t arrival)
{
    int64_t at = 0, count = 0;
    for (int64_t task = 0; task < d->spec->tasks; task++)
        for (int64_t i = 0; i < d->spec->task_classes[task]; i++, at++)
            if (d->part->arrival[d->spec->class_order[at]] == arrival)
                d->tasks[count++] = task;
    return count;
}

static void deal_class(const dealing *d, int64_t arrival, mn_key key)
{
    const mn_grouped *part = d->part;
    const int64_t tasks = tasks_of_class(d, arrival);
    int64_t dealt[256] = {0}, count = 0; /* of each kind */
    for (int64_t i = 0; i < part->images->count; i++)
        if (part->arrival[part->images->labels[i]] == arrival)
            d->members[count++] = i;
    mn_random_permutation(key, count, d->order);
    for (int64_t i = 0; i < count; i++) {
        const int64_t place = d->members[d->order[i]];
        int64_t *turn = &dealt[part->kind != NULL ? part->kind[place] : 0];
        part->group[place] = (int32_t)d->tasks[(*turn)++ % tasks];
    }
}

mn_status mn_repetition_deal(const mn_stream_spec *spec, const mn_grouped *part, int64_t classes,
                             mn_key key)
{
    const size_t count = (size_t)part->images->count + 1;
    dealing d = {spec, part, mn_memory_take(count, sizeof *d.members),
                 mn_memory_take(count, sizeof *d.order),
                 mn_memory_take((size_t)spec->tasks, sizeof *d.tasks)};
    const bool there = d.members != NULL && d.order != NULL && d.tasks != NULL;
    for (int64_t i = 0; i < part->images->count; i++)
        part->group[i] = -1;
    for (int64_t arrival = 0; there && arrival < classes; arrival++)
        deal_class(&d, arrival, mn_key_at(key, (uint64_t)arrival));
    mn_memory_give(d.members);
    mn_memory_give(d.order);
    mn_memory_give(d.tasks);
    return there ? MN_OK : no_memory();
}

void mn_domain_groups(const mn_stream_spec *spec, const mn_grouped *part)
{
    for (int64_t i = 0; i < part->images->count; i++)
        part->group[i] = part->arrival[part->images->labels[i]] < 0
                             ? -1
                             : task_of_domain(spec, part->images->domains[i]);
}

/* --- borders ---------------------------------------------------------------------------------- */

mn_status mn_blur(double fraction, int64_t tasks, const int64_t *first, const int64_t *indices,
                  mn_key key, int32_t *group, bool *moved)
{
    int64_t *order = mn_memory_take((size_t)first[tasks] + 1, sizeof *order);
    if (order == NULL)
        return no_memory();
    for (int64_t task = 0; task < tasks; task++) {
        const int64_t count = first[task + 1] - first[task];
        const mn_key own = mn_key_at(key, (uint64_t)task);
        mn_random_permutation(own, count, order);
        for (int64_t i = 0; i < llround(fraction * (double)count); i++) {
            const int64_t place = indices[first[task] + order[i]];
            const int64_t away = 1 + mn_random_below(mn_key_at(own, 1), (uint64_t)place, tasks - 1);
            group[place] = (int32_t)((task + away) % tasks);
            moved[place] = true;
        }
    }
    mn_memory_give(order);
    return MN_OK;
}
