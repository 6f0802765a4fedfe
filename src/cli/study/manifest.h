/* manifest.h -- a study as it is written down: its arms, and what is expected of them. */
#ifndef MN_CLI_MANIFEST_H
#define MN_CLI_MANIFEST_H

#include <cjson/cJSON.h>
#include <mneme/results.h>

/* Of a mean over seeds or, where another arm is named, of the mean difference from it. */
typedef struct mn_expectation {
    const char *metric;
    mn_scope scope;  /* MN_SCOPES: the first that the runs have */
    int minus;       /* the other arm's place in the manifest; -1: none */
    double from, to; /* infinite where nothing is said */
    int source;      /* of the range: its place among the manifest's, from 1; 0: none is named */
} mn_expectation;

/* Where the manifest chooses, an arm with a grid becomes its candidates, which are evaluated on
 * images held out of the training images and on no others, and after them one arm that runs on test
 * as the best of them.  Elsewhere each combination of a grid is an arm as any other. */
typedef struct mn_arm {
    const char *benchmark, *strategy;
    const char *name; /* the strategy's where the manifest gives none; of a grid, with the values */
    char *folder;     /* of its run files, within the study's */
    int64_t seeds;
    const cJSON *seed;      /* (seeds) which they are; NULL: those from the benchmark's on */
    const cJSON *set;       /* its own, after the study's, its point too; NULL: none */
    const cJSON *point;     /* its values in its grid, {KEY: VALUE}; NULL: it has none (yet) */
    mn_expectation *expect; /* (expectations) */
    int expectations;
    int place;             /* in the manifest's list */
    int first, candidates; /* that it is chosen from: their places; no candidates: it is not */
    int best;              /* the candidate that was chosen; -1: none (yet) */
    bool is_candidate;
    bool chosen; /* by --arms */
} mn_arm;

/* How the best of a grid is found. */
typedef struct mn_choice {
    bool wanted;
    double held_out; /* share of the training images */
    const char *metric;
    mn_scope scope;    /* MN_SCOPES: the first that the runs have */
    const cJSON *seed; /* a list */
} mn_choice;

typedef struct mn_manifest {
    const char *name; /* NULL: none */
    const cJSON *set; /* of every arm; NULL: none */
    mn_arm *arm;      /* (count) */
    int count;
    mn_choice choice;
    const char **source; /* (sources) where ranges come from, each once, in order of appearance */
    int sources;
    cJSON *json; /* what the texts are borrowed from */
    cJSON *made; /* what was made of grids, the same */
} mn_manifest;

/* Reads a manifest and checks all of it but what the arms' settings mean. */
mn_status mn_manifest_read(const char *path, mn_manifest *manifest);
void mn_manifest_free(mn_manifest *manifest);
/* Where the runs of its arms go unless told otherwise, "runs/NAME"; the caller frees. */
char *mn_manifest_folder(const mn_manifest *manifest);
/* Leaves only the arms of these names chosen, and what they are chosen from: "er,derpp". */
mn_status mn_manifest_choose(mn_manifest *manifest, const char *names);
/* An arm takes a candidate's place in the grid: what is chosen on validation is run on test. */
void mn_manifest_settle(mn_manifest *manifest, mn_arm *arm, int candidate);

#endif
