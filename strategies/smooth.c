/* smooth.c -- label smoothing: a share of each label goes to the other classes, in equal parts.
 *
 *     L = the base's loss + s mean_i (o_iy - mean_{k != y} o_ik),  o the logits
 *
 * which makes a cross-entropy that weighs 1 that against (1 - s) at the label and s / (C - 1) at
 * the others, as normalisers cancel.  C are the classes that the base's cross-entropy is over, i
 * the rows of the step that have a label, those from memory among them.
 */
#include "strategies/shared/labelled.h"

typedef struct smooth_options {
    double share;
} smooth_options;

static const mn_option options[] = {
    MN_REAL(smooth_options, share, 0.1, 0, 1, "s: of a label that goes to the other classes"),
    MN_END,
};

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    const smooth_options *o = mn_options(learner);
    mn_labelled rows = {.count = 0};
    for (int i = 0; i < n; i++) {
        const int64_t *places;
        int64_t added;
        mn_labelled_add(learner, tape, published[i], 0, &rows, &places, &added);
    }
    if (rows.count == 0)
        return MN_OK;
    MN_TRY(mn_labelled_check(learner, "smooth"));
    const double others = (double)(mn_shape_of(rows.logits).size[1] - 1);
    /* o_y - (sum_k o_k - o_y) / (C - 1) */
    mn_var *own = mn_row_sum(mn_mul(rows.targets, rows.logits));
    mn_var *apart = mn_axpby(1 + 1 / others, own, -1 / others, mn_row_sum(rows.logits));
    mn_term(learner, "smooth", o->share, mn_mean(apart));
    return MN_OK;
}

MN_STRATEGY(smooth) = {
    MN_STRATEGY_HEADER,
    .name = "smooth",
    .summary = "Label smoothing: a share of each label goes to the other classes (add-on).",
    .cite = "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016",
    .options = options,
    .options_size = sizeof(smooth_options),
    .term = term,
};
