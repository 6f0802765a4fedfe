/* xder.c -- the eXtended DER-verse: its training step, and what happens to the buffer.
 *
 * The buffer is filled at the end of each task alone, in equal shares for all classes so far, with
 * the logits of the augmented view.  While a task is learned, what its network says of past images
 * about present and future classes is implanted into their logits; an image in its u-th draw of the
 * task is refreshed with probability 1/u.  The code is that of the paper (tag tpami2023 of the
 * authors' repository), with these differences: tasks may differ in size; implanting cannot turn
 * signs round (see mn_implant; reference=true lets it); where a batch has one row, running
 * statistics take the place of statistics that one row does not have; images without colour are not
 * mirrored for the contrast.  Without these it makes the authors' numbers
 * (tests/parity/authors.py). */
#include "strategies/shared/xder.h"

static int64_t end_of(mn_range range)
{
    return range.first + range.count;
}

static const mn_xder_variant *variant_of(mn_learner *learner)
{
    return ((const mn_xder_state *)mn_state(learner))->variant;
}

static mn_var *logits_of(mn_learner *learner, mn_tape *tape, const mn_batch *batch, mn_mode mode)
{
    const mn_xder_variant *variant = variant_of(learner);
    if (batch->count == 1)
        mode = MN_EVAL | (mode & MN_NO_GRADIENT);
    mn_var *outputs = mn_forward(learner, batch, mode)->logits;
    return variant->head != NULL ? variant->head(tape, outputs) : outputs;
}

/* --- declaring --- */

mn_status mn_xder_open(mn_learner *learner, const mn_xder_variant *variant)
{
    mn_xder_state *s = mn_state(learner);
    s->variant = variant;
    mn_require_rows(learner, mn_classes(learner, MN_ALL).count, "class");
    MN_TRY(mn_keep_column(learner, "logits", 0));
    MN_TRY(mn_keep_column(learner, "visits", 1)); /* u: draws of the row in this task */
    return mn_keep_tensor(learner, "wanted", MN_SHAPE(mn_classes(learner, MN_ALL).count),
                          &s->wanted);
}

/* --- margins --- */

/* The mean of what is above 0; 0 where nothing is. */
static mn_var *mean_of_violations(mn_var *x)
{
    const float *value = mn_host(x);
    int64_t count = 0;
    for (int64_t i = 0; value != NULL && i < mn_rows_of(x); i++)
        count += value[i] > 0;
    return mn_scale(mn_sum(mn_relu(x)), count > 0 ? 1 / (double)count : 0);
}

static mn_var *largest_of(mn_var *x, mn_range columns)
{
    return mn_row_max(mn_columns(x, columns.first, columns.count));
}

/* eta [max future + m - max own task]+, on the stream's rows and the buffer's. */
static void add_future(mn_learner *learner, mn_var *logits, const mn_batch *old, mn_var *old_logits)
{
    const mn_xder_options *o = mn_options(learner);
    const mn_range future = mn_classes(learner, MN_FUTURE);
    if (future.count == 0 || !o->future)
        return;
    mn_var *stream =
        mn_sub(largest_of(logits, future), largest_of(logits, mn_classes(learner, MN_PRESENT)));
    mn_var *above = mn_shift(stream, o->margin);
    if (old->count > 0) {
        mn_var *buffer = mn_sub(largest_of(old_logits, future),
                                mn_row_max(mn_own_head(learner, old, old_logits)));
        above = mn_concat_rows((mn_var *[]){above, mn_shift(buffer, o->margin)}, 2);
    }
    mn_term(learner, "future", o->eta, mean_of_violations(above));
}

/* eta [max p(past) + m - max p(present)]+ on the stream's rows; only the present is moved.  Where
 * p(present) is near 0 its gradient is, too: what has fallen behind stays there, unless logits take
 * the place of probabilities. */
static void add_past(mn_learner *learner, mn_var *logits)
{
    const mn_xder_options *o = mn_options(learner);
    const mn_range past = mn_classes(learner, MN_PAST), present = mn_classes(learner, MN_PRESENT);
    if (past.count == 0 || !o->past)
        return;
    mn_var *p = mn_columns(logits, 0, end_of(present));
    if (!o->past_logits)
        p = mn_softmax(p);
    mn_var *above = mn_sub(mn_detach(largest_of(p, past)), largest_of(p, present));
    mn_term(learner, "past", o->eta, mean_of_violations(mn_shift(above, o->margin)));
}

/* --- preparing future classes --- */

/* Supervised contrast of the views in every future task's logits. */
static mn_var *contrast(mn_learner *learner, const mn_batch *views, mn_var *logits)
{
    const mn_xder_options *o = mn_options(learner);
    mn_var *sum = NULL;
    const int64_t heads = mn_tasks(learner) - 1 - mn_task(learner);
    for (int64_t task = mn_task(learner) + 1; task < mn_tasks(learner); task++) {
        const mn_range head = mn_classes_of_task(learner, task);
        mn_var *one = mn_supervised_contrastive(mn_columns(logits, head.first, head.count),
                                                views->labels, o->temperature);
        sum = sum == NULL ? one : mn_add(sum, one);
    }
    return mn_scale(sum, 1 / (double)heads);
}

/* |G - H|^2 / n^2 of the likenesses of rows, in logits now and as remembered (Tung and Mori 2019).
 */
static mn_var *unlikeness(mn_var *now, mn_var *then)
{
    mn_var *g = mn_row_normalise(mn_matmul(now, mn_transpose(now)));
    return mn_mse(g, mn_row_normalise(mn_matmul(then, mn_transpose(then))));
}

/* The same in every future task's logits of every view; rows come view by view. */
static mn_var *distance(mn_learner *learner, mn_tape *tape, const mn_batch *old, mn_var *logits,
                        int64_t rows)
{
    const mn_xder_options *o = mn_options(learner);
    mn_var *then = mn_column(tape, old, "logits"), *sum = mn_zeros(tape, MN_SCALAR);
    for (int64_t task = mn_task(learner) + 1; task < mn_tasks(learner); task++) {
        const mn_range head = mn_classes_of_task(learner, task);
        mn_var *remembered = mn_columns(then, head.first, head.count);
        for (int64_t view = 0; view < o->views; view++) {
            mn_var *of_view = mn_rows(logits, view * rows, old->count);
            sum = mn_add(sum, unlikeness(mn_columns(of_view, head.first, head.count), remembered));
        }
    }
    const int64_t heads = mn_tasks(learner) - 1 - mn_task(learner);
    return mn_scale(sum, 1 / (double)(heads * o->views));
}

/* The authors' (their augmentation is that of Chen et al., SimCLR, 2020). */
static const mn_view_spec strong = {
    .area_least = 0.2,
    .area_most = 1,
    .aspect_least = 3.0 / 4,
    .aspect_most = 4.0 / 3,
    .flip = 0.5,
    .jitter = 0.8,
    .brightness = 0.4,
    .contrast = 0.4,
    .saturation = 0.4,
    .hue = 0.1,
    .grey = 0.2,
};

static bool is_below(const mn_batch *batch, int64_t row, void *context)
{
    (void)batch;
    const int64_t *end = context;
    return row < *end;
}

static void add_preparation(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_xder_options *o = mn_options(learner);
    if (mn_classes(learner, MN_FUTURE).count == 0 || (o->lambda <= 0 && o->distance <= 0))
        return;
    int64_t most = o->contrast;
    const mn_batch *old = mn_draw(learner, "contrast", o->contrast);
    const mn_batch *stream = mn_subset(learner, now, is_below, &most, NULL);
    /* The buffer's rows first: they are what remembered distances are of. */
    const mn_batch *rows = old->count > 0 ? mn_join(learner, old, stream) : stream;
    mn_view_spec spec = strong;
    if (rows->image.size[0] == 1)
        spec.flip = 0; /* images without colour are often signs, which a mirror makes wrong */
    const mn_batch *views = mn_views(learner, "contrast", rows, &spec, o->views);
    mn_var *logits = logits_of(learner, tape, views, MN_TRAIN_FROZEN);
    if (o->lambda > 0)
        mn_term(learner, "contrast", o->lambda, contrast(learner, views, logits));
    if (o->distance > 0 && old->count > 1)
        mn_term(learner, "distance", o->distance,
                distance(learner, tape, old, logits, rows->count));
}

/* --- rehearsal --- */

static bool is_chosen(const mn_batch *batch, int64_t row, void *context)
{
    (void)batch;
    const float *const *mark = context;
    return (*mark)[row] > 0;
}

/* Rows in their u-th draw get the network's logits of present and future classes with probability
 * 1/u.  The loss has read the old ones. */
static mn_status refresh_some(mn_learner *learner, mn_tape *tape, const char *name,
                              const mn_batch *old, mn_var *logits)
{
    const mn_xder_options *o = mn_options(learner);
    if (old->count == 0)
        return MN_OK;
    mn_var *visits = mn_shift(mn_column(tape, old, "visits"), 1); /* (B, 1) */
    mn_var *draw = mn_uniform(learner, tape, name, MN_SHAPE(old->count, 1));
    const float *mark;
    MN_TRY(mn_values(mn_shift(mn_scale(mn_mul(draw, visits), -1), 1), &mark));
    const int64_t *places, first = mn_classes(learner, MN_PRESENT).first;
    const int64_t count = mn_classes(learner, MN_ALL).count - first;
    MN_TRY(mn_update_column(learner, old, "visits", visits));
    const mn_batch *some = mn_subset(learner, old, is_chosen, &mark, &places);
    if (some->count == 0)
        return MN_OK;
    return mn_update_column(learner, some, "logits",
                            mn_implant(mn_column(tape, some, "logits"),
                                       mn_gather_rows(logits, places, some->count), some->labels,
                                       first, count, o->gamma, o->reference));
}

static bool is_new(const mn_batch *batch, int64_t row, void *context)
{
    const mn_batch *const *known = context;
    for (int64_t i = 0; i < (*known)->count; i++)
        if ((*known)->slots[i] == batch->slots[row])
            return false;
    return true;
}

/* The mode of forwards that are not to move the running statistics. */
static mn_mode aligned_mode(mn_learner *learner)
{
    const mn_xder_options *o = mn_options(learner);
    return o->align && mn_task(learner) > 0 ? MN_TRAIN_FROZEN : MN_TRAIN;
}

/* The first draw's logits, with statistics in which every task so far has the same share. */
static mn_var *dark_logits_of(mn_learner *learner, mn_tape *tape, const mn_batch *now,
                              const mn_batch *dark)
{
    const mn_xder_options *o = mn_options(learner);
    if (!o->align || mn_task(learner) == 0 || dark->count == 0)
        return logits_of(learner, tape, dark, MN_TRAIN);
    int64_t lent = o->replay / mn_task(learner);
    const mn_batch *both = mn_join(learner, dark, mn_subset(learner, now, is_below, &lent, NULL));
    return mn_rows(logits_of(learner, tape, both, MN_TRAIN), 0, dark->count);
}

/* Two draws, and both without what came twice. */
typedef struct rehearsed {
    const mn_batch *rows;
    mn_var *logits;
} rehearsed;

static mn_status rehearse(mn_learner *learner, mn_tape *tape, const mn_batch *now, rehearsed *both)
{
    const mn_xder_options *o = mn_options(learner);
    const mn_batch *dark = mn_draw(learner, "dark", o->replay);
    mn_var *dark_logits = dark_logits_of(learner, tape, now, dark);
    mn_term(learner, "dark", o->alpha, mn_mse(dark_logits, mn_column(tape, dark, "logits")));

    const mn_batch *labels = mn_draw(learner, "labels", o->replay);
    mn_var *logits = logits_of(learner, tape, labels, aligned_mode(learner));
    const bool first_task = mn_task(learner) == 0;
    const mn_range known = mn_classes(learner, first_task ? MN_PRESENT : MN_PAST);
    mn_term(learner, "replay", o->beta,
            mn_cross_entropy_columns(logits, labels->labels, known.first, known.count));
    if (first_task)
        return MN_OK;

    const int64_t *places;
    const mn_batch *others = mn_subset(learner, labels, is_new, &dark, &places);
    mn_var *other_logits = mn_gather_rows(logits, places, others->count);
    both->rows = mn_join(learner, dark, others);
    both->logits = mn_concat_rows((mn_var *[]){dark_logits, other_logits}, 2);
    MN_TRY(refresh_some(learner, tape, "refresh dark", dark, dark_logits));
    return refresh_some(learner, tape, "refresh labels", others, other_logits);
}

mn_status mn_xder_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    static const mn_batch none;
    const mn_xder_options *o = mn_options(learner);
    const mn_range present = mn_classes(learner, MN_PRESENT);
    const int64_t all = mn_classes(learner, MN_ALL).count;
    mn_var *logits = logits_of(learner, tape, now, aligned_mode(learner));
    mn_term(learner, "stream", 1,
            mn_cross_entropy_columns(logits, now->labels, present.first,
                                     variant_of(learner)->trains_future && !o->present_only
                                         ? all - present.first
                                         : present.count));
    rehearsed both = {&none, NULL};
    if (mn_task(learner) > 0 || o->first_task)
        MN_TRY(rehearse(learner, tape, now, &both));
    add_preparation(learner, tape, now);
    add_future(learner, logits, both.rows, both.logits);
    add_past(learner, logits);
    return MN_OK;
}

/* --- the end of a task --- */

static mn_status make_room(mn_learner *learner, mn_tape *tape, const mn_batch *nothing)
{
    (void)nothing;
    const mn_xder_state *s = mn_state(learner);
    const mn_buffer *buffer = mn_learner_buffer(learner);
    const mn_range past = mn_classes(learner, MN_PAST), present = mn_classes(learner, MN_PRESENT);
    const int64_t room = mn_buffer_capacity(buffer);
    for (int64_t label = 0; label < end_of(present); label++)
        MN_TRY(mn_shrink_class(learner, (int32_t)label,
                               label < past.count ? room / end_of(present) : 0));
    const int64_t left = room - mn_buffer_used(buffer);
    const float *draw;
    MN_TRY(mn_values(mn_uniform(learner, tape, "shares", MN_SHAPE(present.count)), &draw));
    float wanted[MN_MAX_CLASSES] = {0};
    for (int64_t i = 0; i < present.count; i++) {
        int64_t rank = 0; /* the classes of the lowest numbers take what cannot be shared */
        for (int64_t j = 0; j < present.count; j++)
            rank += draw[j] < draw[i] || (j < i && draw[j] <= draw[i]);
        wanted[present.first + i] =
            (float)(left / present.count + (rank < left % present.count ? 1 : 0));
    }
    return mn_tensor_write(s->wanted, wanted, mn_tensor_bytes(s->wanted));
}

static bool is_wanted(const mn_batch *batch, int64_t row, void *context)
{
    float *wanted = (float *)context + batch->labels[row];
    if (*wanted <= 0)
        return false;
    *wanted -= 1;
    return true;
}

static mn_status fill(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_xder_options *o = mn_options(learner);
    const mn_xder_state *s = mn_state(learner);
    const int64_t past = mn_classes(learner, MN_PAST).count, *places;
    float wanted[MN_MAX_CLASSES];
    MN_TRY(mn_tensor_read(s->wanted, wanted, mn_tensor_bytes(s->wanted)));
    const mn_batch *taken = mn_subset(learner, now, is_wanted, wanted, &places);
    if (taken->count == 0)
        return MN_OK;
    mn_var *all = logits_of(learner, tape, now, MN_TRAIN_FROZEN | MN_NO_GRADIENT);
    mn_var *logits = mn_gather_rows(all, places, taken->count);
    logits = mn_implant(logits, logits, taken->labels, 0, past, o->gamma, o->reference);
    MN_TRY(mn_remember(
        learner, taken,
        MN_WITH({"logits", logits}, {"visits", mn_zeros(tape, MN_SHAPE(taken->count, 1))})));
    return mn_tensor_write(s->wanted, wanted, mn_tensor_bytes(s->wanted));
}

static bool is_past(const mn_batch *batch, int64_t row, void *context)
{
    const int64_t *task = context;
    return batch->tasks[row] < *task;
}

static mn_status refresh(mn_learner *learner, mn_tape *tape, const mn_batch *old)
{
    const mn_xder_options *o = mn_options(learner);
    const int64_t first = mn_classes(learner, MN_PRESENT).first, *places;
    const int64_t end = variant_of(learner)->refreshes_future || o->present_only
                            ? mn_classes(learner, MN_ALL).count
                            : end_of(mn_classes(learner, MN_PRESENT));
    int64_t task = mn_task(learner);
    MN_TRY(mn_update_column(learner, old, "visits", mn_zeros(tape, MN_SHAPE(old->count, 1))));
    const mn_batch *past = mn_subset(learner, old, is_past, &task, &places);
    if (past->count == 0)
        return MN_OK;
    mn_var *all = logits_of(learner, tape, old, MN_TRAIN_FROZEN | MN_NO_GRADIENT);
    return mn_update_column(learner, past, "logits",
                            mn_implant(mn_column(tape, past, "logits"),
                                       mn_gather_rows(all, places, past->count), past->labels,
                                       first, end - first, o->gamma, o->reference));
}

const mn_phase mn_xder_phases[] = {
    {.name = "train", .source = MN_FROM_STREAM},
    {.name = "make room", .source = MN_FROM_NOTHING, .visit = make_room},
    {.name = "fill", .source = MN_FROM_STREAM, .visit = fill, .as_trained = true},
    {.name = "refresh", .source = MN_FROM_BUFFER, .visit = refresh, .as_trained = true},
    {.name = NULL},
};
