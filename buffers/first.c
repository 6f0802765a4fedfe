/* first.c -- after each task, the first labelled images of each of its classes; every class so far
 * has the same share, counted in images.
 *
 * Of B slots and C classes so far each class has B / C, and the first B % C classes one more; while
 * everything labelled fits, everything is kept.  Nothing is drawn: a class's first rows are as
 * random as the choice of what is labelled.  (NNCSL's authors give the extra place to a class's
 * last row, not to its next.) */
#include <mneme/buffer.h>

static int64_t quota(const mn_buffer *buffer, int64_t classes, int64_t label)
{
    const int64_t capacity = mn_buffer_capacity(buffer);
    return capacity / classes + (label < capacity % classes ? 1 : 0);
}

static mn_status keep_first(mn_buffer *buffer, const void *options, const mn_selection *task,
                            mn_key key)
{
    (void)options;
    (void)key;
    const mn_batch *rows = task->rows;
    const int64_t seen = task->first_class + task->classes;
    const bool fits = mn_buffer_used(buffer) + rows->count <= mn_buffer_capacity(buffer);
    for (int64_t label = 0; label < task->first_class && !fits; label++)
        MN_TRY(mn_buffer_shrink_label(buffer, (int32_t)label, quota(buffer, seen, label)));
    for (int64_t row = 0; row < rows->count; row++) {
        const int32_t label = rows->labels[row];
        if (fits || mn_buffer_count_label(buffer, label) < quota(buffer, seen, label))
            MN_TRY(mn_buffer_put(buffer, mn_buffer_free_slot(buffer), rows, row));
    }
    return MN_OK;
}

MN_POLICY(first) = {
    MN_POLICY_HEADER,
    .name = "first",
    .summary = "After each task, the first labelled images of each class, with the same share for "
               "every class so far.",
    .cite =
        "Kang et al., A soft nearest-neighbor framework for continual semi-supervised learning, "
        "ICCV 2023",
    .select = keep_first,
};
