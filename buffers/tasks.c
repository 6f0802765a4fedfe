/* tasks.c -- after each task, a random sample of it; every task so far has the same share.
 *
 * Of B slots and T tasks so far each task has B / T, and the first B % T one more; what a small
 * task leaves unused stays free.  Rows are put in random order, so that the earliest rows of a
 * task, which shrinking keeps, are a random sample of its rows.  (The FDR and BiC of the DER
 * authors divide by T - 1: one task too few.) */
#include <mneme/buffer.h>
#include <stdlib.h>

static mn_status put_sample(mn_buffer *buffer, const mn_batch *rows, int64_t wanted, mn_key key)
{
    int64_t *chosen = malloc((size_t)wanted * sizeof *chosen + 1);
    if (chosen == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory to choose %lld images", (long long)wanted);
    mn_random_subset(key, rows->count, wanted, chosen);
    mn_status status = MN_OK;
    for (int64_t i = 0; i < wanted && status == MN_OK; i++)
        status = mn_buffer_put(buffer, mn_buffer_free_slot(buffer), rows, chosen[i]);
    free(chosen);
    return status;
}

static mn_status sample_task(mn_buffer *buffer, const void *options, const mn_selection *task,
                             mn_key key)
{
    (void)options;
    const mn_batch *rows = task->rows;
    if (rows->count == 0)
        return MN_OK;
    const int64_t capacity = mn_buffer_capacity(buffer), now = rows->tasks[0], tasks = now + 1;
    const int64_t share = capacity / tasks, rest = capacity % tasks;
    for (int64_t earlier = 0; earlier < now; earlier++)
        MN_TRY(mn_buffer_shrink_task(buffer, (int32_t)earlier, share + (earlier < rest ? 1 : 0)));
    const int64_t quota = share + (now < rest ? 1 : 0);
    return put_sample(buffer, rows, rows->count < quota ? rows->count : quota, key);
}

MN_POLICY(tasks) = {
    MN_POLICY_HEADER,
    .name = "tasks",
    .summary = "After each task, a random sample of it, with the same share for every task so far.",
    .cite = "Benjamin et al., Measuring and regularizing networks in function space, ICLR 2019",
    .wants = MN_SELECTS_BY_TASK,
    .select = sample_task,
};
