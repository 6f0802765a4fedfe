/* split.h -- a test set where the data have none. */
#ifndef MN_DATA_READ_SPLIT_H
#define MN_DATA_READ_SPLIT_H

#include <mneme/data.h>

/* The options that every reader of a user's own data has. */
#define MN_SPLIT_MEMBERS                                                                           \
    double test_fraction;                                                                          \
    int64_t split_seed
#define MN_SPLIT_FRACTION 0.2
#define MN_SPLIT_OPTIONS(type)                                                                     \
    MN_REAL(type, test_fraction, MN_SPLIT_FRACTION, 0.001, 0.999,                                  \
            "part of each class that becomes the test set where the data have none"),              \
        MN_INT(type, split_seed, 0, 0, 1e15, "another seed chooses other images for it")

/* Moves `fraction` of each class's training images, at least one, chosen by `seed`, into the test
 * set, which must be empty.  A class of fewer than two images: MN_BAD_OPTION. */
mn_status mn_split_test_off(mn_dataset *dataset, double fraction, int64_t seed);
/* Of data that have a test set: notes that what the options say of one does nothing. */
mn_status mn_split_not_needed(mn_dataset *dataset, double fraction, int64_t seed);

#endif
