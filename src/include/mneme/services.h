/* services.h -- what a strategy's functions ask of the run: what stands now, terms of the loss, rows
 * of stream and buffer.  keep.h has networks, optimisers and state that is kept, forward.h what
 * networks make of batches, draw.h random numbers.
 *
 * All of them are for the strategy that is being called: names, options and random numbers are its
 * own, and an add-on's never meet those of its base.
 */
#ifndef MNEME_SERVICES_H
#define MNEME_SERVICES_H

#include <mneme/buffer.h>
#include <mneme/draw.h>
#include <mneme/early_stopping.h>
#include <mneme/forward.h>
#include <mneme/linear_algebra.h>
#include <mneme/losses.h>
#include <mneme/views.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- asking ----------------------------------------------------------------------------------- */
MN_API const void *mn_options(const mn_learner *learner); /* the calling strategy's own */
MN_API void *mn_state(mn_learner *learner);               /* derived values only; rebuilt by open */
MN_API int64_t mn_task(const mn_learner *learner);        /* current task, 0-based */
MN_API int64_t mn_tasks(const mn_learner *learner);
MN_API int64_t mn_epoch(const mn_learner *learner);       /* of the phase */
MN_API double mn_phase_done(const mn_learner *learner);   /* of its steps: from 0 to below 1 */
MN_API int64_t mn_batch_size(const mn_learner *learner);  /* rows of a full stream batch */
/* Training images of a task, labelled or not, also in open.  MN_NO_TASK: all of the data set, and
 * every place in it, mn_batch.indices, is below that: the rows of a memory of all of them. */
MN_API int64_t mn_train_images(const mn_learner *learner, int64_t task);
MN_API int64_t mn_step(const mn_learner *learner);        /* steps since the run began */
/* Of the update; in visit and in open that of the run's optimiser as configured. */
MN_API double mn_learning_rate(const mn_learner *learner);
/* In a loss: the rate of this update's step, in place of the schedule's. */
MN_API void mn_set_learning_rate(mn_learner *learner, double learning_rate);
/* The buffer as a policy sees it: capacity, rows in use, ...; NULL without a buffer. */
MN_API const mn_buffer *mn_learner_buffer(const mn_learner *learner);

typedef struct mn_range {
    int64_t first, count;
} mn_range;
typedef enum mn_when { MN_PAST, MN_PRESENT, MN_FUTURE, MN_SEEN, MN_ALL } mn_when;
/* Classes by arrival; contiguous in class-incremental streams.  In domain-incremental ones every
 * class is present in each task. */
MN_API mn_range mn_classes(const mn_learner *learner, mn_when when);
MN_API mn_range mn_classes_of_task(const mn_learner *learner, int64_t task);
/* In a base's open: its softmax over labels is over these alone; all, unless it says so. */
MN_API void mn_train_classes(mn_learner *learner, mn_when when);
/* Those of the base, now: an add-on that looks at its answers looks at these. */
MN_API mn_range mn_trained_classes(const mn_learner *learner);

/* --- losses ----------------------------------------------------------------------------------- */
/* Adds weight * value (a scalar) to the loss and logs it under `name`, an add-on's under
 * "addon/name". */
MN_API void mn_term(mn_learner *learner, const char *name, double weight, mn_var *value);
/* Runs backward for the terms added so far and frees their activations.  Call it when later terms
 * use no forward made before this call.  Logits and features of the earlier forwards stay readable.
 * (If an add-on has terms of those forwards, all backwards run at the end instead.) */
MN_API void mn_backward_now(mn_learner *learner);
/* A scalar that is a sum over the batch's rows, made on the tape. */
typedef mn_var *mn_row_sum_of(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
/* In a phase's visit: adds the sum over rows of the squares of each row's own gradient of `sum`, by
 * the shared network's parameters, to `squares` (Fisher information), in one backward where the
 * network's ops keep rows apart and else row by row.  The tape may be reset: read vars before. */
MN_API mn_status mn_add_squared_gradients(mn_learner *learner, const mn_batch *batch,
                                          mn_row_sum_of *sum, mn_tensor *squares);
/* The same rows un-augmented, as evaluation sees them.  Columns do not travel. */
MN_API const mn_batch *mn_plain(mn_learner *learner, const mn_batch *batch);
/* The rows of two batches as one: one forward, shared batch statistics.  Columns do not travel. */
MN_API const mn_batch *mn_join(mn_learner *learner, const mn_batch *a, const mn_batch *b);
/* The rows that `wanted` answers true for, with their columns; *places: where each stood in the
 * batch (mn_gather_rows takes them), NULL when not asked for. */
typedef bool mn_row_wanted(const mn_batch *batch, int64_t row, void *context);
MN_API const mn_batch *mn_subset(mn_learner *learner, const mn_batch *batch, mn_row_wanted *wanted,
                                 void *context, const int64_t **places);
/* `views` random views of every row (views.h), from its un-augmented pixels: first one of each row,
 * then another of each.  Keyed by strategy, `name`, step, row and view.  Where they have another
 * size than the images, so has the batch, and its pixels are those of the view. */
MN_API const mn_batch *mn_views(mn_learner *learner, const char *name, const mn_batch *batch,
                                const mn_view_spec *spec, int64_t views);
/* The full and the small views that the benchmark's section `views` describes. */
MN_API mn_view_spec mn_full_views(const mn_learner *learner);
MN_API mn_view_spec mn_small_views(const mn_learner *learner);
/* In open: MN_BAD_OPTION unless the images have such views, and the shared network takes them. */
MN_API mn_status mn_check_views(mn_learner *learner, const mn_view_spec *spec);
/* The logits (B, classes), with 1e9 taken off those of all classes but the ones of each row's own
 * task: mn_row_max() of it is the largest of the row's own head. */
MN_API mn_var *mn_own_head(mn_learner *learner, const mn_batch *batch, mn_var *logits);

/* --- images that a network makes -------------------------------------------------------------- */
/* A batch's own pixels / 255, un-augmented: (B, pixels of an image).  What a generator learns. */
MN_API mn_var *mn_pixels(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
/* Images (B, pixels of an image) in [0,1] as a batch of rows that come from nowhere, normalised but
 * not augmented, through which no gradient flows back.  Each is labelled by the largest of
 * `labeller`'s logits among `classes`, in evaluation mode; NULL: MN_UNLABELLED. */
MN_API const mn_batch *mn_plain_images(mn_learner *learner, mn_var *images, mn_network *labeller,
                                       mn_range classes);
/* Images (B, image...), normalised as training's are, as a batch of rows from memory: brought to
 * the nearest bytes, so cut off at black and white, and freshly augmented as training's are. */
MN_API const mn_batch *mn_augmented_images(mn_learner *learner, const char *name, mn_var *images,
                                           const int32_t *labels);
/* Keeps the pixels of a batch in the run file, as what is remembered of each row's class at this
 * task; `mneme show --samples` draws them.  Those kept earlier in the task are replaced. */
MN_API mn_status mn_keep_samples(mn_learner *learner, const mn_batch *batch);
/* A number for the run file's table `scalar`, at this step, under the strategy's name. */
MN_API mn_status mn_note(mn_learner *learner, const char *name, double value);

/* --- the buffer ------------------------------------------------------------------------------- */
/* In open: rows carry a column of `width` floats; 0 means as wide as the logits. */
MN_API mn_status mn_keep_column(mn_learner *learner, const char *name, int64_t width);
/* In open, of a strategy with MN_FILLS_BUFFER: the buffer's rows are `shape` floats, features or codes,
 * in place of images.  It writes them with mn_put(); x of a batch drawn from them is what it wrote. */
MN_API mn_status mn_keep_rows(mn_learner *learner, mn_shape shape);
/* In open: the buffer must have room for so many rows, one for each `of` ("class"); a run whose
 * buffer is smaller is refused before it trains. */
MN_API void mn_require_rows(mn_learner *learner, int64_t rows, const char *of);
/* min(wanted, used) rows, uniformly without replacement, freshly augmented.  The name keys the
 * random numbers: two draws of one step differ by name.  Never NULL; count 0 after an error or
 * while the buffer is empty. */
MN_API const mn_batch *mn_draw(mn_learner *learner, const char *name, int64_t wanted);
/* The same of the rows that came in one task. */
MN_API const mn_batch *mn_draw_of_task(mn_learner *learner, const char *name, int64_t task,
                                       int64_t wanted);
/* min(wanted, labelled) rows of the current task's training data, un-augmented, as stream rows:
 * they may be remembered. */
MN_API const mn_batch *mn_draw_stream(mn_learner *learner, const char *name, int64_t wanted);
/* The same of one class; none where the task has none of it. */
MN_API const mn_batch *mn_draw_stream_of_class(mn_learner *learner, const char *name, int64_t label,
                                               int64_t wanted);
/* `wanted` rows of every class in the buffer, repeated where a class has fewer. */
MN_API const mn_batch *mn_draw_per_class(mn_learner *learner, const char *name, int64_t wanted);
/* `wanted` labelled rows of every class seen: of the current task's training data and, of earlier
 * tasks, the buffer; repeated where a class has fewer, none where it has none.  Freshly augmented;
 * in order of class, the stream's before the buffer's. */
MN_API const mn_batch *mn_draw_labelled_per_class(mn_learner *learner, const char *name,
                                                  int64_t wanted);
/* In open: MN_BAD_OPTION if some class of the stream has fewer labelled images than `wanted`. */
MN_API mn_status mn_check_labelled(mn_learner *learner, int64_t wanted);
/* In open: MN_FROM_BOTH leaves out this fraction of the buffer's rows, of each class its share, drawn
 * anew for each task, and as many images of each class of the task as of a buffered one on average;
 * or, as_many, as many of the whole task as of the whole buffer. */
MN_API void mn_hold_out(mn_learner *learner, double fraction);
MN_API void mn_hold_out_as_many(mn_learner *learner, double fraction);
/* A remembered column of a drawn batch, (B, width), as a constant. */
MN_API mn_var *mn_column(mn_tape *tape, const mn_batch *batch, const char *name);

typedef struct mn_column_value {
    const char *name;
    mn_var *value; /* (B, width) */
} mn_column_value;
/* Offers the stream rows of a batch to the buffer, unless another strategy fills it, with named
 * columns: mn_remember(l, batch, MN_WITH({"logits", out->logits})), or MN_WITHOUT. */
MN_API mn_status mn_remember(mn_learner *learner, const mn_batch *batch,
                             const mn_column_value *columns, int n);
#define MN_WITHOUT NULL, 0
#ifdef __cplusplus
extern "C++" {
template <size_t n>
mn_status mn_remember(mn_learner *learner, const mn_batch *batch,
                      const mn_column_value (&columns)[n])
{
    return mn_remember(learner, batch, columns, (int)n);
}
}
#define MN_WITH(...) {__VA_ARGS__}
#else
#define MN_WITH(...)                                                                               \
    (const mn_column_value[]){__VA_ARGS__},                                                        \
        (int)(sizeof((const mn_column_value[]){__VA_ARGS__}) / sizeof(mn_column_value))
#endif
/* Writes rows of the strategy's own making into the buffer, past its policy: images (B, image...),
 * normalised as training's are, which become bytes unless the buffer keeps floats (buffer_values); or
 * (B, shape...) of mn_keep_rows().  labels: (B), MN_UNLABELLED among them; columns: all that the buffer
 * keeps, but what others say (mn_strategy.column).  Row i goes to slots[i], whose row is gone then; where
 * that is MN_NO_SLOT, or `slots` NULL, to the lowest free one.  MN_OUT_OF_ORDER: too few; none written. */
MN_API mn_status mn_put(mn_learner *learner, mn_var *rows, const int32_t *labels,
                        const int64_t *slots, const mn_column_value *columns, int n);
#ifdef __cplusplus
extern "C++" {
template <size_t n>
mn_status mn_put(mn_learner *learner, mn_var *rows, const int32_t *labels, const int64_t *slots,
                 const mn_column_value (&columns)[n])
{
    return mn_put(learner, rows, labels, slots, columns, (int)n);
}
}
#endif
/* Keeps the `keep` earliest rows of a class in the buffer. */
MN_API mn_status mn_shrink_class(mn_learner *learner, int32_t label, int64_t keep);
/* Rewrites a column of the slots that `batch` was drawn from. */
MN_API mn_status mn_update_column(mn_learner *learner, const mn_batch *batch, const char *name,
                                  mn_var *value);

#ifdef __cplusplus
}
#endif
#endif
