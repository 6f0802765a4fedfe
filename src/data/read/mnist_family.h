/* mnist_family.h -- data sets that come as MNIST did: four IDX files of images and labels. */
#ifndef MN_DATA_MNIST_FAMILY_H
#define MN_DATA_MNIST_FAMILY_H

#include <mneme/data.h>

/* Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, and the same of t10k, each plain or with
 * .gz or .xz at its end. */
mn_status mn_mnist_family_read(const char *folder, int64_t classes, const char *const *class_names,
                               mn_dataset *dataset);

#endif
