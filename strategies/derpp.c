/* derpp.c -- DER++: dark experience replay, and the labels of a second draw.
 *
 *     L = CE(f(x), y) + alpha MSE(f(x'), z') + beta CE(f(x''), y'')
 *
 * Two independent draws, three forwards, one backward (eq. 7 of the paper).  The cross-entropy of
 * the stream is over all classes, or over those of the task alone, as X-DER's is.
 */
#include <mneme/strategy.h>
#include <string.h>

typedef struct derpp_options {
    double alpha, beta;
    int64_t replay, classes;
} derpp_options;

enum { ALL_CLASSES, PRESENT_CLASSES };
static const char *const extents[] = {"all", "present", NULL};

static const mn_option options[] = {
    MN_REAL(derpp_options, alpha, 0.5, 0, 1000, "weight of matching the remembered logits"),
    MN_REAL(derpp_options, beta, 0.5, 0, 1000, "weight of the remembered labels"),
    MN_INT(derpp_options, replay, 10, 1, 65536, "exemplars in each of the two draws of a step"),
    MN_CHOICE(derpp_options, classes, ALL_CLASSES, extents,
              "classes among which the stream's cross-entropy is taken"),
    MN_END,
};

static mn_status open(mn_learner *learner)
{
    return mn_keep_column(learner, "logits", 0);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const derpp_options *o = mn_options(learner);
    const mn_range range = mn_classes(learner, o->classes == ALL_CLASSES ? MN_ALL : MN_PRESENT);
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    mn_term(learner, "stream", 1,
            mn_cross_entropy_columns(logits, now->labels, range.first, range.count));
    mn_backward_now(learner);
    const mn_batch *old = mn_draw(learner, "dark", o->replay);
    mn_term(learner, "dark", o->alpha,
            mn_mse(mn_forward(learner, old, MN_TRAIN)->logits, mn_column(tape, old, "logits")));
    mn_backward_now(learner);
    old = mn_draw(learner, "labels", o->replay);
    mn_term(learner, "replay", o->beta,
            mn_cross_entropy(mn_forward(learner, old, MN_TRAIN)->logits, old->labels));
    return MN_OK; /* an empty draw makes empty terms, which are zero */
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    return mn_remember(learner, now, MN_WITH({"logits", out->logits}));
}

/* Of images that another strategy has made: what the network answers now. */
static mn_var *column(mn_learner *learner, mn_tape *tape, const mn_batch *rows, const char *name)
{
    (void)tape;
    return strcmp(name, "logits") == 0 ? mn_forward(learner, rows, MN_EVAL | MN_NO_GRADIENT)->logits
                                       : NULL;
}

MN_STRATEGY(derpp) = {
    MN_STRATEGY_HEADER,
    .name = "derpp",
    .summary = "DER++: dark experience replay plus the labels of a second draw.",
    .cite = "Buzzega et al., Dark Experience for General Continual Learning: a Strong, Simple "
            "Baseline, NeurIPS 2020",
    .options = options,
    .options_size = sizeof(derpp_options),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
    .column = column,
};
