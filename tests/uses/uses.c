/* uses.c -- the list of the strategies in this folder, as meson.build has it. */
#include "tests/uses/uses.h"
#include "base/registry.h"

#include <check.h>
#include <mneme/strategy.h>

#define USES(X)                                                                                    \
    X(adversary)                                                                                   \
    X(bank) X(condense) X(early) X(grouped) X(latent) X(layerwise) X(maker) X(negatives)

#define DECLARE(id)  extern const mn_strategy mn_strategy_##id;
#define REGISTER(id) ck_assert_int_eq(mn_register(MN_KIND_STRATEGY, &mn_strategy_##id), MN_OK);

USES(DECLARE)

void test_register_uses(void)
{
    USES(REGISTER)
}
