/* optimiser.h -- what optimisers there are, for help and for checking options before a run, and
 * their groups of parameters. */
#ifndef MN_NN_OPTIMISER_H
#define MN_NN_OPTIMISER_H

#include <mneme/optimiser.h>

/* The i-th kind's name; NULL past the end. */
const char *mn_optimiser_kind(int i);
/* The option table of a kind; NULL, with the nearest kind in the message, when there is none. */
const mn_option *mn_optimiser_options(const char *kind);

/* From here on the groups of `leader`, which outlives it, are this one's. */
void mn_optimiser_follow(mn_optimiser *optimiser, const mn_optimiser *leader);
/* The pattern of its i-th group; NULL past the end. */
const char *mn_optimiser_pattern(const mn_optimiser *optimiser, int i);
/* Writes zeros to the gradients of frozen parameters, so that no norm counts them. */
mn_status mn_optimiser_forget_frozen(mn_optimiser *optimiser);

#endif
