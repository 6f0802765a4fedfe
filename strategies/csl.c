/* csl.c -- nncsl without distillation: labelled images of present classes vote on unlabelled ones.
 *
 *     L = mean CE(P(a), t) + sum m log m + linear CE(f(s), y)
 *
 * The letters are nncsl's.
 */
#include "strategies/shared/nncsl.h"

static const mn_option options[] = {MN_NNCSL_OPTIONS(true, false, 0)};
static const mn_phase phases[] = MN_NNCSL_PHASES;

MN_STRATEGY(csl) = {
    MN_STRATEGY_HEADER,
    .name = "csl",
    .summary = "CSL: labelled images of present classes vote on unlabelled ones.",
    .cite = MN_NNCSL_CITE,
    .options = options,
    .phases = phases,
    MN_NNCSL_VARIANT,
};
