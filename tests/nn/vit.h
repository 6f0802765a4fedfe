/* vit.h -- a vision transformer made of the layers of mneme/layers.h, for comparisons and
 * measurements; it is no network that a run may have. */
#ifndef MN_TESTS_NN_VIT_H
#define MN_TESTS_NN_VIT_H

#include <mneme/network.h>

typedef struct test_vit_options {
    int64_t patch; /* side in pixels */
    int64_t width, depth, heads;
    int64_t hidden; /* width within a block's two linear layers */
} test_vit_options;

/* For mn_network_new_of() with such options; the defaults are vit_b_16's. */
extern const mn_network_type test_vit;

#endif
