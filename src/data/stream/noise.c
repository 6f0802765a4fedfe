/* noise.c -- wrong labels among the training images of a task.
 *
 * A wrong label is one of the task's own: another task's class would come before its time, and a
 * method that is told the task's classes would know that it is wrong.  The number of wrong labels
 * of a class is a fixed part of its images, so that seeds differ in which images, not in how many.
 */
#include "data/stream/noise.h"

#include <math.h>
#include <mneme/memory.h>

typedef struct noising {
    const mn_noise *noise;
    int64_t task;
    const int64_t *places;
    int64_t count;
    int32_t *labels, *before; /* before: (count) as they were */
    int64_t *members, *order; /* (count) of one class */
    int64_t *present;         /* (classes) of the task */
    bool *changed;
} noising;

static int64_t find_classes(const noising *n)
{
    int64_t found = 0;
    for (int64_t class = 0; class < n->noise->classes; class ++) {
        bool there = false;
        for (int64_t i = 0; i < n->count && !there; i++)
            there = n->before[i] == class;
        if (there)
            n->present[found++] = class;
    }
    return found;
}

/* at: the class's place among the `classes` of the task. */
static void noise_class(const noising *n, int64_t at, int64_t classes)
{
    const mn_key key =
        mn_key_at(mn_key_at(n->noise->key, (uint64_t)n->task), (uint64_t)n->present[at]);
    int64_t members = 0;
    for (int64_t i = 0; i < n->count; i++)
        if (n->before[i] == n->present[at])
            n->members[members++] = n->places[i];
    mn_random_permutation(key, members, n->order);
    for (int64_t i = 0; i < llround(n->noise->part * (double)members); i++) {
        const int64_t place = n->members[n->order[i]];
        const int64_t away =
            n->noise->pairs ? 1
                            : 1 + mn_random_below(mn_key_at(key, 1), (uint64_t)place, classes - 1);
        n->labels[place] = (int32_t)n->present[(at + away) % classes];
        n->changed[place] = true;
    }
}

static mn_status noise_task(const noising *n)
{
    for (int64_t i = 0; i < n->count; i++)
        n->before[i] = n->labels[n->places[i]];
    const int64_t classes = find_classes(n);
    if (classes < 2)
        return mn_fail(MN_BAD_OPTION,
                       "labels.noise: task %lld has one class, and wrong labels are those of other "
                       "classes of the task; give each task two classes or more",
                       (long long)n->task + 1);
    for (int64_t at = 0; at < classes; at++)
        noise_class(n, at, classes);
    return MN_OK;
}

mn_status mn_noise_add(const mn_noise *noise, int64_t task, const int64_t *places, int64_t count,
                       int32_t *labels, bool *changed)
{
    const size_t room = (size_t)count + 1;
    const noising n = {.noise = noise,
                       .task = task,
                       .places = places,
                       .count = count,
                       .labels = labels,
                       .before = mn_memory_take(room, sizeof *n.before),
                       .members = mn_memory_take(room, sizeof *n.members),
                       .order = mn_memory_take(room, sizeof *n.order),
                       .present = mn_memory_take((size_t)noise->classes, sizeof *n.present),
                       .changed = changed};
    const bool there =
        n.before != NULL && n.members != NULL && n.order != NULL && n.present != NULL;
    const mn_status status =
        there ? noise_task(&n) : mn_fail(MN_NO_MEMORY, "out of memory for the labels of a stream");
    mn_memory_give(n.before);
    mn_memory_give(n.members);
    mn_memory_give(n.order);
    mn_memory_give(n.present);
    return status;
}
