/* buffer.h -- policies of the rehearsal buffer: which exemplars to keep, which to give up.
 *
 * Storage and policy are apart.  Storage holds rows of {label, task, when seen, image, named
 * columns} and does all copying; a policy only answers with slot numbers and sees no pixels.
 */
#ifndef MNEME_BUFFER_H
#define MNEME_BUFFER_H

#include <mneme/data.h>
#include <mneme/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_buffer mn_buffer;

/* An image on offer. */
typedef struct mn_candidate {
    int32_t label; /* by arrival, or MN_UNLABELLED */
    int32_t task;
    int64_t seen;       /* images offered before this one, over the whole run */
    int64_t class_seen; /* of them with this label */
    double score;       /* what the policy wants to know of it; else 0 */
} mn_candidate;

/* The data of a finished task, for a policy that selects instead of sampling. */
typedef struct mn_selection {
    const mn_batch *rows;   /* all labelled training rows of the task, un-augmented */
    const float *features;  /* (count, width), in evaluation mode; NULL unless wanted */
    int64_t width;
    int64_t first_class, classes; /* of the task */
} mn_selection;

enum {
    MN_WANTS_FEATURES = 1 << 0,
    MN_SELECTS_BY_TASK = 1 << 1, /* else by class, each of which must come in one task alone */
    /* A score of every row, at most one of the two; it is kept with the row. */
    MN_WANTS_LOSSES = 1 << 2, /* its cross-entropy, refreshed whenever the row is trained on */
    /* The largest cosine of its gradient and those of some rows of the buffer, plus 1; 0.1 while the
     * buffer is empty. */
    MN_WANTS_SIMILARITY = 1 << 3,
    MN_FILLS_ONCE = 1 << 4, /* a class that has its share takes no more: it must come in one task */
};

typedef struct mn_policy {
    uint32_t abi, size;
    const char *name, *summary, *cite;
    const mn_option *options;
    size_t options_size;
    uint64_t wants;
    /* The slot for a candidate: a free one, an occupied one (overwritten), or MN_NO_SLOT to let it
     * go.  NULL: the policy selects at the end of each task.  `key` is the candidate's own. */
    int64_t (*place)(const mn_buffer *buffer, const void *options, const mn_candidate *candidate,
                     mn_key key);
    /* Called at the end of each task; NULL: nothing happens there. */
    mn_status (*select)(mn_buffer *buffer, const void *options, const mn_selection *task,
                        mn_key key);
    /* MN_WANTS_SIMILARITY: how many rows of the buffer a batch on offer is compared with. */
    int64_t (*compared)(const void *options);
} mn_policy;

#define MN_POLICY_HEADER .abi = MN_POLICY_ABI, .size = sizeof(mn_policy)
#define MN_POLICY(id) MN_DEFINE(mn_policy, MN_KIND_POLICY, mn_policy_##id)

/* --- what a policy may ask and do ------------------------------------------------------------- */
MN_API int64_t mn_buffer_capacity(const mn_buffer *buffer);
MN_API int64_t mn_buffer_used(const mn_buffer *buffer);     /* occupied slots */
MN_API int64_t mn_buffer_classes(const mn_buffer *buffer);  /* classes of the whole stream */
MN_API int64_t mn_buffer_seen(const mn_buffer *buffer);     /* images offered so far */
MN_API int64_t mn_buffer_count_label(const mn_buffer *buffer, int32_t label); /* slots holding it */
MN_API int64_t mn_buffer_free_slot(const mn_buffer *buffer); /* the lowest; MN_NO_SLOT: full */
/* The i-th slot, in order of slot number, that holds `label`; MN_NO_SLOT past the end. */
MN_API int64_t mn_buffer_slot_of_label(const mn_buffer *buffer, int32_t label, int64_t i);
/* MN_UNLABELLED also of a free slot. */
MN_API int32_t mn_buffer_label(const mn_buffer *buffer, int64_t slot);
/* Of a row, where the policy wants one; else 0. */
MN_API double mn_buffer_score(const mn_buffer *buffer, int64_t slot);
/* Keeps the `keep` earliest rows of a class, or of a task, and frees the others' slots. */
MN_API mn_status mn_buffer_shrink_label(mn_buffer *buffer, int32_t label, int64_t keep);
MN_API mn_status mn_buffer_shrink_task(mn_buffer *buffer, int32_t task, int64_t keep);
/* Puts row `row` of `rows`, with its columns, into `slot`. */
MN_API mn_status mn_buffer_put(mn_buffer *buffer, int64_t slot, const mn_batch *rows, int64_t row);

#ifdef __cplusplus
}
#endif
#endif
