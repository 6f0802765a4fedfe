/* optimiser.h -- what optimisers there are, for help and for checking options before a run. */
#ifndef MN_NN_OPTIMISER_H
#define MN_NN_OPTIMISER_H

#include <mneme/network.h>

/* The i-th kind's name; NULL past the end. */
const char *mn_optimiser_kind(int i);
/* The option table of a kind; NULL, with the nearest kind in the message, when there is none. */
const mn_option *mn_optimiser_options(const char *kind);

#endif
