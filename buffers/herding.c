/* herding.c -- after each task, the images whose mean feature follows the class's mean best.
 *
 * iCaRL's construction and reduction of exemplar sets.  With the C classes seen so far, each has
 * B / C slots, and the first B % C one more, so the buffer's rows are never exceeded; what a small
 * class leaves unused stays free.  The k-th exemplar of a class minimises
 *     || mu - (s + f) / k ||  over the images f not yet chosen,   s the sum of those that are,
 * features and their distances being those of l2-normalised rows.  Multiplied out, that is the
 * smallest ||f||^2 - 2 f.(k mu - s).  Rows are put in order of rank into ascending slots of equal
 * age, so that shrinking a class to its earliest rows keeps the best. */
#include <math.h>
#include <mneme/buffer.h>
#include <mneme/memory.h>
#include <string.h>

/* The images of one class. */
typedef struct herd {
    int64_t count, width;
    int64_t *row;     /* (count) in the selection's rows */
    double *features; /* (width, count): a column an image, so that loops over images are vectors */
    double *score;    /* (count) */
    double *lacking;  /* (width) k mu - s */
    double *mean;     /* (width) mu */
    bool *chosen;     /* (count) */
} herd;

static void herd_free(herd *h)
{
    mn_memory_give(h->row);
    mn_memory_give(h->features);
    mn_memory_give(h->score);
    mn_memory_give(h->lacking);
    mn_memory_give(h->mean);
    mn_memory_give(h->chosen);
    *h = (herd){0};
}

static mn_status herd_take_memory(herd *h, int64_t count, int64_t width)
{
    const size_t n = (size_t)count, d = (size_t)width;
    *h = (herd){.count = count, .width = width};
    h->row = mn_memory_take_zeroed(n, sizeof *h->row);
    h->features = mn_memory_take_zeroed(n, d * sizeof *h->features);
    h->score = mn_memory_take_zeroed(n, sizeof *h->score);
    h->lacking = mn_memory_take_zeroed(d, sizeof *h->lacking);
    h->mean = mn_memory_take_zeroed(d, sizeof *h->mean);
    h->chosen = mn_memory_take_zeroed(n, sizeof *h->chosen);
    if (h->row && h->features && h->score && h->lacking && h->mean && h->chosen)
        return MN_OK;
    herd_free(h);
    return mn_fail(MN_NO_MEMORY, "no memory to herd %lld images by %lld features", (long long)count,
                   (long long)width);
}

static int64_t count_of(const mn_batch *rows, int64_t label)
{
    int64_t n = 0;
    for (int64_t i = 0; i < rows->count; i++)
        n += rows->labels[i] == label;
    return n;
}

/* Normalises the features of a class, one column an image, and takes their mean. */
static mn_status herd_fill(herd *h, const mn_selection *task, int64_t label)
{
    int64_t n = 0;
    for (int64_t i = 0; i < task->rows->count; i++) {
        if (task->rows->labels[i] != label)
            continue;
        const float *feature = task->features + i * h->width;
        double square = 0;
        for (int64_t d = 0; d < h->width; d++)
            square += (double)feature[d] * (double)feature[d];
        if (!isfinite(square))
            return mn_fail(MN_NOT_FINITE,
                           "herding: a feature of image %lld of class %lld is not finite",
                           (long long)n, (long long)label);
        const double scale = square > 0 ? 1 / sqrt(square) : 0;
        for (int64_t d = 0; d < h->width; d++)
            h->features[d * h->count + n] = (double)feature[d] * scale;
        h->row[n++] = i;
    }
    for (int64_t d = 0; d < h->width; d++) {
        for (int64_t i = 0; i < h->count; i++)
            h->mean[d] += h->features[d * h->count + i];
        h->mean[d] /= (double)h->count;
    }
    return MN_OK;
}

/* The best image not yet chosen, given `lacking`; of equals the first. */
static int64_t herd_best(herd *h)
{
    memset(h->score, 0, (size_t)h->count * sizeof *h->score);
    for (int64_t d = 0; d < h->width; d++) {
        const double *restrict f = h->features + d * h->count;
        double *restrict score = h->score;
        const double twice = 2 * h->lacking[d];
        for (int64_t i = 0; i < h->count; i++)
            score[i] += f[i] * (f[i] - twice);
    }
    int64_t best = -1;
    for (int64_t i = 0; i < h->count; i++)
        if (!h->chosen[i] && (best < 0 || h->score[i] < h->score[best]))
            best = i;
    return best;
}

/* Puts the `wanted` best images into the buffer, best first. */
static mn_status herd_put(herd *h, mn_buffer *buffer, const mn_batch *rows, int64_t wanted)
{
    for (int64_t k = 0; k < wanted; k++) {
        for (int64_t d = 0; d < h->width; d++)
            h->lacking[d] += h->mean[d];
        const int64_t best = herd_best(h);
        MN_TRY(mn_buffer_put(buffer, mn_buffer_free_slot(buffer), rows, h->row[best]));
        h->chosen[best] = true;
        for (int64_t d = 0; d < h->width; d++)
            h->lacking[d] -= h->features[d * h->count + best];
    }
    return MN_OK;
}

static mn_status herd_class(mn_buffer *buffer, const mn_selection *task, int64_t label,
                            int64_t quota)
{
    herd h;
    const int64_t count = count_of(task->rows, label);
    const int64_t wanted = count < quota ? count : quota;
    if (wanted == 0)
        return MN_OK;
    MN_TRY(herd_take_memory(&h, count, task->width));
    mn_status status = herd_fill(&h, task, label);
    if (status == MN_OK)
        status = herd_put(&h, buffer, task->rows, wanted);
    herd_free(&h);
    return status;
}

static mn_status herd_task(mn_buffer *buffer, const void *options, const mn_selection *task,
                           mn_key key)
{
    (void)options;
    (void)key;
    const int64_t end = task->first_class + task->classes;
    const int64_t share = mn_buffer_capacity(buffer) / end, rest = mn_buffer_capacity(buffer) % end;
    for (int64_t label = task->first_class; label < end; label++)
        if (mn_buffer_count_label(buffer, (int32_t)label) > 0)
            return mn_fail(MN_UNSUPPORTED,
                           "herding: class %lld comes in more than one task; use balanced or "
                           "reservoir on such a stream",
                           (long long)label);
    for (int64_t label = 0; label < task->first_class; label++)
        MN_TRY(mn_buffer_shrink_label(buffer, (int32_t)label, share + (label < rest ? 1 : 0)));
    for (int64_t label = task->first_class; label < end; label++)
        MN_TRY(herd_class(buffer, task, label, share + (label < rest ? 1 : 0)));
    return MN_OK;
}

MN_POLICY(herding) = {
    MN_POLICY_HEADER,
    .name = "herding",
    .summary = "After each task, the images whose mean feature is nearest to their class's.",
    .cite = "Rebuffi et al., iCaRL: incremental classifier and representation learning, CVPR 2017, "
            "algorithms 4 and 5",
    .wants = MN_WANTS_FEATURES,
    .select = herd_task,
};
