/* mixture.c -- the images of a task and the rows of the buffer as one list, and what is held out of
 * it: looked up from keys, so that every phase of a task finds the same. */
#include "learner/mixture.h"
#include "buffer/draw.h"
#include "buffer/storage.h"
#include "learner/learner.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/random.h>

typedef struct mixture {
    int64_t *items; /* (count) images of the task by place, then rows of the buffer as -1 - slot */
    int64_t images, count;
    int32_t *labels;   /* (count) of the items */
    bool *held;        /* (count) */
    int64_t *of_class; /* scratch: (count) the items of one class, and (count) those chosen */
} mixture;

static void mixture_free(mixture *m)
{
    mn_memory_give(m->items);
    mn_memory_give(m->labels);
    mn_memory_give(m->held);
    mn_memory_give(m->of_class);
}

static mn_status mixture_fill(const mn_learner *learner, mn_part part, mixture *m)
{
    const mn_stream_view view = mn_stream_view_of(learner->stream, part, learner->cursor.task);
    const int32_t *labels = mn_stream_labels(learner->stream, part);
    const int64_t used = learner->buffer != NULL ? mn_buffer_used(learner->buffer) : 0;
    m->count = view.count + used;
    m->images = view.count;
    const size_t room = (size_t)m->count + 1;
    m->items = mn_memory_take(room, sizeof *m->items);
    m->labels = mn_memory_take(room, sizeof *m->labels);
    m->held = mn_memory_take_zeroed(room, sizeof *m->held);
    m->of_class = mn_memory_take(2 * room, sizeof *m->of_class);
    if (m->items == NULL || m->labels == NULL || m->held == NULL || m->of_class == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a phase over task and buffer");
    for (int64_t i = 0; i < view.count; i++) {
        m->items[i] = i;
        m->labels[i] = labels[view.indices[i]];
    }
    /* All slots: which order they come in does not matter, only that it is always the same. */
    int64_t *slots = m->items + view.count;
    if (used > 0)
        (void)mn_buffer_draw(learner->buffer, mn_key_of(0, "buffer.all"), used, slots);
    for (int64_t i = 0; i < used; i++) {
        m->labels[view.count + i] = mn_buffer_label(learner->buffer, slots[i]);
        slots[i] = -1 - slots[i];
    }
    return MN_OK;
}

typedef struct span { /* of the items, and the classes to choose among */
    int64_t first, end, first_class, classes;
} span;

static int64_t count_label(const mixture *m, span of, int64_t label)
{
    int64_t count = 0;
    for (int64_t i = of.first; i < of.end; i++)
        count += m->labels[i] == label;
    return count;
}

/* Marks `wanted` of the items that have this label. */
static void hold(mixture *m, span of, int64_t label, int64_t wanted, mn_key key)
{
    int64_t count = 0;
    for (int64_t i = of.first; i < of.end; i++)
        if (m->labels[i] == label)
            m->of_class[count++] = i;
    int64_t *chosen = m->of_class + count;
    if (wanted > 0)
        mn_random_subset(mn_key_at(key, (uint64_t)label), count, wanted, chosen);
    for (int64_t i = 0; i < wanted; i++)
        m->held[m->of_class[chosen[i]]] = true;
}

/* Holds out `wanted` items, of each class its share.  The shares are rounded down, and what is then
 * left over is given out one by one, to classes in an order that is drawn: small classes are not
 * forgotten, as they would be if each were rounded by itself. */
static void hold_share(mixture *m, span of, int64_t wanted, mn_key key)
{
    int64_t order[MN_MAX_CLASSES], left = wanted;
    const int64_t items = of.end - of.first;
    if (items == 0 || wanted == 0)
        return;
    for (int64_t c = 0; c < of.classes; c++)
        left -= wanted * count_label(m, of, of.first_class + c) / items;
    mn_random_permutation(mn_key_at(key, MN_MAX_CLASSES), of.classes, order);
    for (int64_t c = 0; c < of.classes; c++) {
        const int64_t label = of.first_class + order[c], count = count_label(m, of, label);
        const int64_t share = wanted * count / items, more = left > 0 && share < count;
        hold(m, of, label, share + more, key);
        left -= more;
    }
}

static int64_t nearest(double x)
{
    return (int64_t)floor(x + 0.5);
}

/* A fraction of the buffer's rows, and of the task's images as many to a class, or in all. */
static void hold_out(const mn_learner *learner, mixture *m)
{
    const int64_t task = learner->cursor.task;
    const mn_task_info info = mn_stream_task(learner->stream, task);
    const mn_key key =
        mn_key_at(mn_key_of((uint64_t)learner->settings->seed, "held-out"), (uint64_t)task);
    const span rows = {m->images, m->count, 0, mn_stream_classes(learner->stream)};
    const span images = {0, m->images, info.first_class, info.classes};
    const int64_t held = nearest(learner->held_out * (double)(rows.end - rows.first));
    int64_t classes = 0;
    for (int64_t label = 0; label < rows.classes; label++)
        classes += count_label(m, rows, label) > 0;
    const double each = classes > 0 ? (double)held / (double)classes : 0;
    const int64_t wanted = learner->held_out_as_many ? held : nearest(each * (double)info.classes);
    hold_share(m, rows, held, mn_key_at(key, 0));
    hold_share(m, images, wanted < m->images ? wanted : m->images, mn_key_at(key, 1));
}

mn_status mn_mixture_items(const mn_learner *learner, mn_part part, bool held_out, int64_t **items,
                           int64_t *count, int64_t *images)
{
    mixture m = {0};
    mn_status status = mixture_fill(learner, part, &m);
    *count = 0;
    *images = m.images;
    if (status == MN_OK) {
        hold_out(learner, &m);
        for (int64_t i = 0; i < m.count; i++)
            if (m.held[i] == held_out)
                m.items[(*count)++] = m.items[i];
        *items = m.items;
        m.items = NULL;
    }
    mixture_free(&m);
    return status;
}
