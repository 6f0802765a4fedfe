/* zipf.c -- Zipf's label smoothing: what is left for the other classes falls as 1 / rank, in the
 * order in which the positions of the last map vote for them.
 *
 *     L = the base's loss + lambda mean_i KL(p_i || q_i)
 *     q_ik = softmax of o_ik over k != y,   p_ik = r_ik^-a / sum_{j != y} r_ij^-a
 *     r_ik = 1 + #{j : n_ij > n_ik},        n_ik = #{positions u : argmax_j (W F_iu + b)_j = k}
 *
 * o are the logits, F the map before pooling, W and b the classifier.  Classes without a vote share
 * a rank; the label is ranked with the others, then left out, and its rank stays empty.  Votes,
 * ranks and q are among the classes that the base's cross-entropy is over, i are the rows of the
 * step that have a label among them.  No gradient flows through p.
 *
 * W F + b is upsampled in place of F: bilinear weights add up to 1, so that it is the same.
 */
#include "strategies/shared/labelled.h"

#include <mneme/image_ops.h>

typedef struct zipf_options {
    double lambda, exponent, decay, smallest;
    int64_t shape;
    bool upsample, mask, replayed;
} zipf_options;

enum { ZIPF, CONSTANT, LINEAR, EXPONENTIAL, SHUFFLED, UNIFORM, GAUSSIAN, PARETO };
static const char *const shapes[] = {"zipf",    "constant", "linear", "exponential", "shuffled",
                                     "uniform", "gaussian", "pareto", NULL};

static const mn_option options[] = {
    MN_REAL(zipf_options, lambda, 0.1, 0, 1000, "weight of the other classes' law"),
    MN_CHOICE(zipf_options, shape, ZIPF, shapes,
              "of the target: by rank, 1 / rank^exponent, the same for all, linear, or "
              "exp(-decay rank); 1 / rank^exponent in an order drawn at random; or drawn numbers, "
              "uniform, |normal|, or Pareto's"),
    MN_REAL(zipf_options, exponent, 1, 0, 100, "a of shapes zipf and shuffled"),
    MN_REAL(zipf_options, decay, 1, 0, 100, "of shape exponential"),
    MN_REAL(zipf_options, smallest, 0, 0, 1,
            "of shape linear: the last rank's share, if it is at most 1 / classes"),
    MN_BOOL(zipf_options, upsample, true, "the map votes at twice its size, bilinear"),
    MN_BOOL(zipf_options, mask, false, "only rows whose largest logit is their label's"),
    MN_BOOL(zipf_options, replayed, true, "rows from memory, too, not the stream's alone"),
    MN_END,
};

static const char *const differs[] = {
    "The authors' MegEngine code has votes and a cross-entropy of two earlier maps besides; "
    "here, as in their PyTorch code by default, the last map votes alone.",
    "Ranking by the nearest neighbour in the batch (\"friend\") is not here.",
    NULL,
};

/* The map must have a channel for each feature that the classifier takes. */
static void look(mn_learner *learner, const mn_out *out)
{
    mn_var *map = mn_map_of_role(out, MN_MAP_BEFORE_POOLING, 0).value;
    const mn_network *network = mn_learner_network(learner);
    const int64_t features = mn_network_features(network);
    if (mn_tape_status(mn_tape_of(map)) == MN_OK && mn_shape_of(map).size[1] != features)
        (void)mn_tape_refuse(mn_tape_of(map), "zipf",
                             mn_fail(MN_UNSUPPORTED,
                                     "the classifier of '%s' takes %lld features and its last map "
                                     "has %lld channels, so positions cannot vote; use a network "
                                     "that ends in the mean over positions",
                                     mn_network_spec_of(network)->type, (long long)features,
                                     (long long)mn_shape_of(map).size[1]));
}

static mn_status open(mn_learner *learner)
{
    const mn_network *network = mn_learner_network(learner);
    if (mn_network_head(network, MN_WEIGHT) >= 0 && mn_network_head(network, MN_NORM_SCALE) < 0)
        return mn_try_forward(learner, look);
    return mn_fail(MN_UNSUPPORTED,
                   "the classifier of '%s' is not one linear layer, by which the positions of "
                   "a map could vote; use network.head=linear",
                   mn_network_spec_of(network)->type);
}

/* W F + b at each position of the map, among `classes`: (B, C, H, W), constant. */
static mn_var *local_logits(mn_learner *learner, mn_tape *tape, const mn_out *out)
{
    const mn_range classes = mn_trained_classes(learner);
    const mn_network *network = mn_learner_network(learner);
    const int weight = mn_network_head(network, MN_WEIGHT),
              bias = mn_network_head(network, MN_BIAS);
    mn_var *map = mn_detach(mn_map_of_role(out, MN_MAP_BEFORE_POOLING, 0).value);
    mn_var *w = mn_const(tape, mn_network_parameter(network, weight)->value);
    mn_var *b = bias < 0 ? NULL
                         : mn_slice(mn_const(tape, mn_network_parameter(network, bias)->value), 0,
                                    classes.first, classes.count);
    return mn_conv2d(map,
                     mn_reshape(mn_rows(w, classes.first, classes.count),
                                MN_SHAPE(classes.count, mn_network_features(network), 1, 1)),
                     b, 1, 0, 1);
}

/* How many positions vote for each class: (B, C). */
static mn_var *votes(mn_learner *learner, mn_tape *tape, const mn_out *out)
{
    const zipf_options *o = mn_options(learner);
    mn_var *local = local_logits(learner, tape, out);
    if (o->upsample)
        local = mn_upsample_bilinear(local, 2 * mn_shape_of(local).size[2],
                                     2 * mn_shape_of(local).size[3], false);
    const mn_shape shape = mn_shape_of(local);
    const int64_t images = shape.size[0], classes = shape.size[1];
    const int64_t positions = shape.size[2] * shape.size[3];
    mn_var *rows = mn_reshape(mn_permute(local, (const int[]){0, 2, 3, 1}),
                              MN_SHAPE(images * positions, classes));
    return mn_histogram_rows(mn_reshape(mn_row_argmax(rows), MN_SHAPE(images, positions)), classes);
}

/* log(1 - (1 - s) (r - 1) / (C - 1)) up to a constant, where the C shares fall evenly to
 * `smallest`. */
static mn_var *log_linear(const zipf_options *o, mn_var *ranks)
{
    const double classes = (double)mn_shape_of(ranks).size[1];
    const double least = o->smallest < 1 / classes ? o->smallest : 1 / classes;
    const double gap = 2 * (1 - classes * least) / ((classes - 1) * classes);
    return mn_log(mn_clamp(mn_shift(mn_scale(ranks, -gap), classes * gap + least), 1e-12, 2));
}

/* The target before the label is left out and the rest brought to sum 1, as logarithms: (B, C). */
static mn_var *log_target(mn_learner *learner, mn_tape *tape, mn_var *ranks)
{
    const zipf_options *o = mn_options(learner);
    const mn_shape shape = mn_shape_of(ranks);
    mn_var *u = o->shape == GAUSSIAN ? mn_abs(mn_noise(learner, tape, "target", shape))
                : o->shape >= SHUFFLED
                    ? mn_clamp(mn_uniform(learner, tape, "target", shape), 1e-12, 1 - 1e-7)
                    : NULL;
    switch (o->shape) {
    case CONSTANT: return mn_scale(ranks, 0);
    case LINEAR: return log_linear(o, ranks);
    case EXPONENTIAL: return mn_scale(ranks, -o->decay);
    case SHUFFLED: return mn_scale(mn_log(mn_row_ranks(u)), -o->exponent);
    case UNIFORM: return mn_log(u);
    case GAUSSIAN: return mn_log(mn_clamp(u, 1e-12, 1e12));
    case PARETO: /* u / (1 - u) */ return mn_sub(mn_log(u), mn_log(mn_shift(mn_scale(u, -1), 1)));
    default: return mn_scale(mn_log(ranks), -o->exponent);
    }
}

/* The share of past classes in what rows of new ones leave for other classes: the pressure that old
 * logits are under.  It is logged and weighs nothing. */
static void log_old_share(mn_learner *learner, const mn_labelled *rows, mn_var *others)
{
    const int64_t past = mn_classes(learner, MN_PAST).count;
    const int64_t classes = mn_shape_of(others).size[1];
    if (past == 0 || past == classes || mn_trained_classes(learner).first > 0)
        return;
    mn_var *of_new = mn_row_sum(mn_columns(rows->targets, past, classes - past));
    mn_var *share = mn_row_sum(mn_columns(mn_softmax(mn_detach(others)), 0, past));
    const double count = mn_item(mn_sum(of_new));
    if (count > 0)
        mn_term(learner, "old_share", 0, mn_scale(mn_sum(mn_mul(of_new, share)), 1 / count));
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    const zipf_options *o = mn_options(learner);
    const int only = (o->mask ? MN_LABELLED_CORRECT : 0) | (o->replayed ? 0 : MN_LABELLED_STREAM);
    mn_labelled rows = {.count = 0};
    mn_var *counts = NULL;
    for (int i = 0; i < n; i++) {
        const int64_t *places;
        int64_t added;
        mn_labelled_add(learner, tape, published[i], only, &rows, &places, &added);
        if (added > 0)
            counts = mn_rows_below(
                counts, mn_gather_rows(votes(learner, tape, published[i]), places, added));
    }
    if (rows.count == 0)
        return MN_OK;
    MN_TRY(mn_labelled_check(learner, "zipf"));
    mn_var *target = log_target(learner, tape, mn_row_ranks(counts));
    mn_var *others = mn_labelled_others(&rows, rows.logits);
    mn_term(learner, "zipf", o->lambda, mn_kl(others, mn_labelled_others(&rows, target), 1));
    log_old_share(learner, &rows, others);
    return MN_OK;
}

MN_STRATEGY(zipf) = {
    MN_STRATEGY_HEADER,
    .name = "zipf",
    .summary =
        "Zipf's label smoothing: other classes share by 1 / rank of the map's votes (add-on).",
    .cite = "Liang et al., Efficient One Pass Self-distillation with Zipf's Label Smoothing, ECCV "
            "2022",
    .options = options,
    .options_size = sizeof(zipf_options),
    .open = open,
    .term = term,
    .differs = differs,
};
