/* xder_ce.c -- X-DER whose future classes are prepared by cross-entropy alone.
 *
 *     L = CE(f(x) of present and future classes, y) + alpha MSE(f(x'), z')
 *       + beta CE(f(x'') of past classes, y'') + eta (future margin + past margin)
 *
 * Future classes are thus pushed down on every image of the stream.  During the first task images
 * of that task are replayed, from a reservoir that is emptied at its end.
 */
#include "strategies/shared/xder.h"

static const mn_option options[] = {
    MN_XDER_OPTIONS(0.1, 0.5, 0.3, 0.1),
    MN_BOOL(mn_xder_options, first_task, true, "replay within the first task, too"),
    MN_BOOL(mn_xder_options, present_only, false,
            "the stream's cross-entropy is over the present classes alone, and a task's end brings "
            "all future classes' remembered logits up to date (later code: true)"),
    MN_END,
};

static const char *const differs[] = {
    "The authors store images augmented in the first task; here, as everywhere, they are "
    "augmented when they are drawn.",
    "This is the code of the paper (github.com/aimagelab/mammoth, tag tpami2023). Their later "
    "code, "
    "which the recipe and the published figure are of, is there by option: present_only, align and "
    "reference true, past and first_task false.",
    "Where no class's own logit is above 0, implanted logits are cut off below it; the "
    "authors scale them all the same: reference=true.",
    NULL,
};

static const mn_xder_variant variant = {.trains_future = true};

static mn_status open(mn_learner *learner)
{
    return mn_xder_open(learner, &variant);
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    const mn_xder_options *o = mn_options(learner);
    if (mn_task(learner) > 0 || !o->first_task)
        return MN_OK;
    mn_var *never = mn_zeros(mn_tape_of(out->logits), MN_SHAPE(now->count, 1));
    return mn_remember(learner, now, MN_WITH({"logits", out->logits}, {"visits", never}));
}

MN_STRATEGY(xder_ce) = {
    MN_STRATEGY_HEADER,
    .name = "xder-ce",
    .summary = "X-DER with cross-entropy on future classes in place of contrastive preparation.",
    .options = options,
    MN_XDER_DESCRIPTOR,
    .open = open,
    .after_step = after_step,
    .differs = differs,
};
