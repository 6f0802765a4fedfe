/* gss.c -- gradient-based sample selection, greedy: keep images whose gradients point elsewhere.
 *
 * The score c of an image is the largest cosine of its gradient and those of some rows of the
 * buffer, plus 1, when it comes.  While there are free slots it takes one.  Then, only where c < 1,
 * a row i is drawn with probability C_i / sum C, and the image takes its slot with probability
 * C_i / (C_i + c).  (The authors' own code and the DER authors' let only batches in whose mean
 * gradient has c < 1; the paper's algorithm, which this is, judges image by image.) */
#include <mneme/buffer.h>

typedef struct gss_options {
    int64_t compared;
} gss_options;

static const mn_option options[] = {
    MN_INT(gss_options, compared, 10, 1, 4096,
           "rows of the buffer whose gradients those of a batch on offer are compared with"),
    MN_END,
};

/* A slot, each with probability C_i / sum C. */
static int64_t draw_by_score(const mn_buffer *buffer, double where)
{
    const int64_t rows = mn_buffer_used(buffer);
    double sum = 0;
    for (int64_t slot = 0; slot < rows; slot++)
        sum += mn_buffer_score(buffer, slot);
    for (int64_t slot = 0; slot < rows - 1; slot++) {
        where -= mn_buffer_score(buffer, slot) / sum;
        if (where < 0)
            return slot;
    }
    return rows - 1;
}

static int64_t place(const mn_buffer *buffer, const void *own, const mn_candidate *candidate,
                     mn_key key)
{
    (void)own;
    const int64_t free_slot = mn_buffer_free_slot(buffer);
    if (free_slot >= 0)
        return free_slot;
    if (!(candidate->score < 1))
        return MN_NO_SLOT;
    const int64_t slot = draw_by_score(buffer, mn_random_uniform(key, 0));
    const double kept = mn_buffer_score(buffer, slot);
    return mn_random_uniform(key, 1) * (kept + candidate->score) < kept ? slot : MN_NO_SLOT;
}

static int64_t compared(const void *own)
{
    const gss_options *o = own;
    return o->compared;
}

MN_POLICY(gss) = {
    MN_POLICY_HEADER,
    .name = "gss",
    .summary = "Images whose gradients are unlike those of the images kept (greedy gradient-based "
               "sample selection).",
    .cite = "Aljundi et al., Gradient based sample selection for online continual learning, "
            "NeurIPS 2019, algorithm 2",
    .options = options,
    .options_size = sizeof(gss_options),
    .wants = MN_WANTS_SIMILARITY,
    .place = place,
    .compared = compared,
};
