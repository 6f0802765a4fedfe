/* xder_rpc.c -- X-DER whose classes stand at the corners of a fixed regular simplex.
 *
 *     logits = (f(x) without its last element) S,   S (C - 1, C): cosines of -1 / (C - 1)
 *
 * Places for future classes are kept from the start (Pernici et al., regular polytope networks), so
 * they need no preparation; the rest is X-DER.
 */
#include "strategies/shared/xder.h"

static const mn_option options[] = {
    MN_XDER_OPTIONS(0.1, 0.5, 0.3, 0.1),
    MN_END,
};

/* The network's last output has no say: a simplex of C corners has C - 1 dimensions. */
static mn_var *simplex(mn_tape *tape, mn_var *outputs)
{
    const int64_t classes = mn_shape_of(outputs).size[1];
    if (mn_tape_status(tape) != MN_OK)
        return outputs;
    return mn_matmul(mn_columns(outputs, 0, classes - 1), mn_simplex(tape, classes));
}

static const char *const differs[] = {
    "This is the code of the paper (github.com/aimagelab/mammoth, tag tpami2023). Of their later "
    "code, "
    "which the recipe's values and the published figure are of, past=false and reference=true are "
    "there by option; that replay leaves the running statistics of batch norms alone is not.",
    "Where no class's own logit is above 0, implanted logits are cut off below it; the "
    "authors scale them all the same: reference=true.",
    NULL,
};

static const mn_xder_variant variant = {.head = simplex, .refreshes_future = true};

static mn_status open(mn_learner *learner)
{
    return mn_xder_open(learner, &variant);
}

static mn_var *scores(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    return simplex(tape, mn_forward(learner, batch, MN_EVAL | MN_NO_GRADIENT)->logits);
}

MN_STRATEGY(xder_rpc) = {
    MN_STRATEGY_HEADER,
    .name = "xder-rpc",
    .summary = "X-DER with a fixed simplex in place of a learned head.",
    .options = options,
    MN_XDER_DESCRIPTOR,
    .open = open,
    .scores = scores,
    .differs = differs,
};
