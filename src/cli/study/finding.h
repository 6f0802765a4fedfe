/* finding.h -- what the runs of a study say of something that its manifest expects. */
#ifndef MN_CLI_FINDING_H
#define MN_CLI_FINDING_H

#include "cli/study/manifest.h"

#include <mneme/groups.h>

typedef enum mn_standing {
    MN_MET,       /* the whole interval lies in the range, or there is a value and no range */
    MN_MISSED,    /* none of it does */
    MN_OPEN,      /* the runs are too few, or differ too much, to say */
    MN_NO_VALUE,  /* the runs are finished, and some or all have no such number */
    MN_OTHER,     /* the runs were made with another setting than the manifest has */
    MN_UNFINISHED /* runs are missing */
} mn_standing;

typedef struct mn_finding {
    mn_standing standing;
    mn_scope scope; /* MN_SCOPES: the runs have none */
    mn_summary summary;
    int64_t wanted, finished; /* runs, or pairs of runs */
    const char *since;        /* the setting of MN_OTHER; borrowed from the manifest */
    double images, seconds;   /* means over the arm's runs; NaN: unknown */
} mn_finding;

/* Looks at the files of an arm, and of the arm that it is compared with, below `folder`.  `seeds`
 * is what the command line wants of each arm; 0: the manifest's. */
mn_status mn_finding_of(const mn_manifest *manifest, const mn_arm *arm,
                        const mn_expectation *expected, const char *folder, int64_t seeds,
                        mn_finding *finding);

#endif
