/* encoded.h -- a data set whose images all are in a smaller form. */
#ifndef MN_DATA_ENCODED_H
#define MN_DATA_ENCODED_H

#include "data/encode/encoding.h"

/* Training and test images are the form's from now on, in memory; of coordinates, the ranges are
 * those of the training images.  It keeps its digest, which names the data and not their form.
 * After a failure the data set is as it was. */
mn_status mn_dataset_encode(mn_dataset *dataset, const mn_encoding_spec *spec);

#endif
