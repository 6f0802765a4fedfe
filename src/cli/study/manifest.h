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

typedef struct mn_arm {
    const char *benchmark, *strategy;
    const char *name; /* the strategy's where the manifest gives none */
    char *folder;     /* of its run files, within the study's */
    int64_t seeds;
    const cJSON *set;       /* its own, after the study's; NULL: none */
    mn_expectation *expect; /* (expectations) */
    int expectations;
    bool chosen;
} mn_arm;

typedef struct mn_manifest {
    const char *name; /* NULL: none */
    const cJSON *set; /* of every arm; NULL: none */
    mn_arm *arm;      /* (count) */
    int count;
    const char **source; /* (sources) where ranges come from, each once, in order of appearance */
    int sources;
    cJSON *json; /* what the texts are borrowed from */
} mn_manifest;

/* Reads a manifest and checks all of it but what the arms' settings mean. */
mn_status mn_manifest_read(const char *path, mn_manifest *manifest);
void mn_manifest_free(mn_manifest *manifest);
/* Where the runs of its arms go unless told otherwise, "runs/NAME"; the caller frees. */
char *mn_manifest_folder(const mn_manifest *manifest);
/* Leaves only the arms of these names chosen: "er,derpp". */
mn_status mn_manifest_choose(mn_manifest *manifest, const char *names);

#endif
