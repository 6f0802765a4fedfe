/* cost.h -- what the runs of an arm will take, from a few steps of the first of them. */
#ifndef MN_CLI_COST_H
#define MN_CLI_COST_H

#include "cli/study/manifest.h"

typedef struct mn_cost {
    int64_t steps;  /* of a run */
    double seconds; /* of a run on the threads that it will have; */
    double bytes; /* of its file: the network, the optimiser and a full buffer, without the answers
                     that evaluations store */
} mn_cost;

/* Begins the first run of an arm in a folder for what is temporary, looks at it for some seconds,
 * and removes it.  What is wrong with the arm's settings is found as it would be by its run. */
mn_status mn_cost_of(const mn_manifest *manifest, const mn_arm *arm, mn_cost *cost);

#endif
