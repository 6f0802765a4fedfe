/* cifar.h -- the binary version of CIFAR-10 and CIFAR-100. */
#ifndef MN_DATA_CIFAR_H
#define MN_DATA_CIFAR_H

#include <mneme/data.h>

enum { MN_CIFAR_MOST_FILES = 6, MN_CIFAR_MOST_LABELS = 2 };

/* How a data set of this kind is laid out.  A record is its label bytes, then 3 x 32 x 32 pixels.
 */
typedef struct mn_cifar_layout {
    const char *folder, *archive;          /* "cifar-10-batches-bin", "cifar-10-binary" */
    const char *file[MN_CIFAR_MOST_FILES]; /* the last holds the test images */
    int files;
    int64_t train_images, test_images;     /* of each file */
    int labels;                            /* label bytes of a record */
    int64_t classes[MN_CIFAR_MOST_LABELS]; /* of each label byte */
} mn_cifar_layout;

/* Reads the files from `folder`, from the layout's own folder in it, or from its archive in it;
 * each file plain or compressed.  Images get the label byte number `label`. */
mn_status mn_cifar_read(const mn_cifar_layout *layout, const char *folder, int label,
                        mn_dataset *dataset);

extern const char *const mn_cifar10_names[10], *const mn_cifar100_names[100],
                                                   *const mn_cifar20_names[20];

#endif
