/* composition.h -- the strategies of a run: one base and its add-ons. */
#ifndef MN_EXPERIMENT_COMPOSITION_H
#define MN_EXPERIMENT_COMPOSITION_H

#include "experiment/configuration.h"

/* Fills in the strategies that a list like "derpp+zipf" names, by name or by a plugin's path. */
mn_status mn_composition_set(mn_experiment *experiment, const char *list);

#endif
