/* loss_aware.c -- a reservoir that gives up rows of low loss, and of large classes.
 *
 * Whether an image comes in is the reservoir's decision.  Which row it replaces is drawn by score:
 *     S_i = n_i - a loss_i,   a = sum n / sum loss,
 * n_i the rows of the class of row i, loss_i its cross-entropy when it was last trained on.  The
 * paper draws with probability S_i / sum S, but with this a that sum is 0; as in its code, scores
 * are moved so that the smallest is 0.  The row with the highest loss in the smallest class is then
 * never given up. */
#include <mneme/buffer.h>

typedef struct loss_aware_options {
    bool balanced;
} loss_aware_options;

static const mn_option options[] = {
    MN_BOOL(
        loss_aware_options, balanced, true,
        "also prefer to give up rows of large classes; else the loss alone decides (the authors' "
        "code besides divides the losses by the square of the mean class size, after which "
        "little but the classes' sizes decides)"),
    MN_END,
};

typedef struct weighing {
    double of_loss; /* a; 1 where classes do not count */
    bool balanced;
} weighing;

static double score_of(const mn_buffer *buffer, const weighing *w, int64_t slot)
{
    const double size =
        w->balanced ? (double)mn_buffer_count_label(buffer, mn_buffer_label(buffer, slot)) : 0;
    return size - w->of_loss * mn_buffer_score(buffer, slot);
}

static weighing weigh(const mn_buffer *buffer, bool balanced)
{
    double sizes = 0, losses = 0;
    for (int64_t slot = 0; slot < mn_buffer_used(buffer); slot++) {
        sizes += (double)mn_buffer_count_label(buffer, mn_buffer_label(buffer, slot));
        losses += mn_buffer_score(buffer, slot);
    }
    return (weighing){balanced ? (losses > 0 ? sizes / losses : 0) : 1, balanced};
}

/* A slot, each with its score's share; uniformly where all scores are equal. */
static int64_t draw_by_score(const mn_buffer *buffer, const weighing *w, double where)
{
    const int64_t rows = mn_buffer_used(buffer);
    double sum = 0, least = score_of(buffer, w, 0);
    for (int64_t slot = 0; slot < rows; slot++) {
        const double score = score_of(buffer, w, slot);
        sum += score;
        least = score < least ? score : least;
    }
    sum -= (double)rows * least;
    if (!(sum > 0))
        return (int64_t)(where * (double)rows);
    for (int64_t slot = 0; slot < rows - 1; slot++) {
        where -= (score_of(buffer, w, slot) - least) / sum;
        if (where < 0)
            return slot;
    }
    return rows - 1;
}

static int64_t place(const mn_buffer *buffer, const void *own, const mn_candidate *candidate,
                     mn_key key)
{
    const loss_aware_options *o = own;
    const int64_t free_slot = mn_buffer_free_slot(buffer);
    if (free_slot >= 0)
        return free_slot;
    if (mn_random_below(key, 0, candidate->seen + 1) >= mn_buffer_capacity(buffer))
        return MN_NO_SLOT;
    const weighing w = weigh(buffer, o->balanced);
    return draw_by_score(buffer, &w, mn_random_uniform(key, 1));
}

MN_POLICY(loss_aware) = {
    MN_POLICY_HEADER,
    .name = "loss-aware",
    .summary = "A reservoir that prefers to give up images of low loss and of large classes.",
    .cite = "Buzzega et al., Rethinking experience replay: a bag of tricks for continual learning, "
            "ICPR 2020",
    .options = options,
    .options_size = sizeof(loss_aware_options),
    .wants = MN_WANTS_LOSSES,
    .place = place,
};
