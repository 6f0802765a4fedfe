/* tasks.c -- after each task, a random sample of it; every task so far has the same share.
 *
 * Of B slots and T tasks so far each task has B / T, and the first B % T one more; what a small
 * task leaves unused stays free.  Rows are put in random order, so that the earliest rows of a
 * task, which shrinking keeps, are a random sample of its rows.  With per_class, every class has
 * that many from the first task on (van de Ven and Tolias 2019) and none ever gives way.  (The FDR
 * and BiC of the DER authors divide by T - 1: one task too few.) */
#include <mneme/buffer.h>
#include <stdlib.h>

typedef struct tasks_options {
    int64_t per_class;
} tasks_options;

static const mn_option options[] = {
    MN_INT(tasks_options, per_class, 0, 0, 1e9,
           "rows of each class, in place of equal shares of the tasks so far; 0: shares"),
    MN_END,
};

enum { ANY_LABEL = -2 };

/* Puts up to `wanted` of the rows of this label, chosen at random, into free slots. */
static mn_status put_sample(mn_buffer *buffer, const mn_batch *rows, int32_t label, int64_t wanted,
                            mn_key key)
{
    int64_t *place = malloc(2 * (size_t)rows->count * sizeof *place + 1);
    if (place == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory to choose %lld images", (long long)wanted);
    int64_t count = 0;
    for (int64_t i = 0; i < rows->count; i++)
        if (label == ANY_LABEL || rows->labels[i] == label)
            place[count++] = i;
    int64_t *chosen = place + rows->count;
    wanted = count < wanted ? count : wanted;
    mn_random_subset(key, count, wanted, chosen);
    mn_status status = MN_OK;
    for (int64_t i = 0; i < wanted && status == MN_OK; i++)
        status = mn_buffer_put(buffer, mn_buffer_free_slot(buffer), rows, place[chosen[i]]);
    free(place);
    return status;
}

static mn_status sample_classes(mn_buffer *buffer, int64_t per_class, const mn_selection *task,
                                mn_key key)
{
    const int64_t wanted = per_class * mn_buffer_classes(buffer);
    if (wanted > mn_buffer_capacity(buffer))
        return mn_fail(MN_BAD_OPTION,
                       "buffer.per_class: %lld rows for each of %lld classes are %lld, but "
                       "buffer_size is %lld",
                       (long long)per_class, (long long)mn_buffer_classes(buffer),
                       (long long)wanted, (long long)mn_buffer_capacity(buffer));
    for (int64_t i = 0; i < task->classes; i++) {
        const int32_t label = (int32_t)(task->first_class + i);
        if (mn_buffer_count_label(buffer, label) > 0)
            return mn_fail(MN_UNSUPPORTED,
                           "buffer.per_class: class %d comes in more than one task; leave it at 0 "
                           "on such a stream",
                           (int)label);
        MN_TRY(put_sample(buffer, task->rows, label, per_class, mn_key_at(key, (uint64_t)i)));
    }
    return MN_OK;
}

static mn_status sample_task(mn_buffer *buffer, const void *values, const mn_selection *task,
                             mn_key key)
{
    const tasks_options *o = values;
    const mn_batch *rows = task->rows;
    if (rows->count == 0)
        return MN_OK;
    if (o->per_class > 0)
        return sample_classes(buffer, o->per_class, task, key);
    const int64_t capacity = mn_buffer_capacity(buffer), now = rows->tasks[0], tasks = now + 1;
    const int64_t share = capacity / tasks, rest = capacity % tasks;
    for (int64_t earlier = 0; earlier < now; earlier++)
        MN_TRY(mn_buffer_shrink_task(buffer, (int32_t)earlier, share + (earlier < rest ? 1 : 0)));
    const int64_t quota = share + (now < rest ? 1 : 0);
    return put_sample(buffer, rows, ANY_LABEL, quota, key);
}

MN_POLICY(tasks) = {
    MN_POLICY_HEADER,
    .name = "tasks",
    .summary = "After each task, a random sample of it, with the same share for every task so far.",
    .cite = "Benjamin et al., Measuring and regularizing networks in function space, ICLR 2019",
    .options = options,
    .options_size = sizeof(tasks_options),
    .wants = MN_SELECTS_BY_TASK,
    .select = sample_task,
};
