/* features.h -- a data set as a frozen network sees it, into a file. */
#ifndef MN_FEATURES_FEATURES_H
#define MN_FEATURES_FEATURES_H

#include "base/json.h"
#include "nn/sight.h"

#include <mneme/data.h>
#include <mneme/network.h>

/* What is borrowed must live until mn_features_close(). */
typedef struct mn_features_source {
    const mn_dataset *dataset; /* borrowed, as all texts */
    mn_transform transform;    /* its random part is left out */
    mn_network_spec network;
    const char *init, *init_digest; /* its weights but for the classifier; "": drawn by the seed */
    int64_t seed;
    mn_sight sees;
    int64_t batch, threads; /* images at once */
    mn_dtype precision;
    const char *layer; /* a map of the network; NULL: what its last layer sees */
    mn_row_type type;  /* MN_ROW_F32, MN_ROW_F16, or MN_ROW_U8: 256 steps of each place's range */
} mn_features_source;

typedef struct mn_features mn_features;

/* Makes the network, and begins its threads. */
mn_status mn_features_open(const mn_features_source *source, mn_features **features);
void mn_features_close(mn_features *features);
/* What the features depend on, an object of texts, without the digest of the data. */
const cJSON *mn_features_about(const mn_features *features);
/* Computes them all, and writes the file, as mn_features_write() says (mneme/features.h). */
mn_status mn_features_make(mn_features *features, const char *path, const mn_pack_watch *watch);

#endif
