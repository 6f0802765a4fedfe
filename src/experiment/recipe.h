/* recipe.h -- a benchmark's tuned hyper-parameters for a strategy. */
#ifndef MN_EXPERIMENT_RECIPE_H
#define MN_EXPERIMENT_RECIPE_H

#include "experiment/configuration.h"

/* Refuses recipes that are none, before one is looked for. */
mn_status mn_recipes_check(const cJSON *source, const char *benchmark);
/* What the strategy's recipes say for "optimiser.name" or another key that chooses a type; NULL:
 * nothing.  The text lives as long as the experiment. */
const char *mn_recipe_type(const mn_experiment *experiment, const char *key);
/* The recipe for the strategies, or for the base alone, with the buffer nearest to the run's;
 * NULL: the benchmark has none. */
const cJSON *mn_recipe_find(const mn_experiment *experiment);
/* A sentence on the recipe (NULL: that there is none); the caller frees it. */
mn_status mn_recipe_describe(const mn_experiment *experiment, const cJSON *recipe, char **text);
/* True for an optimiser's option when the user chose another optimiser than the recipe's. */
bool mn_recipe_is_for_another(const mn_experiment *experiment, const char *key);

#endif
