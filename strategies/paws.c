/* paws.c -- PAWS with a buffer: labelled images of all classes seen vote on unlabelled ones.
 *
 *     L = mean CE(P(a), t) + sum m log m + linear CE(f(s), y)
 *
 * The letters are nncsl's.  The last term trains the classifier alone: its gradient stops there.
 */
#include "strategies/shared/nncsl.h"

static const mn_option options[] = {MN_NNCSL_OPTIONS(false, true, 0)};
static const mn_phase phases[] = MN_NNCSL_PHASES;

MN_STRATEGY(paws) = {
    MN_STRATEGY_HEADER,
    .name = "paws",
    .summary = "PAWS with a buffer: labelled images of all classes vote on unlabelled ones.",
    .cite = "Assran et al., Semi-supervised learning of visual features by non-parametrically "
            "predicting view assignments with support samples, ICCV 2021; " MN_NNCSL_CITE,
    .options = options,
    .phases = phases,
    MN_NNCSL_VARIANT,
};
