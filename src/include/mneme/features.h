/* features.h -- a data set as a frozen network sees it, computed once and kept in a file that every
 * benchmark can read.
 */
#ifndef MNEME_FEATURES_H
#define MNEME_FEATURES_H

#include <mneme/experiment.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_features_spec {
    const char *layer; /* a map of the network (mn_network_map()); NULL: what its last layer sees */
    /* MN_ROW_F32; MN_ROW_F16; or MN_ROW_U8: 256 steps between the least and the greatest value of
     * each place, which the file has as `offset` and `scale`. */
    mn_row_type type;
} mn_features_spec;

/* Shows all training and test images of an experiment that is resolved to its network, with the weights
 * that `init` names but for the classifier, in evaluation mode and without augmentation, and writes a
 * safetensors file for the data set `npy`: x_train (N, D), or (N, C, H, W) of a map; y_train (N), labels
 * as the data set has them; x_test, y_test.  Its metadata have the digests of data and weights.
 *
 * What is done so far lies in PATH.part, so that a call that follows one which was stopped or killed
 * goes on from there, to the same bytes.  MN_INTERRUPTED: `watch` (or NULL) said stop.  MN_BUSY:
 * another process is at it.  MN_BAD_VALUE: a feature is not finite, or too large for a half float. */
MN_API mn_status mn_features_write(const mn_experiment *experiment, const mn_features_spec *spec,
                                   const char *path, const mn_pack_watch *watch);

#ifdef __cplusplus
}
#endif
#endif
