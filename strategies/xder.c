/* xder.c -- X-DER: remembered logits are kept up to date with later tasks, and heads of future
 * tasks are prepared.
 *
 *     L = CE(f(x) of present classes, y) + alpha MSE(f(x'), z') + beta CE(f(x'') of past classes,
 * y'')
 *       + lambda contrast(strong views) + eta (future margin + past margin)
 *
 * The contrast is supervised, by class, in the logits of every future task (SupCon), on exemplars
 * and images of the stream.
 *
 * Nothing but the past margin holds the present classes against the past ones, and the authors'
 * weight of it (eta) is tuned for 50 epochs of CIFAR-100.  Where a task has few steps or two
 * classes, images of the last task are taken for past ones; eta of 0.1 to 1, or past_logits, helps.
 */
#include "strategies/shared/xder.h"

static const mn_option options[] = {
    MN_XDER_OPTIONS(0.3, 0.8, 0.7, 0.001),
    MN_REAL(mn_xder_options, lambda, 0.05, 0, 1000,
            "weight of the contrast that prepares future classes; 0: none"),
    MN_REAL(mn_xder_options, temperature, 5, 0.0001, 10000, "of the contrast"),
    MN_INT(mn_xder_options, contrast, 64, 1, 4096,
           "exemplars, and at most as many images of the stream, in the contrast"),
    MN_INT(mn_xder_options, views, 2, 1, 64, "strongly augmented views of each (later code: 4)"),
    MN_REAL(mn_xder_options, distance, 0, 0, 1000000,
            "weight of keeping likenesses between exemplars in future classes (later code: 3000)"),
    MN_END,
};

static const char *const differs[] = {
    "This is the code of the paper (github.com/aimagelab/mammoth, tag tpami2023); what "
    "later code added is there by option: views=4, distance=3000, align=true.",
    "Where no class's own logit is above 0, implanted logits are cut off below it; the "
    "authors scale them all the same: reference=true.",
    "Defaults are the authors' tuned values for CIFAR-100 with a buffer of 500, not their "
    "program's.",
    NULL,
};

static const mn_xder_variant variant = {.refreshes_future = true};

static mn_status open(mn_learner *learner)
{
    return mn_xder_open(learner, &variant);
}

MN_STRATEGY(xder) = {
    MN_STRATEGY_HEADER,
    .name = "xder",
    .summary =
        "X-DER: updates remembered logits, prepares future classes and keeps others in bounds.",
    .options = options,
    MN_XDER_DESCRIPTOR,
    .open = open,
    .differs = differs,
};
