/* tasks.c -- after each task, a random sample of it; every task so far has the same share.
 *
 * Of B slots and T tasks so far each task has B / T, and the first B % T one more; what a small
 * task leaves unused stays free.  Rows are put in random order, so that the earliest rows of a
 * task, which shrinking keeps, are a random sample of its rows.  With share=classes every class of
 * the stream has the same share from the first task on, and none gives way (van de Ven and Tolias
 * 2019).  (The FDR and BiC of the DER authors' code since 2023 divide by
 * T - 1, one task too few; that of 2020 and 2022 by T.) */
#include <mneme/buffer.h>
#include <mneme/memory.h>

typedef struct tasks_options {
    int64_t share;
} tasks_options;

enum { SHARED_BY_TASKS, SHARED_BY_CLASSES };
static const char *const sharers[] = {"tasks", "classes", NULL};

static const mn_option options[] = {
    MN_CHOICE(tasks_options, share, SHARED_BY_TASKS, sharers,
              "who has equal shares: the tasks so far, or from the start all classes to come"),
    MN_END,
};

enum { ANY_LABEL = -2 };

/* Puts up to `wanted` of the rows of this label, chosen at random, into free slots. */
static mn_status put_sample(mn_buffer *buffer, const mn_batch *rows, int32_t label, int64_t wanted,
                            mn_key key)
{
    int64_t *place = mn_memory_take(2 * (size_t)rows->count * sizeof *place + 1, 1);
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
    mn_memory_give(place);
    return status;
}

static mn_status sample_classes(mn_buffer *buffer, const mn_selection *task, mn_key key)
{
    const int64_t capacity = mn_buffer_capacity(buffer), classes = mn_buffer_classes(buffer);
    for (int64_t i = task->first_class; i < task->first_class + task->classes; i++) {
        if (mn_buffer_count_label(buffer, (int32_t)i) > 0)
            return mn_fail(MN_UNSUPPORTED,
                           "buffer.share: class %lld comes in more than one task; on such a stream "
                           "the tasks have to share",
                           (long long)i);
        const int64_t share = capacity / classes + (i < capacity % classes ? 1 : 0);
        MN_TRY(put_sample(buffer, task->rows, (int32_t)i, share, mn_key_at(key, (uint64_t)i)));
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
    if (o != NULL && o->share == SHARED_BY_CLASSES)
        return sample_classes(buffer, task, key);
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
