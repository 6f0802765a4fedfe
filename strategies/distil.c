/* distil.c -- learns from networks that are given: what they answer about all images, beside the
 * labels of those that have one.
 *
 *     L = ce CE(f(x), y) + kd T^2 mean_k KL(softmax(z_k(x) / T) || softmax(f(x) / T))
 *
 * The first term is over the labelled images of a step, those of the batch or so many of each class
 * that are drawn beside it; the second over all images, z_k(x) the logits of the k-th teacher (the
 * option `teacher` of the run).  Without a teacher there is the first term alone.  The gradient of
 * the mean over teachers is that of their mean answer (an ensemble).
 *
 * Features are distilled by crd beside it: distil+crd.
 */
#include "strategies/shared/labelled.h"

typedef struct distil_options {
    double ce, kd, temperature;
    int64_t labelled;
} distil_options;

static const mn_option options[] = {
    MN_REAL(distil_options, ce, 1, 0, 1000, "weight of the cross-entropy with labels"),
    MN_REAL(distil_options, kd, 1, 0, 1000, "weight of the teachers' logits (Hinton et al. 2015)"),
    MN_REAL(distil_options, temperature, 4, 0.01, 1000, "T of the teachers' logits"),
    MN_INT(
        distil_options, labelled, 0, 0, 4096,
        "labelled images of each class that are drawn in each step for the cross-entropy; 0: the "
        "labelled ones of the batch"),
    MN_END,
};

static mn_status open(mn_learner *learner)
{
    const distil_options *o = mn_options(learner);
    return mn_check_labelled(learner, o->labelled);
}

static bool is_labelled(const mn_batch *batch, int64_t row, void *context)
{
    (void)context;
    return batch->labels[row] >= 0;
}

static void add_cross_entropy(mn_learner *learner, const mn_out *out)
{
    const distil_options *o = mn_options(learner);
    const int64_t *places;
    /* Where no row has a label the loss of none is 0. */
    const mn_batch *rows = mn_subset(learner, out->batch, is_labelled, NULL, &places);
    mn_term(learner, "labels", o->ce,
            mn_cross_entropy(mn_gather_rows(out->logits, places, rows->count), rows->labels));
}

static void add_teachers(mn_learner *learner, const mn_out *out)
{
    const distil_options *o = mn_options(learner);
    const int teachers = mn_teachers(learner);
    mn_var *sum = NULL;
    for (int i = 0; i < teachers; i++) {
        mn_var *target = mn_target(learner, mn_teacher(learner, i), out->batch, "logits");
        mn_var *loss = mn_kl(out->logits, target, o->temperature);
        sum = sum == NULL ? loss : mn_add(sum, loss);
    }
    if (sum != NULL)
        mn_term(learner, "teacher", o->kd / teachers, sum);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const distil_options *o = mn_options(learner);
    const bool drawn = o->labelled > 0;
    const mn_out *out = mn_forward(learner, now, MN_TRAIN);
    if (o->kd > 0)
        add_teachers(learner, out);
    if (drawn)
        out = mn_forward(learner, mn_draw_labelled_per_class(learner, "labelled", o->labelled),
                         MN_TRAIN);
    if (o->ce > 0)
        add_cross_entropy(learner, out);
    return MN_OK;
}

static const char *const differs[] = {
    "CRD's authors label every image, and weigh cross-entropy and logits by 0.1 and 0.9 where they "
    "distil logits alone.",
    NULL,
};

MN_STRATEGY(distil) = {
    MN_STRATEGY_HEADER,
    .name = "distil",
    .summary = "Learns from given networks' answers about all images, and from labels of some.",
    .cite = "Hinton et al., Distilling the Knowledge in a Neural Network, 2015",
    .options = options,
    .options_size = sizeof(distil_options),
    .needs = MN_USES_UNLABELLED,
    .open = open,
    .loss = loss,
    .differs = differs,
};
